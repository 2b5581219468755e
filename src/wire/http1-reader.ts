// Reads the answers on one HTTP/1.1 connection (RFC 9112). Strict: whatever two readers could understand in two ways
// ends the connection, so that nobody's answer is ever taken for another's.

const HEAD = 0;
const SIZED = 1;
const CHUNK_SIZE = 2;
const CHUNK = 3;
const CHUNK_END = 4;
const TRAILERS = 5;
const TO_CLOSE = 6;
const IDLE = 7;

const BEGINNING = 'HTTP/1.';
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const NEWLINE = 0x0a;
/** Bytes of a line of the chunked coding; its extensions are read over. */
const LONGEST_LINE = 4 * 1024;

/** A status line and header lines, every line with its CRLF, and nothing else (RFC 9112, 4 and 5; RFC 9110, 5.5). */
const WELL_FORMED =
  /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;
const LENGTH = /^\d{1,15}$/;

/** What came is no HTTP/1.1, or its head is too large; the connection is of no use any more. */
export class Http1Error extends Error {
  override readonly name = 'Http1Error';
}

/** The headers of a response; looked up by lower-case name. */
export class ResponseHeaders {
  readonly #pairs: readonly string[];

  /** Names in lower case and values in turn. */
  constructor(pairs: readonly string[]) {
    this.#pairs = pairs;
  }

  /** All values of one name, joined by a comma. */
  get(name: string): string | undefined {
    let found: string | undefined;
    for (let at = 0; at < this.#pairs.length; at += 2) {
      if (this.#pairs[at] !== name) continue;
      const value = this.#pairs[at + 1] as string;
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }
}

export interface ResponseSink {
  /** The final head; interim ones (1xx) are read over. */
  head(status: number, headers: ResponseHeaders): void;
  /** Bytes of the body, the transfer coding undone; `left` more of it come, where that is known. */
  body(bytes: Buffer, left: number): void;
  /** The response is whole. `idle`: milliseconds the connection may be kept, as far as the server says; 0 for not at all. */
  end(idle: number): void;
}

export class ResponseReader {
  readonly #sink: ResponseSink;
  readonly #longestHead: number;
  #state = IDLE;
  /** The beginning of a head or a line that came in several pieces. */
  #held: Buffer | undefined;
  #line = '';
  /** Bytes of the body, or of the chunk, or of trailers that may still come. */
  #left = 0;
  /** What `end` will say. */
  #idle = 0;

  /** `longestHead`: bytes of a head, and of trailers. */
  constructor(sink: ResponseSink, longestHead: number) {
    this.#sink = sink;
    this.#longestHead = longestHead;
  }

  /** A request is sent: a response is waited for. */
  expect(): void {
    this.#state = HEAD;
  }

  /** @throws Http1Error */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      switch (this.#state) {
        case HEAD:
          at = this.#head(bytes, at);
          break;
        case SIZED:
        case CHUNK:
        case TO_CLOSE:
          at = this.#content(bytes, at);
          break;
        case IDLE:
          throw new Http1Error('bytes that belong to no answer');
        default:
          at = this.#codingLine(bytes, at);
      }
    }
  }

