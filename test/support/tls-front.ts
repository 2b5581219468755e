// TLS in front of a plain server, with one of the certificates of test/servers/http/tls.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';

export type Certificate = 'localhost' | 'expired' | 'elsewhere' | 'ca';

export const tlsFile = (name: string): string => new URL(`../servers/http/tls/${name}.pem`, import.meta.url).pathname;

/** `https://localhost:PORT` with the path of `target`, a plain URL of this machine. */
export async function tlsFront(
  certificate: Certificate,
  target: string,
): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const { port, pathname } = new URL(target);
  const open = new Set<Socket>();
  const keys = { cert: readFileSync(tlsFile(certificate)), key: readFileSync(tlsFile(`${certificate}-key`)) };
  const server = createServer(keys, (client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as [Socket, Socket][]) {
      open.add(from);
      from.on('error', () => to.destroy()).on('close', () => open.delete(from));
      from.pipe(to);
    }
  });
  server.on('tlsClientError', () => {}); // who does not like the certificate leaves
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const own = (server.address() as { port: number }).port;
  return {
    url: `https://localhost:${own}${pathname}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
