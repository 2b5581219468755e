// A real Redis or Valkey on a port and in a folder of its own, which can be stopped, killed, emptied and started again.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { Program } from './program.ts';
import { makeTempDir, removeDir } from './temp-dir.ts';
import { waitFor } from './wait.ts';

const BINARY = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Why tests with a shared store cannot run here; undefined where they can. */
export const NO_REDIS =
  BINARY === undefined
    ? 'neither redis-server nor valkey-server is installed (apt-get install redis-server)'
    : undefined;

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** A client that lives as long as the server object. */
  readonly client: Redis;
  signal(signal: NodeJS.Signals): void;
  /** Ends the process as it is. */
  kill(): Promise<void>;
  /** On the same port, with what was saved: nothing. */
  start(): Promise<void>;
  /** Commands that gateways sent so far, by name; what only we send is left out. */
  commands(): Promise<Record<string, number>>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRedis(more: readonly string[] = []): Promise<RedisServer> {
  if (BINARY === undefined) throw new Error(NO_REDIS);
  const binary = BINARY;
  const folder = await makeTempDir('redis');
  const port = await freePort();
  let program: Program;
  const start = async () => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
    program = new Program(binary, { args: [...args, ...more] });
    await program.line(/Ready to accept connections/);
  };
  await start();
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 100, connectionName: 'test', protocol: 2 });
  client.on('error', () => undefined);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return program.pid;
    },
    client,
    signal: (signal) => program.signal(signal),
    async kill() {
      program.signal('SIGKILL');
      await program.exited;
    },
    async start() {
      await start();
      await waitFor(() => client.status === 'ready', { what: 'the test client' });
    },
    async commands() {
      const text = await client.info('commandstats');
      return Object.fromEntries(
        [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)]
          .filter(([, name]) => name !== 'info')
          .map(([, name, calls]) => [name, Number(calls)]),
      );
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      if (program.running) {
        program.signal('SIGCONT');
        await program.stop({ signal: 'SIGKILL' });
      }
      await removeDir(folder);
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