  /** The connection was closed by the server; whether that ends a response as it should. */
  close(): boolean {
    if (this.#state !== TO_CLOSE) return false;
    this.#finish(false);
    return true;
  }

  #head(bytes: Buffer, from: number): number {
    const before = this.#held?.length ?? 0;
    const all = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes.subarray(from)]);
    const begin = this.#held === undefined ? from : 0;
    const found = all.indexOf(END_OF_HEAD, begin + Math.max(0, before - END_OF_HEAD.length));
    if ((found === -1 ? all.length : found) - begin > this.#longestHead)
      throw new Http1Error(`its headers are longer than ${this.#longestHead} bytes`);
    if (found === -1) {
      // Said at once: a server that speaks something else may wait for us.
      if (!BEGINNING.startsWith(all.toString('latin1', begin, begin + BEGINNING.length)))
        throw new Http1Error('its head is not HTTP/1.1');
      // A copy: what was read may lie in a buffer that is read into again.
      this.#held = Buffer.from(all.subarray(begin));
      return bytes.length;
    }
    this.#held = undefined;
    const end = found + END_OF_HEAD.length;
    const next = all === bytes ? end : from + end - before;
    this.#started(all.toString('latin1', begin, found + 2), next === bytes.length);
    return next;
  }

  /** Decides by the head what comes (RFC 9112, 6.3). */
  #started(text: string, isLast: boolean): void {
    if (!WELL_FORMED.test(text)) throw new Http1Error('its head is not HTTP/1.1');
    const status = Number(text.slice(9, 12));
    if (status === 101) throw new Http1Error('it changes to another protocol, unasked');
    if (status < 200) return;
    const pairs = headerPairs(text);
    const headers = new ResponseHeaders(pairs);
    const coding = headers.get('transfer-encoding');
    const length = headers.get('content-length');
    const isOld = text[7] === '0';
    this.#idle = keptFor(headers, isOld);
    if (coding !== undefined) {
      if (length !== undefined || isOld) throw new Http1Error('it says in two ways how long it is');
      if (coding.toLowerCase() !== 'chunked') throw new Http1Error(`its transfer coding ${coding} is not known`);
      this.#state = CHUNK_SIZE;
    } else if (length !== undefined) {
      if (!LENGTH.test(length)) throw new Http1Error(`its length ${length} is no number`);
      this.#left = Number(length);
      this.#state = SIZED;
    } else this.#state = TO_CLOSE;
    const isEmpty = status === 204 || status === 304;
    this.#sink.head(status, headers);
    if (isEmpty || (this.#state === SIZED && this.#left === 0)) this.#finish(isLast);
  }

  #content(bytes: Buffer, from: number): number {
    const isOpen = this.#state === TO_CLOSE;
    const end = isOpen ? bytes.length : Math.min(bytes.length, from + this.#left);
    const isChunk = this.#state === CHUNK;
    if (!isOpen) this.#left -= end - from;
    const isOver = !isOpen && this.#left === 0;
    if (isOver && isChunk) this.#state = CHUNK_END;
    const part = from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end);
    this.#sink.body(part, isChunk || isOpen ? 0 : this.#left);
    if (isOver && !isChunk) this.#finish(end === bytes.length);
    return end;
  }

  /** The lines of the chunked coding: sizes, ends of chunks, trailers (RFC 9112, 7.1). */
  #codingLine(bytes: Buffer, from: number): number {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline === -1 ? bytes.length : newline + 1;
    const line = this.#line + bytes.toString('latin1', from, end);
    if (line.length > LONGEST_LINE) throw new Http1Error('a line of its chunked coding does not end');
    this.#line = newline === -1 ? line : '';
    if (newline === -1) return end;
    switch (this.#state) {
      case CHUNK_SIZE: {
        const size = CHUNK_LINE.exec(line)?.[1];
        if (size === undefined) throw new Http1Error('the size of a chunk is no number');
        this.#left = Number.parseInt(size, 16);
        this.#state = CHUNK;
        if (this.#left > 0) break;
        this.#left = this.#longestHead;
        this.#state = TRAILERS;
        break;
      }
      case CHUNK_END:
        if (line !== '\r\n') throw new Http1Error('a chunk is longer than it says');
        this.#state = CHUNK_SIZE;
        break;
      default:
        this.#left -= line.length;
        if (this.#left < 0) throw new Http1Error(`its trailers are longer than ${this.#longestHead} bytes`);
        if (line === '\r\n') this.#finish(end === bytes.length);
    }
    return end;
  }

  /** What comes behind a whole response is nobody's: such a connection is not used again. */
  #finish(isLast: boolean): void {
    const idle = isLast && this.#state !== TO_CLOSE ? this.#idle : 0;
    this.#state = IDLE;
    this.#sink.end(idle);
  }
}

function headerPairs(text: string): string[] {
  const pairs: string[] = [];
  for (let from = text.indexOf('\n') + 1; from < text.length; ) {
    const colon = text.indexOf(':', from);
    const end = text.indexOf('\r', colon);
    pairs.push(text.slice(from, colon).toLowerCase(), withoutSpace(text, colon + 1, end));
    from = end + 2;
  }
  return pairs;
}

function withoutSpace(text: string, start: number, stop: number): string {
  let from = start;
  let to = stop;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** Milliseconds that a server says it keeps an idle connection, without end where it says nothing; 0: it is closed. */
function keptFor(headers: ResponseHeaders, isOld: boolean): number {
  const connection = headers.get('connection')?.toLowerCase();
  const says = (word: string): boolean => connection?.split(',').some((part) => part.trim() === word) === true;
  if (isOld ? !says('keep-alive') : connection !== undefined && says('close')) return 0;
  const seconds = /(?:^|[,;\s])timeout=(\d{1,9})/i.exec(headers.get('keep-alive') ?? '')?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}
