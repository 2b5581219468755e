// A TCP proxy that makes the network misbehave (F-T1 … F-T8): every fault can be switched while connections are open.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Faults {
  /** Milliseconds every piece waits, each way; `jitter` adds up to as much again at random. */
  delay?: number;
  jitter?: number;
  /** Bytes per second from the upstream to the client. */
  bandwidth?: number;
  /** Cuts a connection (FIN) once this many bytes of answers have passed on it. */
  cutAfter?: number;
  /** As `cutAfter`, with a RST. */
  resetAfter?: number;
  /** Nothing passes any more in either direction, and nobody is told: a peer that vanished. */
  halfOpen?: boolean;
  /** New connections are taken by the kernel and never served. */
  blackHole?: boolean;
  /** New connections are reset at once. */
  reset?: boolean;
}

export interface FaultProxy {
  readonly port: number;
  /** The given URL with this proxy's address in place of its host. */
  through(url: string): string;
  /** Replaces all faults; `{}` heals. */
  set(faults: Faults): void;
  /** Ends every open connection with a RST. */
  resetAll(): void;
  /** Connections accepted so far. */
  readonly accepted: number;
  readonly open: number;
  /** Stops listening, so that new connections are refused; open ones go on. */
  refuse(): Promise<void>;
  /** Listens on the same port again. */
  listen(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A proxy on a free port in front of `127.0.0.1:target`. */
export async function startFaultProxy(target: number, initial: Faults = {}): Promise<FaultProxy> {
  let faults = initial;
  let accepted = 0;
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const later = (run: () => void, ms: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const own = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => {}); // resets are our trade
    socket.on('close', () => sockets.delete(socket));
    return socket.setNoDelay(true);
  };

  /** Hands pieces on in order, with the delay and the bandwidth of the moment. */
  const pump = (from: Socket, to: Socket, answers: boolean): void => {
    let free = 0; // when the line is free again
    let passed = 0;
    const write = (piece: Buffer): void => {
      if (faults.halfOpen || to.destroyed) return;
      const limit = answers ? (faults.cutAfter ?? faults.resetAfter) : undefined;
      if (limit !== undefined && passed + piece.length >= limit) {
        const reset = faults.cutAfter === undefined;
        to.write(piece.subarray(0, Math.max(0, limit - passed)), () => (reset ? to.resetAndDestroy() : to.destroy()));
        from.destroy();
        return;
      }
      passed += piece.length;
      to.write(piece);
    };
    from.on('data', (piece: Buffer) => {
      const now = performance.now();
      const wait = (faults.delay ?? 0) + Math.random() * (faults.jitter ?? 0);
      const size = answers && faults.bandwidth ? Math.max(1, Math.floor(faults.bandwidth / 20)) : piece.length;
      if (wait === 0 && size === piece.length && free <= now) return write(piece);
      for (let at = 0; at < piece.length; at += size) {
        const part = piece.subarray(at, at + size);
        free = Math.max(free, now + wait) + (answers && faults.bandwidth ? (part.length * 1000) / faults.bandwidth : 0);
        later(() => write(part), free - now);
      }
    });
    from.on('end', () => {
      if (faults.halfOpen) return;
      later(() => to.end(), Math.max(0, free - performance.now()));
    });
    from.on('close', (failed) => {
      if (faults.halfOpen) return;
      if (failed) to.resetAndDestroy();
      else later(() => to.end(), Math.max(0, free - performance.now()));
    });
  };

  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++;
    own(client);
    if (faults.reset) return void client.resetAndDestroy();
    if (faults.blackHole) return void client.pause();
    const upstream = own(connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }));
    upstream.on('error', () => client.resetAndDestroy());
    pump(client, upstream, false);
    pump(upstream, client, true);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };

  const stopListening = async (): Promise<void> => {
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      // `close` waits for connections; that it no longer listens is true at once.
      server.close();
      setImmediate(resolve);
    });
  };
  const close = async (): Promise<void> => {
    await stopListening();
    for (const timer of timers) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    through(url) {
      const through = new URL(url);
      through.host = `127.0.0.1:${port}`;
      return through.href;
    },
    set(next) {
      faults = next;
    },
    resetAll() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    refuse: stopListening,
    async listen() {
      if (!server.listening) await once(server.listen(port, '127.0.0.1'), 'listening');
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
