// Servers on this machine that are away: the kernel knows at once when somebody listens again, and asking it costs the
// server nothing, while every dial is a connection (F-H7; reliability §2, Connect loop). Elsewhere the dials alone tell.
import { readFile } from 'node:fs/promises';

/** The sockets of this network namespace; a line is one, `0A` in its fourth column means that it listens. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
const LISTENING = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm;
/** Milliseconds between two looks, and at least so many times what a look took: a long table is read less often. */
const LOOK = 10;
const SHARE = 3;

export interface LocalPortsOptions {
  /** The ports on which somebody listens; undefined where that cannot be known. */
  read?: (() => Promise<ReadonlySet<number> | undefined>) | undefined;
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
  readonly #read: () => Promise<ReadonlySet<number> | undefined>;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor({ read = listeningPorts }: LocalPortsOptions = {}) {
    this.#read = read;
  }

  /**
   * Calls `appeared` once, when somebody begins to listen at the URL where nobody did, as long as `wanted` says so.
   * Does nothing for a server of another machine. Returns the function that ends it.
   */
  watch(url: string, wanted: () => boolean, appeared: () => void): () => void {
    const port = localPort(url);
    if (port === undefined) return () => undefined;
    const watcher: Watcher = { port, stale: undefined, wanted, appeared };
    this.#watchers.add(watcher);
    if (!this.#looking && this.#timer === undefined) void this.#look();
    return () => void this.#watchers.delete(watcher);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const began = performance.now();
    const ports = await this.#read();
    const took = performance.now() - began;
    this.#looking = false;
    for (const watcher of [...this.#watchers]) {
      const listens = ports?.has(watcher.port);
      watcher.stale ??= listens !== false;
      if (!watcher.stale && listens === false && watcher.wanted()) continue;
      this.#watchers.delete(watcher);
      if (!watcher.stale && listens === true) watcher.appeared();
    }
    if (this.#watchers.size === 0) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#look();
      },
      Math.max(LOOK, SHARE * took),
    );
    this.#timer.unref();
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

async function listeningPorts(): Promise<ReadonlySet<number> | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const [first, ...others] = await Promise.all(TABLES.map((table, index) => readTable(table, index > 0)));
    const ports = new Set<number>();
    for (const text of [first as string, ...others])
      for (const [, port] of text.matchAll(LISTENING)) ports.add(Number.parseInt(port as string, 16));
    return ports;
  } catch {
    return undefined;
  }
}

/** There is no table of IPv6 where that is switched off. */
async function readTable(path: string, optional: boolean): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if (optional) return '';
    throw error;
  }
}
