import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { removeDir } from '../../../test/support/temp-dir.ts';
import type { UpstreamConfig } from '../../config/schema.ts';
import { GatewayFault } from '../../core/fault.ts';
import type { Incoming } from '../../wire/envelope.ts';
import type { Transport } from '../transport.ts';
import { createWebSocketTransport } from './websocket.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Peer {
  url: string;
  server: Server;
  headers: Record<string, unknown>[];
  protocols: string[];
}

/** A server whose behaviour is one function for each connection; `refuse` answers the upgrade itself. */
async function peer(
  connection: (socket: WebSocket) => void,
  options: { refuse?: string; subprotocol?: boolean } = {},
): Promise<Peer> {
  const server = createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: () => (options.subprotocol === false ? false : 'mcp'),
  });
  const seen: Peer = { url: '', server, headers: [], protocols: [] };
  server.on('upgrade', (request, socket, head) => {
    seen.headers.push(request.headers);
    seen.protocols.push(request.headers['sec-websocket-protocol'] ?? '');
    if (options.refuse !== undefined) {
      socket.end(`HTTP/1.1 ${options.refuse}\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, connection);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  seen.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  cleanups.push(async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.closeAllConnections();
    server.close();
  });
  return seen;
}

function make(
  url: string,
  more: { limit?: number; dial?: number; tls?: object | undefined; keepAlive?: { every: number; within: number } } = {},
) {
  const messages: Incoming[] = [];
  const failures = new Map<number, GatewayFault>();
  const noises: string[] = [];
  const waiters: { test: () => boolean; done: () => void }[] = [];
  const changed = (): void => {
    for (const waiter of waiters) if (waiter.test()) waiter.done();
  };
  let closed: GatewayFault | undefined;
  const config = {
    url,
    headers: { 'x-key': 'k' },
    tls: more.tls,
    limits: { message: more.limit ?? 1e6 },
    timeouts: { dial: more.dial ?? 2000 },
  };
  const transport: Transport = createWebSocketTransport({
    upstream: 'ws',
    config: config as unknown as UpstreamConfig,
    log: () => undefined,
    keepAlive: more.keepAlive,
  });
  cleanups.push(() => transport.close(200));
  const sink = {
    message: (message: Incoming) => {
      messages.push(message);
      changed();
    },
    failed: (id: number, fault: GatewayFault) => {
      failures.set(id, fault);
      changed();
    },
    noise: (sample: string) => noises.push(sample),
    closed: (fault: GatewayFault) => {
      closed = fault;
      changed();
    },
  };
  const until = (test: () => boolean): Promise<void> =>
    test() ? Promise.resolve() : new Promise((done) => waiters.push({ test, done }));
  return {
    transport,
    messages,
    failures,
    noises,
    until,
    closed: async () => {
      await until(() => closed !== undefined);
      return closed as GatewayFault;
    },
    open: () => transport.open(sink, new AbortController().signal),
    send: (id: number) =>
      transport.request({ id, method: 'm', text: JSON.stringify({ jsonrpc: '2.0', id, method: 'm', params: {} }) }),
  };
}

async function refusal(opening: Promise<void>): Promise<GatewayFault> {
  const error = await opening.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GatewayFault);
  return error as GatewayFault;
}

const answer = (id: number, result: object): string => JSON.stringify({ jsonrpc: '2.0', id, result });
const idOf = (data: unknown): number => JSON.parse(String(data)).id;

describe('WebSocket transport', () => {
  it('carries messages in text frames, UTF-8 in binary ones, and batches', async () => {
    const server = await peer((socket) => {
      socket.send('{"jsonrpc":"2.0","method":"notifications/early"}');
      socket.on('message', (data, binary) => {
        expect(binary).toBe(false);
        const id = idOf(data);
        if (id === 1) socket.send(answer(1, { text: '你好' }));
        if (id === 2) socket.send(Buffer.from(answer(2, { text: 'ü' })), { binary: true });
        if (id === 3) socket.send(`[${answer(3, {})},{"jsonrpc":"2.0","method":"notifications/x"}]`);
      });
    });
    const { transport, open, send, messages, until } = make(server.url);
    await open();
    for (const id of [1, 2, 3]) send(id);
    await until(() => messages.length === 5);
    expect(messages.map((message) => message.kind)).toEqual([
      'notification',
      'result',
      'result',
      'result',
      'notification',
    ]);
    expect(messages[1]?.kind === 'result' && messages[1].result.value).toEqual({ text: '你好' });
    expect(server.protocols).toEqual(['mcp']);
    expect(server.headers[0]?.['x-key']).toBe('k');
    expect(transport.lastByteAt).toBeGreaterThan(0);
    await transport.close();
    await expect(transport.post('{}')).rejects.toMatchObject({ fault: 'UPSTREAM_DISCONNECTED', delivery: 'not-sent' });
  });

  it('takes a server that knows no subprotocol', async () => {
    const server = await peer((socket) => socket.on('message', (data) => socket.send(answer(idOf(data), {}))), {
      subprotocol: false,
    });
    const { open, send, messages, until } = make(server.url);
    await open();
    send(1);
    await until(() => messages.length === 1);
    expect(server.protocols).toEqual(['mcp', '']);
  });

  it.each([
    ['401 Unauthorized', 'UPSTREAM_UNAUTHORIZED'],
    ['403 Forbidden', 'UPSTREAM_UNAUTHORIZED'],
    ['404 Not Found', 'UPSTREAM_UNREACHABLE'],
    ['429 Too Many', 'UPSTREAM_RATE_LIMITED'],
    ['503 Unavailable', 'UPSTREAM_FAILED'],
  ])('F-X1 tells an upgrade answered with %s as %s', async (refuse, name) => {
    const server = await peer(() => undefined, { refuse });
    const fault = await refusal(make(server.url).open());
    expect([fault.fault, fault.delivery, fault.retryAfterMs]).toEqual([name, 'not-sent', 3000]);
    expect(fault.data?.httpStatus).toBe(Number(refuse.slice(0, 3)));
  });

  it('F-T2 tells a refused connection with its errno, and a silent one by the dial timeout', async () => {
    const silent = createTcpServer((socket) => socket.resume());
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const begun = performance.now();
    const slow = await refusal(make(`ws://127.0.0.1:${port}/`, { dial: 100 }).open());
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect([slow.fault, slow.data?.errno]).toEqual(['UPSTREAM_UNREACHABLE', 'ETIMEDOUT']);
    await new Promise((resolve) => silent.close(resolve));
    const refused = await refusal(make(`ws://127.0.0.1:${port}/`).open());
    expect([refused.fault, refused.data?.errno]).toEqual(['UPSTREAM_UNREACHABLE', 'ECONNREFUSED']);
  });

  it('refuses only the answer that is over limits.message', async () => {
    const server = await peer((socket) => {
      socket.on('message', (data) => {
        const id = idOf(data);
        socket.send(answer(id, { text: 'x'.repeat(id === 1 ? 1500 : 10) }));
      });
    });
    const { open, send, messages, failures, until } = make(server.url, { limit: 1000 });
    await open();
    send(1);
    send(2);
    await until(() => messages.length === 1 && failures.size === 1);
    expect(failures.get(1)?.fault).toBe('RESULT_TOO_LARGE');
  });

  it('ends the connection over a message of twice the limit, and names the limit', async () => {
    const server = await peer((socket) => socket.send('x'.repeat(3000)));
    const { open, closed } = make(server.url, { limit: 1000 });
    await open();
    const fault = await closed();
    expect(fault.fault).toBe('UPSTREAM_PROTOCOL');
    expect(fault.message).toContain('limits.message (1000 bytes)');
  });

  it('F-I1 skips what is no message, and fails the call whose answer cannot be read', async () => {
    const server = await peer((socket) => {
      socket.send('hello');
      socket.on('message', () => socket.send('{"jsonrpc":"2.0","id":1,"result":{"a":'));
    });
    const { open, send, failures, noises, until } = make(server.url);
    await open();
    send(1);
    await until(() => failures.size === 1);
    expect(failures.get(1)?.fault).toBe('UPSTREAM_PROTOCOL');
    expect(noises[0]).toBe('hello');
  });

  it.each([
    [1001, 'UPSTREAM_DISCONNECTED'],
    [1008, 'UPSTREAM_UNAUTHORIZED'],
    [4401, 'UPSTREAM_UNAUTHORIZED'],
    [1007, 'UPSTREAM_PROTOCOL'],
    [4004, 'UPSTREAM_DISCONNECTED'],
  ])('F-X3 maps close code %i to %s', async (code, name) => {
    const server = await peer((socket) => socket.on('message', () => socket.close(code, 'because')));
    const { open, send, closed } = make(server.url);
    await open();
    send(1);
    const fault = await closed();
    expect([fault.fault, fault.delivery]).toEqual([name, 'maybe-sent']);
    expect(fault.data?.close).toEqual({ code, reason: 'because' });
  });

  it('F-T5 tells a connection that is cut', async () => {
    const server = await peer((socket) => socket.on('message', () => socket.terminate()));
    const { open, send, closed, failures, until } = make(server.url);
    await open();
    send(1);
    expect((await closed()).data?.close).toMatchObject({ code: 1006 });
    send(2);
    await until(() => failures.size === 1);
    expect(failures.get(2)?.delivery).toBe('not-sent');
  });

  it('F-X4 finds a silent peer by its missing pong, and keeps one that answers', async () => {
    const times = { keepAlive: { every: 40, within: 40 } };
    const silent = await peer((socket) => socket.pause());
    const lost = make(silent.url, times);
    await lost.open();
    const fault = await lost.closed();
    expect([fault.fault, fault.message]).toEqual(['UPSTREAM_DISCONNECTED', 'upstream "ws" did not answer a ping']);
    const pongs: number[] = [];
    const lively = await peer((socket) => {
      socket.on('ping', () => {
        pongs.push(1);
        if (pongs.length === 4) socket.send('{"jsonrpc":"2.0","method":"notifications/alive"}');
      });
    });
    const kept = make(lively.url, times);
    await kept.open();
    await kept.until(() => kept.messages.length === 1);
    expect(pongs.length).toBeGreaterThanOrEqual(4);
  });

  it.skipIf(!existsSync('/usr/bin/openssl'))('F-H25 checks certificates by ca, servername and insecure', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'ws-tls-'));
    cleanups.push(() => removeDir(directory));
    const [key, cert] = [path.join(directory, 'key.pem'), path.join(directory, 'cert.pem')];
    const subject = ['-subj', '/CN=inner', '-addext', 'subjectAltName=DNS:inner'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await promisify(execFile)('openssl', [
      'req',
      '-x509',
      ...curve,
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      ...subject,
    ]);
    const server = createTlsServer({ key: await readFile(key), cert: await readFile(cert) });
    const sockets = new WebSocketServer({ server });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      server.close();
    });
    const dial = (tls?: object) => make(`wss://127.0.0.1:${(server.address() as AddressInfo).port}/`, { tls }).open();
    expect((await refusal(dial())).data?.errno).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect((await refusal(dial({ ca: cert }))).data?.errno).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    await dial({ ca: cert, servername: 'inner' });
    await dial({ insecure: true });
    expect((await refusal(dial({ ca: path.join(directory, 'none.pem') }))).fault).toBe('UPSTREAM_START_FAILED');
  });

  it('gives up a dial that is aborted or closed meanwhile', async () => {
    const silent = createTcpServer((socket) => socket.resume());
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { transport, open } = make(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`, { dial: 20_000 });
    const opening = refusal(open());
    await transport.close();
    expect((await opening).fault).toBe('UPSTREAM_UNREACHABLE');
    await new Promise((resolve) => silent.close(resolve));
  });
});
