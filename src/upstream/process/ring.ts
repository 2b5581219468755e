// The last bytes of a stream that nobody reads but everybody wants after a crash: bounded, and never in the way.

/** Keeps the last `capacity` bytes (64 KB unless told); memory grows only as far as it is used (F-P19). */
export class ByteRing {
  readonly #capacity: number;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the next byte goes. */
  #at = 0;
  #length = 0;
  #total = 0;

  constructor(capacity = 64 * 1024) {
    this.#capacity = capacity;
  }

  /** Bytes that were ever pushed. */
  get total(): number {
    return this.#total;
  }

  push(chunk: Buffer): void {
    this.#total += chunk.length;
    const kept = chunk.length > this.#capacity ? chunk.subarray(chunk.length - this.#capacity) : chunk;
    this.#reserve(Math.min(this.#capacity, this.#length + kept.length));
    const first = Math.min(kept.length, this.#bytes.length - this.#at);
    kept.copy(this.#bytes, this.#at, 0, first);
    kept.copy(this.#bytes, 0, first);
    this.#at = this.#bytes.length === 0 ? 0 : (this.#at + kept.length) % this.#bytes.length;
    this.#length = Math.min(this.#bytes.length, this.#length + kept.length);
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.min(this.#capacity, Math.max(needed, 2 * this.#bytes.length, 1024)));
    const kept = this.bytes();
    kept.copy(grown);
    this.#bytes = grown;
    this.#length = kept.length;
    this.#at = kept.length % grown.length;
  }

  /** What is kept, oldest first, as a copy. */
  bytes(): Buffer {
    const start = (this.#at - this.#length + this.#bytes.length) % (this.#bytes.length || 1);
    const first = this.#bytes.subarray(start, Math.min(this.#bytes.length, start + this.#length));
    return Buffer.concat([first, this.#bytes.subarray(0, this.#length - first.length)]);
  }

  /** The last lines, oldest first, none longer than `width` characters; a line that was cut at its start is left out. */
  lines(count = Number.POSITIVE_INFINITY, width = 2000): string[] {
    const lines = this.bytes().toString('utf8').split(/\r?\n/);
    if (this.#total > this.#length && lines.length > 1) lines.shift();
    const full = lines.filter((line) => line !== '');
    return full
      .slice(Math.max(0, full.length - count))
      .map((line) => (line.length > width ? `${line.slice(0, width)}…` : line));
  }
}
