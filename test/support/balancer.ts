// A plain balancer: round robin, no sticky sessions, a connection for each request, a look at readiness every 100 ms.
// Where nobody accepts the connection the next one is asked; what may have been sent is never sent again.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Balancer {
  readonly #server: Server;
  #backends: readonly number[];
  #turn = 0;
  readonly #leaving = new Set<number>();
  readonly #checks: NodeJS.Timeout;
  /** Answers by backend. */
  readonly answered = new Map<number, number>();
  /** Requests that no backend answered to the end. */
  broken = 0;

  private constructor(backends: readonly number[]) {
    this.#backends = backends;
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
    this.#checks = setInterval(() => this.#check(), 100).unref();
  }

  static async start(backends: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(backends);
    await new Promise<void>((resolve) => balancer.#server.listen(0, '127.0.0.1', resolve));
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set backends(ports: readonly number[]) {
    this.#backends = ports;
  }

  /** Who says that it is not ready gets nothing more. */
  #check(): void {
    for (const port of this.#backends) {
      fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(1_000) }).then(
        ({ status }) => (status === 503 ? this.#leaving.add(port) : this.#leaving.delete(port)),
        () => undefined,
      );
    }
  }

  #next(): number {
    const ready = this.#backends.filter((port) => !this.#leaving.has(port));
    const among = ready.length > 0 ? ready : this.#backends;
    return among[this.#turn++ % among.length] as number;
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => undefined);
    incoming.on('end', () => this.#send(incoming, Buffer.concat(chunks), outgoing, this.#backends.length));
  }

  #send(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse, left: number): void {
    const port = this.#next();
    const { connection: _, ...headers } = incoming.headers;
    let connected = false;
    const passed = request(
      { host: '127.0.0.1', port, method: incoming.method, path: incoming.url, headers, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        answer.on('error', () => outgoing.destroy());
        answer.on('close', () => {
          if (answer.complete) return void this.answered.set(port, (this.answered.get(port) ?? 0) + 1);
          this.broken++;
          outgoing.destroy();
        });
        answer.pipe(outgoing);
      },
    );
    passed.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = true;
      }),
    );
    passed.on('error', () => {
      if (outgoing.headersSent) return void outgoing.destroy();
      if (!connected && left > 1) return this.#send(incoming, body, outgoing, left - 1);
      this.broken++;
      outgoing.writeHead(502, { 'content-type': 'text/plain' }).end('no backend answered');
    });
    outgoing.on('close', () => passed.destroy());
    passed.end(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#checks);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
