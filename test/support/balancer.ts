// A plain balancer: round robin, no sticky sessions, a connection for each request. Where nobody accepts the connection
// the next one is asked; what may have been sent is never sent again. So does nginx by default.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Balancer {
  readonly #server: Server;
  #backends: readonly number[];
  #turn = 0;
  /** Answers by backend. */
  readonly answered = new Map<number, number>();
  /** Requests that no backend answered to the end. */
  broken = 0;

  private constructor(backends: readonly number[]) {
    this.#backends = backends;
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
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

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => undefined);
    incoming.on('end', () => this.#send(incoming, Buffer.concat(chunks), outgoing, this.#backends.length));
  }

  #send(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse, left: number): void {
    const port = this.#backends[this.#turn++ % this.#backends.length] as number;
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
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
