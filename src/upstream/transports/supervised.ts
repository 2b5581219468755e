// A server that is a process of ours and is talked to over the network: started like any child, reached by its URL,
// over when either is (C-71).
import { connect } from 'node:net';
import { GatewayFault } from '../../core/fault.ts';
import { type Exit, UpstreamChild } from '../process/child.ts';
import { processUsage } from '../process/usage.ts';
import type { Negotiated, OutgoingRequest, Transport, TransportSink } from '../transport.ts';
import type { TransportOptions } from './index.ts';

/** Between two looks whether the server listens, in milliseconds. */
const LOOK = 50;
/** A connection that breaks while the process dies is told as its exit. */
const EXIT_FOLLOWS = 200;
const STDERR_SHOWN = 20;
const EX_CONFIG = 78;

/** Starts the process of `options.config`, then opens `inner` to it. */
export function superviseProcess(options: TransportOptions, inner: Transport): Transport {
  return new Supervised(options, inner);
}

class Supervised implements Transport {
  readonly #options: TransportOptions;
  readonly #inner: Transport;
  #child: UpstreamChild | undefined;
  #sink: TransportSink | undefined;
  #over = false;

  constructor(options: TransportOptions, inner: Transport) {
    this.#options = options;
    this.#inner = inner;
  }

  get kind(): Transport['kind'] {
    return this.#inner.kind;
  }
  get correlates(): boolean {
    return this.#inner.correlates;
  }
  get lastByteAt(): number {
    return this.#inner.lastByteAt;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  get stderr(): readonly string[] {
    return this.#child?.stderr.lines() ?? [];
  }
  get exit(): Exit | undefined {
    return this.#child?.exit;
  }

  async usage(): Promise<{ rss: number; cpu: number; frozen: boolean } | undefined> {
    return this.#child === undefined || this.#child.hasExited ? undefined : processUsage(this.#child.pid);
  }

  async open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    this.#sink = sink;
    const child = await UpstreamChild.start(this.#options);
    this.#child = child;
    void child.exited.then(() => this.#exited());
    try {
      await this.#listening(child, signal);
      await this.#inner.open({ ...sink, closed: (fault) => this.#disconnected(fault) }, signal);
    } catch (fault) {
      this.#over = true;
      await child.end(0);
      throw fault;
    }
  }

  request(request: OutgoingRequest): void {
    this.#inner.request(request);
  }

  post(text: string): Promise<void> {
    return this.#inner.post(text);
  }

  abandon(id: number): void {
    this.#inner.abandon(id);
  }

  negotiated(settled: Negotiated): void {
    this.#inner.negotiated(settled);
  }

  async close(grace?: number): Promise<void> {
    this.#over = true;
    await this.#inner.close(grace);
    await this.#child?.end(grace);
  }

  /** Waits until somebody accepts connections at the URL. */
  async #listening(child: UpstreamChild, signal: AbortSignal): Promise<void> {
    const { config } = this.#options;
    const { hostname, port, protocol } = new URL(config.url ?? '');
    const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (/s:$/.test(protocol) ? 443 : 80) };
    const end = performance.now() + config.timeouts.start;
    for (;;) {
      if (child.hasExited) throw this.#exitFault();
      if (await accepts(at)) return;
      if (signal.aborted) throw this.#fault('CANCELLED', 'is not wanted any more');
      if (performance.now() > end) throw this.#fault('UPSTREAM_TIMEOUT', `does not listen at ${hostname}:${at.port}`);
      await Promise.race([new Promise((resolve) => setTimeout(resolve, LOOK)), child.exited]);
    }
  }

  #exited(): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink?.closed(this.#exitFault());
    void this.#child?.clear();
    void this.#inner.close(0);
  }

  #disconnected(fault: GatewayFault): void {
    const child = this.#child;
    if (this.#over || child === undefined) return;
    const timer = setTimeout(() => {
      if (this.#over) return;
      this.#over = true;
      this.#sink?.closed(fault);
    }, EXIT_FOLLOWS);
    void child.exited.then(() => clearTimeout(timer));
  }

  #exitFault(): GatewayFault {
    const { upstream } = this.#options;
    const exit = this.#child?.exit;
    const how = exit?.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit?.code}`;
    const stderr = this.#child?.stderr.lines(STDERR_SHOWN, 500) ?? [];
    return new GatewayFault('UPSTREAM_EXITED', `upstream "${upstream}" ${how}`, {
      upstream,
      delivery: 'maybe-sent',
      data: { exit, stderr, ...(exit?.code === EX_CONFIG && { permanent: true }) },
    });
  }

  #fault(name: 'CANCELLED' | 'UPSTREAM_TIMEOUT', reason: string): GatewayFault {
    const { upstream } = this.#options;
    return new GatewayFault(name, `upstream "${upstream}" ${reason}`, { upstream, delivery: 'not-sent' });
  }
}

function accepts(at: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at);
    const done = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
