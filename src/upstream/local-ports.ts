// Servers on this machine that refuse connections: the kernel answers for them at once and nobody is bothered, so it is
// asked often whether somebody listens again (F-H7; reliability §2, Connect loop). Elsewhere the dials alone tell.
import { connect } from 'node:net';

/** Milliseconds between two looks, and at least so many times what a look took. */
const LOOK = 10;
const SHARE = 10;
/** Where somebody listened it is not looked again for this time: whatever refused the dial, it was not that place. */
const LISTENED = 250;
/** Milliseconds after which a kernel that does not answer counts as nobody. */
const ANSWERS = 500;

/** Host and port of this machine, as the URL has them. */
type Place = string;

export interface LocalPortsOptions {
  /** Those of the places at which somebody listens. */
  read?: ((places: ReadonlySet<Place>) => Promise<ReadonlySet<Place>>) | undefined;
}

interface Watcher {
  place: Place;
  wanted(): boolean;
  listens(): void;
}

/** One look serves all upstreams of a gateway, and there is none while nobody waits. */
export class LocalPorts {
  readonly #watchers = new Set<Watcher>();
  readonly #read: (places: ReadonlySet<Place>) => Promise<ReadonlySet<Place>>;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** When somebody was last seen to listen at a place, by `performance.now()`. */
  readonly #listened = new Map<Place, number>();
  /** No look before this moment of `performance.now()`, whoever begins to wait. */
  #next = 0;

  constructor({ read = listening }: LocalPortsOptions = {}) {
    this.#read = read;
  }

  /**
   * For a URL where a connection was just refused: calls `listens` once, when somebody is there, as long as `wanted`
   * says so. Does nothing for a server of another machine. Returns the function that ends it.
   */
  watch(url: string, wanted: () => boolean, listens: () => void): () => void {
    const place = localPlace(url);
    if (place === undefined || performance.now() < (this.#listened.get(place) ?? Number.NEGATIVE_INFINITY) + LISTENED)
      return () => undefined;
    const watcher: Watcher = { place, wanted, listens };
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
    const places = await this.#read(new Set([...this.#watchers].map(({ place }) => place)));
    const ended = performance.now();
    this.#looking = false;
    this.#next = ended + Math.max(LOOK, SHARE * (ended - began));
    for (const watcher of [...this.#watchers]) {
      const there = places.has(watcher.place);
      if (there) this.#listened.set(watcher.place, ended);
      if (!there && watcher.wanted()) continue;
      this.#watchers.delete(watcher);
      if (there) watcher.listens();
    }
    this.#plan();
  }
}

/** Where a URL leads that names this machine. */
function localPlace(url: string): Place | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  if (!/^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return undefined;
  return `${hostname}:${port !== '' ? port : protocol === 'https:' || protocol === 'wss:' ? 443 : 80}`;
}

async function listening(places: ReadonlySet<Place>): Promise<ReadonlySet<Place>> {
  const found = await Promise.all([...places].map(async (place) => ((await answers(place)) ? [place] : [])));
  return new Set(found.flat());
}

/** Whether somebody takes connections at a place; the one that is made is closed again at once. */
function answers(place: Place): Promise<boolean> {
  const colon = place.lastIndexOf(':');
  const host = place.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(place.slice(colon + 1)), autoSelectFamily: true });
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(end, ANSWERS, false);
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
