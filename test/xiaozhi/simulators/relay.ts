// The self-hosted relay (D-26): one tool client per agent, ids rewritten, bad tokens let in and then closed with 1008;
// on request with its known faults: a replaced client's clean-up that unregisters its successor, and sockets that are
// half open.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Message } from './cloud.ts';

export interface RelayOptions {
  tokens?: readonly string[];
  /** The clean-up of a socket unregisters whoever has the place of its agent, as the relay does. */
  lateCleanup?: boolean;
  /** Forwards notifications with an id of its own, as it did until 2025-07-04 (D-24). */
  notificationIds?: boolean;
  /** Answers no pings and takes nothing: the network between is gone without a word. */
  halfOpen?: (count: number) => boolean;
}

interface ToolClient {
  socket: WebSocket;
  muted: boolean;
}

export class RelaySimulator {
  readonly #server: WebSocketServer;
  readonly options: RelayOptions;
  /** Who has the place of an agent. */
  readonly #routes = new Map<string, ToolClient>();
  readonly #pending = new Map<string, (message: Message) => void>();
  /** Everything that came over a socket that has the place, parsed. */
  readonly received: Message[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  connections = 0;
  pings = 0;
  #opened: (() => void)[] = [];
  #arrived: { matches: (message: Message) => boolean; resolve: (message: Message) => void }[] = [];

  private constructor(server: WebSocketServer, options: RelayOptions) {
    this.#server = server;
    this.options = options;
    server.on('connection', (socket, request) => this.#accept(socket, tokenOf(request.url ?? '')));
  }

  static async start(options: RelayOptions = {}): Promise<RelaySimulator> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
    await once(server, 'listening');
    return new RelaySimulator(server, options);
  }

  url(agent = 'agent-1'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `ws://127.0.0.1:${port}/mcp_endpoint/mcp/?token=${agent}`;
  }

  registered(agent = 'agent-1'): boolean {
    return this.#routes.has(agent);
  }

  /** The next tool client that connects. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#opened.push(resolve));
  }

  /** The next message of the gateway that matches. */
  arrives(matches: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve) => this.#arrived.push({ matches, resolve }));
  }

  /** From now on nothing of this agent's socket is read, answered or closed. */
  mute(agent = 'agent-1'): void {
    const client = this.#routes.get(agent);
    if (client !== undefined) client.muted = true;
  }

  /** What a robot asks: forwarded with another id, its answer with the old one. */
  robot(method: string, params: Message = {}, id: string | number = 0, agent = 'agent-1'): Promise<Message> {
    const client = this.#routes.get(agent);
    if (client === undefined) {
      return Promise.resolve({ jsonrpc: '2.0', id, error: { code: -32001, message: 'tool not connected' } });
    }
    const key = `${randomUUID()}_${typeof id === 'number' ? 'n' : 's'}_${id}`;
    return new Promise((resolve) => {
      this.#pending.set(key, (message) => resolve({ ...message, id }));
      if (!client.muted) client.socket.send(JSON.stringify({ jsonrpc: '2.0', id: key, method, params }));
    });
  }

  /** A robot's notification; on old relays it grows an id. */
  notify(method: string, agent = 'agent-1'): string | undefined {
    const id = this.options.notificationIds === true ? `${randomUUID()}_s_null` : undefined;
    this.#routes.get(agent)?.socket.send(JSON.stringify({ jsonrpc: '2.0', ...(id !== undefined && { id }), method }));
    return id;
  }

  async handshake(agent = 'agent-1'): Promise<Message> {
    const answer = await this.robot(
      'initialize',
      { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'robot', version: '1' } },
      0,
      agent,
    );
    this.notify('notifications/initialized', agent);
    return answer;
  }

  #accept(socket: WebSocket, agent: string): void {
    this.connections++;
    socket.on('error', () => undefined);
    if (this.options.tokens !== undefined && !this.options.tokens.includes(agent)) {
      socket.close(1008, 'token invalid');
      return;
    }
    const client: ToolClient = { socket, muted: this.options.halfOpen?.(this.connections) === true };
    const before = this.#routes.get(agent);
    this.#routes.set(agent, client);
    if (before !== undefined && !before.muted) before.socket.close(1000, '新连接替换');
    socket.on('ping', (data) => {
      this.pings++;
      if (!client.muted) socket.pong(data);
    });
    socket.on('message', (data: Buffer) => this.#message(client, agent, data));
    socket.on('close', (code, reason) => {
      this.closes.push({ code, reason: String(reason) });
      // By agent, not by socket, and when it notices: the fault that leaves a successor deaf.
      if (this.options.lateCleanup === true && client.muted)
        void this.next().then(() => setTimeout(() => this.#routes.delete(agent), 20));
      else if (this.#routes.get(agent) === client) this.#routes.delete(agent);
    });
    for (const resolve of this.#opened.splice(0)) resolve();
  }

  #message(client: ToolClient, agent: string, data: Buffer): void {
    if (client.muted || this.#routes.get(agent) !== client) return;
    const message = JSON.parse(data.toString()) as Message;
    this.received.push(message);
    for (const waiter of this.#arrived.filter(({ matches }) => matches(message))) {
      this.#arrived = this.#arrived.filter((other) => other !== waiter);
      waiter.resolve(message);
    }
    // Without an id it can route it drops the frame.
    const pending = this.#pending.get(String(message.id));
    this.#pending.delete(String(message.id));
    pending?.(message);
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Lets go of a socket's network without a word: nothing is read or written any more. */
export function cutWire(socket: WebSocket): void {
  (socket as unknown as { _socket: Socket })._socket.pause();
}

function tokenOf(url: string): string {
  return new URL(url, 'ws://x').searchParams.get('token') ?? '';
}
