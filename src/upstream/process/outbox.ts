// Writes to a child's stdin: what one turn of the loop brings goes out in few writes, nobody ever waits for it, and
// what has not been handed to the pipe yet can still be taken back (F-P22).

export interface Outgoing {
  /** A request that may be withdrawn; notifications have none. */
  id: number | undefined;
  text: string;
  bytes: number;
}

/** So many messages do not wait for more: the server begins with them meanwhile (performance row 18). */
const TOGETHER = 8;
/** Bytes of one write, unless a single message is longer. */
const PORTION = 64 * 1024;

export class Outbox {
  readonly #stream: NodeJS.WritableStream;
  readonly #limit: number;
  #queue: Outgoing[] = [];
  #queued = 0;
  /** Bytes handed to the stream that it has not written yet. */
  #written = 0;
  #blocked = false;
  #turn: NodeJS.Immediate | undefined;
  #closed = false;

  /** `limit`: bytes that may wait, the stream's own buffer included. */
  constructor(stream: NodeJS.WritableStream, limit: number) {
    this.#stream = stream;
    this.#limit = limit;
    stream.on('drain', this.#drained);
  }

  /** Bytes that wait to be written. */
  get waiting(): number {
    return this.#queued + this.#written;
  }

  /**
   * Takes one message; false when the limit is reached or the box is closed, and then nothing was taken. `alone`: no
   * others are under way, with which it could share a write.
   */
  send(text: string, id?: number, alone = true): boolean {
    const bytes = Buffer.byteLength(text) + 1;
    // One message is always let in: the limit bounds what piles up, not what one call may say.
    if (this.#closed || (this.waiting > 0 && this.waiting + bytes > this.#limit)) return false;
    if (this.#turn === undefined && !this.#blocked) {
      this.#turn = setImmediate(this.#turnOver);
      // The first of a turn leaves at once, so that a lone caller waits for nothing; the rest of the turn follows in one.
      if (alone) {
        this.#write(`${text}\n`, bytes);
        return true;
      }
    }
    this.#queue.push({ id, text, bytes });
    this.#queued += bytes;
    if (this.#queue.length >= TOGETHER && !this.#blocked) this.#flush();
    return true;
  }

  /** Takes a request back; false when it has been handed to the pipe already. */
  withdraw(id: number): boolean {
    if (this.#queue.length === 0) return false;
    const at = this.#queue.findIndex((message) => message.id === id);
    if (at < 0) return false;
    this.#queued -= this.#queue[at]?.bytes ?? 0;
    this.#queue.splice(at, 1);
    return true;
  }

  /** Ends it and gives the requests of which no byte has left. */
  close(): number[] {
    this.#closed = true;
    clearImmediate(this.#turn);
    this.#stream.off('drain', this.#drained);
    const unsent = this.#queue.flatMap(({ id }) => (id === undefined ? [] : [id]));
    this.#queue = [];
    this.#queued = 0;
    return unsent;
  }

  #turnOver = (): void => {
    this.#turn = undefined;
    if (!this.#blocked) this.#flush();
  };

  #drained = (): void => {
    this.#blocked = false;
    this.#flush();
  };

  #flush(): void {
    while (this.#queue.length > 0 && !this.#blocked && !this.#closed) {
      // In portions: what a slow reader has not been given yet can still be withdrawn.
      let count = 0;
      let bytes = 0;
      while (count < this.#queue.length && bytes < PORTION) bytes += this.#queue[count++]?.bytes ?? 0;
      const portion = this.#queue.splice(0, count);
      this.#queued -= bytes;
      this.#write(`${portion.map((message) => message.text).join('\n')}\n`, bytes);
    }
  }

  #write(text: string, bytes: number): void {
    this.#written += bytes;
    // As many bytes as letters: all ASCII, which the pipe takes without a conversion.
    this.#blocked = !this.#stream.write(text, text.length === bytes ? 'latin1' : 'utf8', () => {
      this.#written -= bytes;
    });
  }
}
