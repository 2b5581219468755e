// Whether an open connection still has somebody behind it who speaks. Answered pings prove a socket, not an
// application: a relay that lost its route keeps answering them for ever (D-26, X-61). Pure; times in milliseconds.

export interface SilenceTimes {
  /** `health.interval`: everything below is measured in it. */
  interval: number;
  /** `health.silence`; 0 = never by silence alone. */
  silence: number;
}

/** What earlier connections of the same endpoint taught. */
export interface Experience {
  /** The last one ended without a close handshake: its late clean-up at the peer may have unregistered this one. */
  unclean: boolean;
  /** How long it took the peer to say something, at most, over connections on which it did; undefined: it never did. */
  spokeWithin: number | undefined;
  /** Connections in a row that were given up without a single message. */
  doubts: number;
}

export class Evidence {
  readonly #opened: number;
  readonly #times: SilenceTimes;
  readonly #experience: Experience;
  #last: number | undefined;
  #lastPing: number | undefined;
  #pings = 0;
  #longestGap = 0;

  constructor(opened: number, times: SilenceTimes, experience: Experience) {
    this.#opened = opened;
    this.#times = times;
    this.#experience = experience;
  }

  /** When the last message came; undefined while none has. */
  get lastMessage(): number | undefined {
    return this.#last;
  }

  /** A message came; `ping`: it was an MCP ping, which some peers send at a regular pace. */
  message(now: number, ping: boolean): void {
    this.#last = now;
    if (!ping) return;
    if (this.#lastPing !== undefined) this.#longestGap = Math.max(this.#longestGap, now - this.#lastPing);
    this.#lastPing = now;
    this.#pings++;
  }

  /** When the connection counts as deaf unless a message comes before. */
  deafAt(): number {
    const { interval, silence } = this.#times;
    const limits = [silence === 0 ? Number.POSITIVE_INFINITY : (this.#last ?? this.#opened) + silence];
    if (this.#last === undefined) {
      const { unclean, spokeWithin, doubts } = this.#experience;
      // Patience doubles with every connection that brought nothing: an idle peer is not hunted.
      const patience = 2 ** Math.min(doubts, 6);
      if (unclean) limits.push(this.#opened + 2 * interval * patience);
      if (spokeWithin !== undefined) limits.push(this.#opened + Math.max(interval, 4 * spokeWithin) * patience);
    } else if (this.#pings >= 3 && this.#lastPing !== undefined) {
      limits.push(this.#last + Math.max(3 * this.#longestGap, 2 * interval));
    }
    return Math.min(...limits);
  }
}
