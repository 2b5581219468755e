// Reads the body of one HTTP answer: JSON whole, server-sent events one by one, whatever else only to classify it.
import { ByteList } from '../../core/byte-list.ts';
import { GatewayFault } from '../../core/fault.ts';
import { type Incoming, readMessage, readPieces } from '../../wire/envelope.ts';
import type { HttpExchange, HttpReceiver, ResponseHeaders } from '../../wire/http-client.ts';
import { SseReader, SseTooLarge } from '../../wire/sse.ts';

/** What happens to an answer. Exactly one of `complete` and `failed` ends it, unless it is aborted. */
export interface AnswerEvents {
  /** Status and headers are known. */
  head?(answer: Answer): void;
  /** A server-sent event with data; `messages` has everything in it. */
  event(data: Buffer, event: string | undefined, answer: Answer): void;
  complete(answer: Answer): void;
  failed(fault: GatewayFault, answer: Answer): void;
  /** Bytes came. */
  bytes(): void;
  /**
   * An event over the limit was skipped; the stream goes on. Without this the answer fails with RESULT_TOO_LARGE.
   * `id`: of the request whose answer it seems to be.
   */
  skipped?(fault: GatewayFault, id: number | undefined): void;
}

/** Of a refusal only so much is looked at. */
const MAX_REFUSAL = 64 * 1024;

export class Answer implements HttpReceiver {
  status = 0;
  headers: ResponseHeaders | undefined;
  /** Media type in lower case, without parameters. */
  contentType = '';
  /** Set for an event stream. */
  sse: SseReader | undefined;
  /** Set once the request is on its way. */
  exchange: HttpExchange | undefined;

  readonly #limit: number;
  readonly #events: AnswerEvents;
  #chunks: Buffer[] = [];
  #size = 0;
  #over = false;

  readonly #upstream: string;

  /** `limit`: bytes of one message (limits.message). */
  constructor(upstream: string, limit: number, events: AnswerEvents) {
    this.#upstream = upstream;
    this.#limit = limit;
    this.#events = events;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The body, unless it was an event stream. */
  body(): Buffer {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && only !== undefined) return only;
    const whole = Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [whole];
    return whole;
  }

  /** The same in the pieces in which it came. */
  pieces(): ByteList {
    return ByteList.of(this.#chunks, this.#size);
  }

  head(status: number, headers: ResponseHeaders): void {
    this.#events.bytes();
    this.status = status;
    this.headers = headers;
    this.contentType = mediaType(headers.get('content-type'));
    if (this.ok && this.contentType === 'text/event-stream') {
      this.sse = new SseReader(
        this.#limit,
        ({ data, event }) => {
          if (!this.#over) this.#events.event(data, event, this);
        },
        this.#events.skipped && ((head, tail) => this.#events.skipped?.(this.#largeFault(), idIn(head, tail))),
      );
    }
    this.#events.head?.(this);
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    this.#events.bytes();
    if (this.sse !== undefined) {
      try {
        this.sse.push(chunk);
      } catch (error) {
        if (!(error instanceof SseTooLarge)) throw error;
        this.#tooLarge();
      }
      return;
    }
    this.#keep(chunk);
    this.#size += chunk.length;
    if (this.ok && this.#size > this.#limit) this.#tooLarge();
    else if (!this.ok && this.#size > MAX_REFUSAL) {
      this.exchange?.abort();
      this.end();
    }
  }

  /** Pieces that were read one behind the other, as those of a large body are, are one. */
  #keep(chunk: Buffer): void {
    const last = this.#chunks.at(-1);
    const follows =
      last !== undefined && last.buffer === chunk.buffer && last.byteOffset + last.length === chunk.byteOffset;
    if (!follows) this.#chunks.push(chunk);
    else this.#chunks[this.#chunks.length - 1] = Buffer.from(chunk.buffer, last.byteOffset, last.length + chunk.length);
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.complete(this);
  }

  failed(fault: GatewayFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.failed(fault, this);
  }

  /** Closes the connection; no further event comes. */
  abort(): void {
    this.#over = true;
    this.#chunks = [];
    this.exchange?.abort();
  }

  #tooLarge(): void {
    this.abort();
    this.#events.failed(this.#largeFault(), this);
  }

  #largeFault(): GatewayFault {
    const text = `the answer is larger than limits.message (${this.#limit} bytes)`;
    return new GatewayFault('RESULT_TOO_LARGE', text, { upstream: this.#upstream, delivery: 'answered' });
  }
}

const VERSION = '"jsonrpc"\\s*:\\s*"2\\.0"\\s*';
const ID_FIRST = new RegExp(`^(?:data: ?)?\\s*\\{\\s*(?:${VERSION},\\s*)?"id"\\s*:\\s*(\\d+)\\s*,`);
const ID_LAST = new RegExp(`"id"\\s*:\\s*(\\d+)\\s*(?:,\\s*${VERSION})?\\}\\s*$`);

/** The id of an answer that was too large to be kept, where it stands at its beginning or end. */
function idIn(head: Buffer, tail: Buffer): number | undefined {
  const start = head.toString('latin1');
  if (/"method"/.test(start)) return undefined;
  const found = ID_FIRST.exec(start) ?? ID_LAST.exec(tail.toString('latin1'));
  return found === null ? undefined : Number(found[1]);
}

/** Every message in a body or an event: one, or (2025-03-26) a batch of them. */
export function readMessages(bytes: Buffer): Incoming[] {
  let at = 0;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  if (bytes[at] !== OPEN_ARRAY) return [readMessage(bytes)];
  try {
    const batch: unknown = JSON.parse(bytes.toString('utf8'));
    if (Array.isArray(batch)) return batch.map((entry) => readMessage(Buffer.from(JSON.stringify(entry))));
  } catch {
    // Falls through: not JSON, which readMessage says in its own words.
  }
  return [readMessage(bytes)];
}

/** The same for a body in pieces; a large answer stays in them. */
export function readMessagesOf(pieces: ByteList): Incoming[] {
  if (pieces.parts.length > 1 && pieces.parts[0]?.[0] === OPEN_OBJECT) return [readPieces(pieces)];
  return readMessages(pieces.whole());
}

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Whether a message ends the request with this id; an error without an id on the request's own stream does. */
export function isAnswerTo(message: Incoming, id: number): boolean {
  if (message.kind === 'result') return String(message.id) === String(id);
  return message.kind === 'error' && (message.id === undefined || String(message.id) === String(id));
}

function mediaType(header: string | undefined): string {
  if (header === 'application/json' || header === 'text/event-stream') return header;
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
