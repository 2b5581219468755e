// The official cloud as its clients have seen it (D-20 … D-25): it is the MCP client, begins with id 0, sends
// serialNumber null, and closes with 4004 what does not answer in time.
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export type Message = Record<string, unknown>;

export interface CloudOptions {
  /** Milliseconds for the answer to `initialize`; then 4004. */
  deadline?: number;
  /** False: never says anything by itself (F-X5). */
  initialise?: boolean;
  /** HTTP status for an upgrade; undefined lets it in. */
  refuse?: (request: IncomingMessage) => number | undefined;
  /** Milliseconds before an upgrade is answered: the way to a real cloud. */
  distance?: number;
  /** Called with every socket right after its upgrade. */
  opened?: (connection: CloudConnection) => void;
  /** Ask for the list again after list_changed. */
  followsChanges?: boolean;
}

export class CloudConnection {
  readonly socket: WebSocket;
  readonly url: string;
  readonly openedAt = performance.now();
  /** Everything the gateway sent, parsed. */
  readonly received: Message[] = [];
  /** Text frames, as they came; binary ones are listed as such. */
  readonly frames: { binary: boolean; text: string }[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  lists: string[][] = [];
  initialised = false;
  /** Milliseconds from `initialize` to its answer. */
  initialiseTime: number | undefined;
  #id = 0;
  #waiters: { matches: (message: Message) => boolean; resolve: (message: Message) => void }[] = [];

  constructor(socket: WebSocket, url: string) {
    this.socket = socket;
    this.url = url;
    this.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, binary: boolean) => {
      this.frames.push({ binary, text: data.toString() });
      const message = JSON.parse(data.toString()) as Message;
      this.received.push(message);
      for (const waiter of this.#waiters.filter(({ matches }) => matches(message))) {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        waiter.resolve(message);
      }
    });
  }

  /** The first message, past or future, that matches. */
  message(matches: (message: Message) => boolean): Promise<Message> {
    const past = this.received.find(matches);
    return past !== undefined ? Promise.resolve(past) : this.next(matches);
  }

  next(matches: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve) => this.#waiters.push({ matches, resolve }));
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  request(method: string, params: Message = {}, id: string | number = this.#id++): Promise<Message> {
    const answer = this.next((message) => message.id === id && !('method' in message));
    this.send({ jsonrpc: '2.0', id, method, params });
    return answer;
  }

  async handshake(deadline = 5_000): Promise<void> {
    const timer = setTimeout(() => this.socket.close(4004, 'Internal server error'), deadline).unref();
    const started = performance.now();
    await this.request('initialize', {
      protocolVersion: '2024-11-05',
      capabilities: { sampling: {}, roots: { listChanged: false } },
      clientInfo: { name: 'xz-mcp-broker', version: '0.0.1' },
    });
    clearTimeout(timer);
    this.initialiseTime = performance.now() - started;
    this.initialised = true;
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await this.list();
  }

  async list(): Promise<string[]> {
    const { result } = (await this.request('tools/list')) as { result: { tools: { name: string }[] } };
    const names = result.tools.map(({ name }) => name);
    this.lists.push(names);
    return names;
  }

  call(name: string, args: Message = {}, id?: string | number): Promise<Message> {
    return this.request('tools/call', { name, arguments: args, serialNumber: null }, id);
  }

  /** The text of a result. */
  async text(name: string, args: Message = {}): Promise<string> {
    const { result } = (await this.call(name, args)) as { result: { content: { text: string }[] } };
    return result.content.map(({ text }) => text).join('');
  }

  close(code: number, reason = ''): void {
    this.socket.close(code, reason);
  }

  /** No close frame: the network is gone. */
  break(): void {
    this.socket.terminate();
  }
}

export class CloudSimulator {
  readonly connections: CloudConnection[] = [];
  readonly options: CloudOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #opened: ((connection: CloudConnection) => void)[] = [];
  /** Upgrades asked for, refused ones too. */
  dials = 0;
  dialTimes: number[] = [];

  private constructor(server: Server, options: CloudOptions) {
    this.#server = server;
    this.options = options;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    const wss = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      this.dials++;
      this.dialTimes.push(performance.now());
      const status = this.options.refuse?.(request);
      if (status !== undefined) {
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
        return;
      }
      const upgrade = () => wss.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, request.url ?? ''));
      if (this.options.distance === undefined) upgrade();
      else setTimeout(upgrade, this.options.distance);
    });
  }

  static async start(options: CloudOptions = {}): Promise<CloudSimulator> {
    const server = createServer();
    const simulator = new CloudSimulator(server, options);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return simulator;
  }

  url(token = 'token-of-nobody'): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp/?token=${token}`;
  }

  /** The connections that are open for a token. */
  of(token: string): CloudConnection[] {
    return this.connections.filter(
      ({ url, socket }) => url.endsWith(`token=${token}`) && socket.readyState === socket.OPEN,
    );
  }

  /** The next connection that is opened. */
  next(): Promise<CloudConnection> {
    return new Promise((resolve) => this.#opened.push(resolve));
  }

  #accept(socket: WebSocket, url: string): void {
    const connection = new CloudConnection(socket, url);
    this.connections.push(connection);
    for (const resolve of this.#opened.splice(0)) resolve(connection);
    this.options.opened?.(connection);
    if (this.options.initialise !== false && socket.readyState === socket.OPEN)
      void connection.handshake(this.options.deadline);
    if (this.options.followsChanges === true)
      socket.on('message', (data: Buffer) => {
        if (data.includes('notifications/tools/list_changed')) void connection.list();
      });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A token as the platform makes it; the signature is nobody's. */
export function tokenFor(agent: number, exp?: number): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { userId: 1, agentId: agent, endpointId: `agent_${agent}`, purpose: 'mcp-endpoint', iat: 1, exp };
  return `${part({ alg: 'ES256', typ: 'JWT' })}.${part(payload)}.c2lnbmF0dXJlLW9mLW5vYm9keQ`;
}
