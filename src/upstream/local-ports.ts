// Servers on this machine that refuse connections: the kernel answers for them at once and nobody is bothered, so it is
// asked often whether somebody listens again (F-H7; reliability §2, Connect loop). Elsewhere the dials alone tell.
import { connect } from 'node:net';

/** Milliseconds between two looks, and at least so many times what a look took. */
const LOOK = 10;
const SHARE = 10;
/** A port on which somebody listened is not looked at again for this time: its server fails in another way. */
const LISTENED = 250;
/** Milliseconds after which a kernel that does not answer counts as nobody. */
const ANSWERS = 500;

export interface LocalPortsOptions {
  /** Those of the ports on which somebody listens. */
  read?: ((ports: ReadonlySet<number>) => Promise<ReadonlySet<number>>) | undefined;
}

interface Watcher {
  port: number;
  /** Somebody listened all along: that there is somebody is no news then. */
  stale: boolean | undefined;
  wanted(): boolean;
  appeared(): void;
}

/** One look serves all upstreams of a gateway, and there is none while nobody waits. */
export class LocalPorts {
  readonly #watchers = new Set<Watcher>();
  readonly #read: (ports: ReadonlySet<number>) => Promise<ReadonlySet<number>>;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** When somebody was last seen to listen on a port, by `performance.now()`. */
  readonly #listened = new Map<number, number>();
  /** No look before this moment of `performance.now()`, whoever begins to wait. */
  #next = 0;

  constructor({ read = listeningPorts }: LocalPortsOptions = {}) {
    this.#read = read;
  }

  /**
   * Calls `appeared` once, when somebody begins to listen at the URL where nobody did, as long as `wanted` says so.
   * Does nothing for a server of another machine. Returns the function that ends it.
   */
  watch(url: string, wanted: () => boolean, appeared: () => void): () => void {
    const port = localPort(url);
    if (port === undefined || performance.now() < (this.#listened.get(port) ?? Number.NEGATIVE_INFINITY) + LISTENED)
      return () => undefined;
    const watcher: Watcher = { port, stale: undefined, wanted, appeared };
    this.#watchers.add(watcher);
    this.#plan();
    return () => void this.#watchers.delete(watcher);
  }

  #plan(): void {
    if (this.#looking || this.#timer !== undefined || this.#watchers.size === 0) return;
    const wait = this.#next - performance.now();
    if (wait <= 0) {
      void this.#look();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#look();
    }, wait);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const began = performance.now();
    const ports = await this.#read(new Set([...this.#watchers].map(({ port }) => port)));
    const ended = performance.now();
    this.#looking = false;
    this.#next = ended + Math.max(LOOK, SHARE * (ended - began));
    for (const watcher of [...this.#watchers]) {
      const listens = ports.has(watcher.port);
      if (listens === true) this.#listened.set(watcher.port, ended);
      watcher.stale ??= listens !== false;
      if (!watcher.stale && listens === false && watcher.wanted()) continue;
      this.#watchers.delete(watcher);
      if (!watcher.stale && listens === true) watcher.appeared();
    }
    this.#plan();
  }
}

/** The port of a URL that names this machine. */
function localPort(url: string): number | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  if (!/^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return undefined;
  if (port !== '') return Number(port);
  return protocol === 'https:' || protocol === 'wss:' ? 443 : 80;
}

async function listeningPorts(ports: ReadonlySet<number>): Promise<ReadonlySet<number>> {
  const listening = await Promise.all([...ports].map(async (port) => ((await answers(port)) ? [port] : [])));
  return new Set(listening.flat());
}

/** Whether somebody takes connections on a port of this machine; the one that is made is closed again at once. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: 'localhost', port, autoSelectFamily: true });
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(end, ANSWERS, false);
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
