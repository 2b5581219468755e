// Calls as lines of JSON, byte by byte: putting a line together from strings and encoding it cost five times as much.
// Most of a line is the same from call to call; it is cleaned of secrets, quoted and encoded once.
import type { KeptCall } from './calls.ts';

const MOST_QUOTED = 2000;
/** Of a UUID, as the gateway makes them. */
export const ID_LENGTH = 36;
const FIRST_SIZE = 64 * 1024;
/** What a line may take beside its texts. */
const MARGIN = 512;
/** Milliseconds up to which a time is written in thousandths by hand. */
const LONGEST = 2 ** 31 / 1000;

const bytesOf = (text: string): Buffer => Buffer.from(text);
const AT = bytesOf('{"at":"');
const ID = bytesOf('Z","id":');
const ATTEMPTS = bytesOf(',"attempts":');
const QUEUE = bytesOf(',"queue":');
const UPSTREAM_TIME = bytesOf(',"upstreamTime":');
const TOTAL = bytesOf(',"total":');
const BYTES = bytesOf(',"bytes":');
const SAVED = bytesOf(',"tokensSaved":');
const END = bytesOf('}\n');
const ZERO = 0x30;
const QUOTE = 0x22;
const DOT = 0x2e;

export class LineWriter {
  readonly #redact: (text: string) => string;
  readonly #quoted = new Map<string, string>();
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #second = 0;
  /** The time of a call up to the point before its milliseconds. */
  #iso = bytesOf('');
  #of = { face: '', client: '', upstream: '', method: '', subject: '', outcome: '' };
  /** What the last line said between id and attempts. */
  #middle: Buffer | undefined;

  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  /** Writes a call behind the others. `ids` holds its id from `idAt` on, where the row has none. */
  line(row: KeptCall, ids: Buffer, idAt: number): void {
    this.#room(MARGIN);
    const { at, fault, saved } = row;
    const ms = at % 1000;
    if (at - ms !== this.#second || this.#iso.length === 0) {
      this.#second = at - ms;
      this.#iso = bytesOf(new Date(at).toISOString().slice(0, 20));
    }
    this.#put(AT);
    this.#put(this.#iso);
    this.#three(ms);
    this.#put(ID);
    if (row.id !== '' || !this.#ownId(ids, idAt)) {
      const id = row.id === '' ? ids.toString('latin1', idAt, idAt + ID_LENGTH) : row.id;
      this.text(JSON.stringify(this.#redact(id)));
    }
    const middle = this.#middleOf(row);
    this.#room(MARGIN + middle.length);
    this.#put(middle);
    if (fault !== undefined) this.text(`,"fault":"${fault}"`);
    this.#put(ATTEMPTS);
    this.#whole(row.attempts);
    this.#put(QUEUE);
    this.#thousandths(row.queue);
    this.#put(UPSTREAM_TIME);
    this.#thousandths(row.upstreamTime);
    this.#put(TOTAL);
    this.#thousandths(row.total);
    this.#put(BYTES);
    this.#whole(row.bytes);
    if (saved > 0) {
      this.#put(SAVED);
      this.#whole(saved);
    }
    if (row.arguments !== undefined) this.text(`,"arguments":${row.arguments}`);
    this.#put(END);
  }

  /** Writes a text as it is. */
  text(text: string): void {
    this.#room(MARGIN + 3 * text.length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** What was written since the last time. */
  end(): Buffer {
    const lines = this.#bytes.subarray(0, this.#at);
    this.#bytes = Buffer.alloc(0);
    this.#at = 0;
    return lines;
  }

  /** Secrets of the configuration may be other ones now. */
  forget(): void {
    this.#quoted.clear();
    this.#middle = undefined;
  }

  /** Whether it is an id that the gateway made, which is written then; one that a caller chose may be anything. */
  #ownId(ids: Buffer, from: number): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let index = from; index < from + ID_LENGTH; index++) {
      const byte = ids[index] as number;
      const own = (byte >= ZERO && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || byte === 0x2d;
      if (!own) return false;
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
    return true;
  }

  #middleOf(row: KeptCall): Buffer {
    const { face, client, upstream, method, subject, outcome } = row;
    const of = this.#of;
    const same =
      of.subject === subject &&
      of.client === client &&
      of.upstream === upstream &&
      of.outcome === outcome &&
      of.face === face &&
      of.method === method;
    if (same && this.#middle !== undefined) return this.#middle;
    this.#of = { face, client, upstream, method, subject, outcome };
    this.#middle = bytesOf(
      `,"face":"${face}","client":${this.#quote(client)},"upstream":${this.#quote(upstream)},"method":${this.#quote(method)},"subject":${this.#quote(subject)},"outcome":"${outcome}"`,
    );
    return this.#middle;
  }

  #quote(text: string): string {
    const known = this.#quoted.get(text);
    if (known !== undefined) return known;
    const quoted = JSON.stringify(this.#redact(text));
    if (this.#quoted.size >= MOST_QUOTED) this.#quoted.clear();
    this.#quoted.set(text, quoted);
    return quoted;
  }

  /** Makes room for so many bytes more. */
  #room(more: number): void {
    const wanted = this.#at + more;
    if (wanted <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(FIRST_SIZE, 2 * this.#bytes.length, wanted));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  #put(piece: Buffer): void {
    this.#bytes.set(piece, this.#at);
    this.#at += piece.length;
  }

  #three(number: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = ZERO + Math.floor(number / 100);
    bytes[this.#at++] = ZERO + (Math.floor(number / 10) % 10);
    bytes[this.#at++] = ZERO + (number % 10);
  }

  /** Digits of a whole number that is not negative. */
  #whole(number: number): void {
    if (!(number >= 0 && number < 2 ** 31)) return this.text(String(number));
    let digits = 1;
    for (let power = 10; number >= power; power *= 10) digits++;
    let left = number;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      this.#bytes[at] = ZERO + (left % 10);
      left = Math.floor(left / 10);
    }
    this.#at += digits;
  }

  /** A time in milliseconds to the thousandth. */
  #thousandths(ms: number): void {
    if (!(ms >= 0 && ms < LONGEST)) return this.text(String(Math.round(ms * 1000) / 1000));
    const all = Math.round(ms * 1000);
    const fraction = all % 1000;
    this.#whole((all - fraction) / 1000);
    if (fraction === 0) return;
    this.#bytes[this.#at++] = DOT;
    this.#three(fraction);
    while (this.#bytes[this.#at - 1] === ZERO) this.#at--;
  }
}
