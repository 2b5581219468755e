// An MCP client on a child's stdin and stdout without any SDK; speaks either era.
import { Program, type ProgramOptions } from './program.ts';
import { type Answer, RawClient, type RequestOptions } from './raw-client.ts';
import { type Id, type Json, RpcFailure, type RpcMessage } from './rpc.ts';

const META = 'io.modelcontextprotocol';

export interface StdioClientOptions extends ProgramOptions {
  /** `2025-11-25` by default; from `2026-07-28` on the modern era is spoken. */
  revision?: string;
  capabilities?: Json;
}

interface Waiting {
  before: RpcMessage[];
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class StdioClient extends RawClient {
  readonly program: Program;
  readonly revision: string;
  /** Lines on stdout that were no JSON: none may ever be there (F-G12). */
  readonly noise: string[] = [];
  readonly #capabilities: Json;
  readonly #waiting = new Map<Id, Waiting>();

  constructor(command: string, options: StdioClientOptions = {}) {
    super();
    this.revision = options.revision ?? '2025-11-25';
    this.#capabilities = options.capabilities ?? {};
    this.program = new Program(command, options, (line) => this.#line(line));
    const over = (reason: unknown): void => {
      for (const { reject } of this.#waiting.values())
        reject(new RpcFailure(0, `the program ended: ${String(reason)}`));
      this.#waiting.clear();
    };
    this.program.exited.then(({ code, signal }) => over(code ?? signal), over);
  }

  get modern(): boolean {
    return this.revision >= '2026-07-28';
  }

  override async initialize(): Promise<Json> {
    if (this.modern) return await this.request('server/discover');
    const result = await this.request('initialize', {
      protocolVersion: this.revision,
      capabilities: this.#capabilities,
      clientInfo: { name: 'raw-stdio-client', version: '1.0.0' },
    });
    await this.notify('notifications/initialized');
    return result;
  }

  override exchange(method: string, params: Json = {}, options: RequestOptions = {}): Promise<Answer> {
    const id = options.id ?? this.nextId();
    const base = this.modern
      ? { [`${META}/protocolVersion`]: this.revision, [`${META}/clientCapabilities`]: this.#capabilities }
      : {};
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { before: [], resolve, reject });
      options.signal?.addEventListener('abort', () => void this.notify('notifications/cancelled', { requestId: id }), {
        once: true,
      });
      this.write({ jsonrpc: '2.0', id, method, params: this.withMeta(params, options, base) });
    });
  }

  override async notify(method: string, params?: Json): Promise<void> {
    this.write({ jsonrpc: '2.0', method, ...(params !== undefined && { params }) });
  }

  /** Any line at all, for wrong input; an object is written as JSON. */
  write(line: RpcMessage | string): void {
    this.program.child.stdin?.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  /** Ends stdin, as the protocol says, and waits for the program and everything under it. */
  override async close(): Promise<void> {
    await this.program.stop({ signal: 'EOF' });
  }

  #line(line: string): void {
    let message: RpcMessage;
    try {
      message = JSON.parse(line) as RpcMessage;
    } catch {
      this.noise.push(line);
      return;
    }
    if (message.method !== undefined) {
      for (const waiting of this.#waiting.values()) waiting.before.push(message);
      void this.take(message).then(
        (back) => back && this.write(back),
        () => {},
      );
      return;
    }
    const waiting = this.#waiting.get(message.id as Id);
    this.#waiting.delete(message.id as Id);
    waiting?.resolve({ message, before: waiting.before });
  }
}
