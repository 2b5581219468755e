// A node:http or node:https server on a free port that remembers every request, for upstreams of one behaviour each.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Resolves when the connection or the answer is closed. */
  closed: Promise<void>;
  /** `performance.now()` of its arrival. */
  at: number;
}

export type Answer = (request: SeenRequest, response: ServerResponse, raw: IncomingMessage) => unknown;

export interface Listener {
  url: string;
  port: number;
  requests: SeenRequest[];
  /** Connections opened so far. */
  connections(): number;
  /** Connections open now. */
  open(): number;
  /** Resolves with the n-th request from now on that passes the test. */
  seen(test: (request: SeenRequest) => boolean): Promise<SeenRequest>;
  /** Resets every open connection. */
  reset(): void;
  close(): Promise<void>;
}

export async function listen(answer: Answer, options: { tls?: ServerOptions; port?: number } = {}): Promise<Listener> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const waiting: { test: (request: SeenRequest) => boolean; resolve: (request: SeenRequest) => void }[] = [];
  let connections = 0;

  const onRequest = (raw: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    raw.on('data', (chunk: Buffer) => chunks.push(chunk));
    raw.on('error', () => {});
    response.on('error', () => {});
    raw.on('end', () => {
      const request: SeenRequest = {
        method: raw.method ?? '',
        path: raw.url ?? '',
        headers: raw.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        closed: new Promise((resolve) => response.once('close', resolve)),
        at: performance.now(),
      };
      requests.push(request);
      for (const entry of waiting.splice(0)) {
        if (entry.test(request)) entry.resolve(request);
        else waiting.push(entry);
      }
      answer(request, response, raw);
    });
  };
  const server = options.tls === undefined ? createServer(onRequest) : createTlsServer(options.tls, onRequest);
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    seen: (test) => {
      const found = requests.find(test);
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((resolve) => waiting.push({ test, resolve }));
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Opens an event stream. */
export function stream(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
}

export function rpc(request: SeenRequest): { id: number; method: string; params: Record<string, unknown> } {
  return JSON.parse(request.body);
}

/** A result that says which request it answers. */
export function resultFor(request: SeenRequest, result: Record<string, unknown> = { ok: true }): string {
  return JSON.stringify({ jsonrpc: '2.0', id: rpc(request).id, result });
}
