// A small MCP server over streamable HTTP, by hand, that can be told to misbehave: what it got is written down, and a
// ledger counts every execution.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Message = { id?: number | string; method?: string; params?: Record<string, unknown> };
export interface Got {
  method: string | undefined;
  session: string | undefined;
  headers: IncomingMessage['headers'];
  message: Message;
}

export class PlainHttp {
  readonly got: Got[] = [];
  /** Executions of tools by name. */
  readonly ledger = new Map<string, number>();
  era: 'legacy' | 'modern' = 'legacy';
  /** Called before anything else; true = it has answered by itself. */
  intercept: ((got: Got, response: ServerResponse) => boolean) | undefined;
  /** Called after a tool has run; true = it has answered by itself. */
  afterwards: ((got: Got, response: ServerResponse) => boolean) | undefined;
  tools: Record<string, unknown>[] = [
    { name: 'echo', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
    { name: 'write', inputSchema: { type: 'object' } },
  ];
  connections = 0;
  #server: Server | undefined;
  #sessions = new Set<string>();
  #port = 0;
  #last = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  /** Listens; the second time on the port it had before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#handle(request, response));
    server.on('connection', () => this.connections++);
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  methods(): (string | undefined)[] {
    return this.got.map((one) => one.method);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const message = JSON.parse(body) as Message;
    const session = request.headers['mcp-session-id'] as string | undefined;
    const got: Got = { method: message.method, session, headers: request.headers, message };
    this.got.push(got);
    if (this.intercept?.(got, response)) return;
    if (message.id === undefined) {
      response.writeHead(202).end();
      return;
    }
    if (this.era === 'modern') this.#modern(got, response);
    else this.#legacy(got, response);
  }

  #legacy(got: Got, response: ServerResponse): void {
    if (got.method === 'initialize') {
      const id = `s${++this.#last}`;
      this.#sessions.add(id);
      const capabilities = { tools: {} };
      const result = { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'http', version: '1' } };
      reply(response, 200, { id: got.message.id, result }, { 'mcp-session-id': id });
      return;
    }
    if (got.session === undefined) {
      reply(response, 400, { id: null, error: { code: -32000, message: 'no session' } });
      return;
    }
    if (!this.#sessions.has(got.session)) {
      reply(response, 404, { id: null, error: { code: -32001, message: 'unknown session' } });
      return;
    }
    this.#answer(got, response, {});
  }

  #modern(got: Got, response: ServerResponse): void {
    const complete = { resultType: 'complete' };
    const meta = got.message.params?._meta as Record<string, unknown> | undefined;
    if (meta?.['io.modelcontextprotocol/protocolVersion'] !== '2026-07-28') {
      reply(response, 400, { id: got.message.id, error: { code: -32602, message: 'no _meta' } });
    } else if (got.method === 'server/discover') {
      const result = { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 0 };
      reply(response, 200, { id: got.message.id, result });
    } else this.#answer(got, response, complete);
  }

  #answer(got: Got, response: ServerResponse, extra: Record<string, unknown>): void {
    const { id, params } = got.message;
    switch (got.method) {
      case 'ping':
        reply(response, 200, { id, result: {} });
        return;
      case 'tools/list':
        reply(response, 200, { id, result: { ...extra, tools: this.tools } });
        return;
      case 'tools/call': {
        const name = String(params?.name);
        this.ledger.set(name, (this.ledger.get(name) ?? 0) + 1);
        if (this.afterwards?.(got, response)) return;
        const content = [{ type: 'text', text: JSON.stringify(params) }];
        reply(response, 200, { id, result: { ...extra, content } });
        return;
      }
      default:
        reply(response, 404, { id, error: { code: -32601, message: 'no such method' } });
    }
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  message: Record<string, unknown> | string,
  headers: Record<string, string> = {},
): void {
  const text = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
  const type = typeof message === 'string' ? 'text/html' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(text);
}
