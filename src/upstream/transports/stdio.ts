// An MCP server as a child process: one JSON-RPC message a line on its stdin and stdout (MP12).

import type { UpstreamConfig } from '../../config/schema.ts';
import type { ByteList } from '../../core/byte-list.ts';
import { GatewayFault } from '../../core/fault.ts';
import { IdTable } from '../../core/id-table.ts';
import { type Incoming, readMessage, readPieces } from '../../wire/envelope.ts';
import { answerId, LineSplitter, type LongLine } from '../../wire/stdio-lines.ts';
import { type Exit, UpstreamChild } from '../process/child.ts';
import type { ChildRecords } from '../process/leftovers.ts';
import { Outbox } from '../process/outbox.ts';
import type { Log } from '../process/spawn.ts';
import { groupUsage, type ProcessUsage } from '../process/usage.ts';
import type { OutgoingRequest, Transport, TransportSink } from '../transport.ts';

const MESSAGE_LIMIT = 25 * 1024 * 1024;
/** What may wait for a server that does not read, in bytes (F-P22). */
const UNSENT_LIMIT = 64 * 1024 * 1024;
/** How long a server whose stdout or stdin has closed gets to exit, before that counts as a lost connection. */
const HALF_CLOSED = 200;
const STDERR_SHOWN = 20;
const SAMPLE = 200;
/** sysexits.h EX_CONFIG: only a change of configuration helps (reliability §3). */
const EX_CONFIG = 78;

export interface StdioOptions {
  upstream: string;
  config: UpstreamConfig;
  log: Log;
  records?: ChildRecords | undefined;
}

/** A transport that owns a process, and what a supervisor wants to know of it. */
export interface StdioTransport extends Transport {
  readonly kind: 'stdio';
  /** The last lines of stderr, oldest first, at most 64 KB of them; also after the end. */
  readonly stderr: readonly string[];
  /** Lines on stdout that were no messages. */
  readonly noiseCount: number;
  /** How the process ended, once it has. */
  readonly exit: Exit | undefined;
  /** Settles with the first byte on stdout, or the end: from then on its start slot is free (reliability §2). */
  readonly firstByte: Promise<void>;
  /** Processes that had left the group and were ended by their tag; known once `close` is over. */
  readonly escaped: readonly number[];
  /** Memory and CPU of the whole process group; undefined when it is gone or the system does not tell. */
  usage(): Promise<ProcessUsage | undefined>;
}

export function createStdioTransport(options: StdioOptions): StdioTransport {
  return new Stdio(options);
}

class Stdio implements StdioTransport {
  readonly kind = 'stdio';
  readonly correlates = false;
  readonly firstByte: Promise<void>;
  noiseCount = 0;
  escaped: readonly number[] = [];
  readonly #upstream: string;
  readonly #options: StdioOptions;
  readonly #limit: number;
  readonly #lines: LineSplitter;
  /** Requests without an answer: what cannot be read may be theirs. */
  readonly #waiting = new IdTable<true>();
  #sink: TransportSink | undefined;
  #opening: Promise<void> | undefined;
  #child: UpstreamChild | undefined;
  #outbox: Outbox | undefined;
  #state: 'new' | 'open' | 'closed' = 'new';
  #closing: Promise<void> | undefined;
  #sawFirstByte: () => void = () => undefined;

  constructor(options: StdioOptions) {
    this.#options = options;
    this.#upstream = options.upstream;
    this.#limit = options.config.limits?.message ?? MESSAGE_LIMIT;
    this.firstByte = new Promise((resolve) => {
      this.#sawFirstByte = resolve;
    });
    this.#lines = new LineSplitter(this.#limit, {
      line: (bytes) => this.#line(bytes),
      pieces: (line) => this.#pieces(line),
      long: (line) => this.#long(line),
      endless: (size) =>
        this.#lost(
          'UPSTREAM_PROTOCOL',
          `wrote a line of more than ${size} bytes without an end; limits.message is ${this.#limit} bytes`,
        ),
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get lastByteAt(): number {
    return this.#child?.lastByteAt ?? 0;
  }

  get exit(): Exit | undefined {
    return this.#child?.exit;
  }

  get stderr(): readonly string[] {
    return this.#child?.stderr.lines() ?? [];
  }

  async usage(): Promise<ProcessUsage | undefined> {
    const child = this.#child;
    return child === undefined || child.hasExited ? undefined : (await groupUsage([child.pid])).get(child.pid);
  }

  open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    this.#opening ??= this.#open(sink, signal);
    return this.#opening;
  }

  async #open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    this.#sink = sink;
    try {
      this.#checkWanted(signal);
      const child = await UpstreamChild.start({
        ...this.#options,
        output: (chunk) => {
          this.#sawFirstByte();
          try {
            this.#lines.push(chunk);
          } catch (error) {
            this.#bug(error);
          }
        },
      });
      this.#adopt(child);
      this.#checkWanted(signal);
      if (this.#state === 'new') this.#state = 'open';
    } catch (error) {
      this.#state = 'closed';
      this.#sawFirstByte();
      // Whoever closes meanwhile ends the child, with the time that it has.
      if (this.#closing === undefined) await this.#child?.end();
      throw error;
    }
  }

  #checkWanted(signal: AbortSignal): void {
    if (!signal.aborted && this.#closing === undefined) return;
    if (signal.reason instanceof GatewayFault) throw signal.reason;
    throw this.#fault('CANCELLED', 'is not wanted any more', 'not-sent');
  }

  /** A mistake of ours while a message is handled must not end the process for everybody (F-G9). */
  #bug(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log('error', 'unexpected error in a stdio transport', { upstream: this.#upstream, error: text });
  }

  #adopt(child: UpstreamChild): void {
    this.#child = child;
    if (child.stdin !== null) this.#outbox = new Outbox(child.stdin, UNSENT_LIMIT);
    child.onOutputEnd(() => this.#halfClosed('closed its stdout'));
    child.onInputError(() => this.#halfClosed('closed its stdin'));
    child.exited.then((exit) => this.#exited(child, exit)).catch((error: unknown) => this.#bug(error));
  }

  async #exited(child: UpstreamChild, exit: Exit): Promise<void> {
    // An answer written before the exit is an answer; the exit is told behind it.
    await child.drained();
    this.#lines.end();
    this.#sawFirstByte();
    const how = exit.signal === null ? `ended with exit code ${exit.code}` : `was ended by ${exit.signal}`;
    this.#finish('UPSTREAM_EXITED', how, {
      exit,
      stderr: child.stderr.lines(STDERR_SHOWN, 500),
      ...(exit.code === EX_CONFIG && { permanent: true }),
    });
    this.escaped = (await child.clear()).escaped;
  }

  /** One direction is closed: usually the exit follows at once and says more. */
  #halfClosed(what: string): void {
    const child = this.#child;
    if (child === undefined || child.hasExited) return;
    const timer = setTimeout(() => {
      if (!child.hasExited) this.#lost('UPSTREAM_DISCONNECTED', what);
    }, HALF_CLOSED);
    void child.exited.then(() => clearTimeout(timer));
  }

  /** The connection is of no use any more although the process runs. */
  #lost(fault: 'UPSTREAM_PROTOCOL' | 'UPSTREAM_DISCONNECTED', reason: string): void {
    this.#finish(fault, reason, { stderr: this.#child?.stderr.lines(STDERR_SHOWN, 500) ?? [] });
    void this.close();
  }

  /** Tells the sink, once, that it is over; requests of which nothing has left are told so before. */
  #finish(
    fault: 'UPSTREAM_EXITED' | 'UPSTREAM_PROTOCOL' | 'UPSTREAM_DISCONNECTED',
    reason: string,
    data: object,
  ): void {
    const told = this.#state === 'closed';
    this.#state = 'closed';
    const unsent = this.#outbox?.close() ?? [];
    if (told) return;
    for (const id of unsent) this.#fail(id, this.#fault(fault, reason, 'not-sent', { ...data }));
    this.#waiting.clear();
    this.#sink?.closed(this.#fault(fault, reason, 'maybe-sent', { ...data }));
  }

  request(request: OutgoingRequest): void {
    this.#waiting.set(request.id, true);
    if (this.#state === 'open' && this.#outbox?.send(request.text, request.id, this.#waiting.size === 1)) return;
    const fault = this.#refusal();
    // Told later, as everything else is: whoever sends has finished sending by then.
    queueMicrotask(() => this.#fail(request.id, fault));
  }

  async post(text: string): Promise<void> {
    if (this.#state !== 'open' || !this.#outbox?.send(text)) throw this.#refusal();
  }

  #refusal(): GatewayFault {
    if (this.#state !== 'open') return this.#fault('UPSTREAM_DISCONNECTED', 'is not connected', 'not-sent');
    const waiting = this.#outbox?.waiting ?? 0;
    return this.#fault('UPSTREAM_DISCONNECTED', `does not read: ${waiting} bytes wait to be sent`, 'not-sent', {
      unsentBytes: waiting,
    });
  }

  abandon(id: number): void {
    this.#waiting.delete(id);
    this.#outbox?.withdraw(id);
  }

  negotiated(): void {
    // Nothing depends on the era here.
  }

  close(grace?: number): Promise<void> {
    this.#closing ??= this.#close(grace);
    return this.#closing;
  }

  async #close(grace: number | undefined): Promise<void> {
    this.#state = 'closed';
    // A start that is on its way ends by itself now, and takes its child with it.
    await this.#opening?.catch(() => undefined);
    this.#outbox?.close();
    this.#waiting.clear();
    const report = await this.#child?.end(grace);
    this.escaped = report?.escaped ?? [];
    this.#sawFirstByte();
  }

  #line(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    // A byte order mark, as PowerShell writes one before its first line.
    const line = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
    const first = firstByte(line);
    if (first === 0x7b) this.#message(readMessage(line), line);
    else if (first === 0x5b) this.#batch(line);
    else this.#noise(line);
  }

  /** A large line; unless it is a message, it is looked at as one piece. */
  #pieces(line: ByteList): void {
    if (this.#state === 'closed') return;
    const message = line.parts[0]?.[0] === 0x7b ? readPieces(line) : undefined;
    if (message === undefined || message.kind === 'invalid') this.#line(line.whole());
    else this.#tell(message);
  }

  #message(message: Incoming, line: Buffer): void {
    if (message.kind === 'invalid' && message.id === undefined) {
      this.#unreadable(line, message.reason);
    } else this.#tell(message);
  }

  #tell(message: Incoming): void {
    // Forgotten before it is told: an answer is nobody's to fail any more.
    if (message.kind === 'result' || message.kind === 'error' || message.kind === 'invalid')
      this.#waiting.delete(Number(message.id));
    this.#sink?.message(message);
  }

  /** Servers of 2025-03-26 may answer in batches. */
  #batch(line: Buffer): void {
    const messages = readBatch(line);
    if (messages.length === 0) this.#noise(line);
    for (const message of messages) this.#message(message, line);
  }

  /** Begins like a message and is none: cut off, or nested too deep (F-I3, F-I20). */
  #unreadable(line: Buffer, reason: string): void {
    const id = line.includes('"jsonrpc"') ? this.#whose(line) : undefined;
    this.#noise(line);
    if (id !== undefined)
      this.#fail(id, this.#fault('UPSTREAM_PROTOCOL', `sent an answer that cannot be read: ${reason}`, 'maybe-sent'));
  }

  #long(line: LongLine): void {
    if (this.#state === 'closed') return;
    const id = line.ended ? this.#whose(line.head, line.tail) : this.#waitingOnly(answerId(line.head));
    if (line.ended) this.#noise(line.head);
    if (id === undefined) return;
    const text = `sent an answer larger than limits.message (${this.#limit} bytes)`;
    const size = line.ended ? { bytes: line.size } : {};
    this.#fail(id, this.#fault('RESULT_TOO_LARGE', text, 'answered', { limit: this.#limit, ...size }));
  }

  /** The waiting request whose answer this was: as its ends say, or the only one there is. */
  #whose(head: Buffer, tail?: Buffer): number | undefined {
    const id = answerId(head, tail);
    if (id !== undefined) return this.#waitingOnly(id);
    if (this.#waiting.size !== 1 || /"method"\s*:/.test(head.toString('latin1', 0, 1024))) return undefined;
    return this.#waiting.ids()[0];
  }

  #waitingOnly(id: number | undefined): number | undefined {
    return id !== undefined && this.#waiting.has(id) ? id : undefined;
  }

  #noise(line: Buffer): void {
    this.noiseCount++;
    this.#sink?.noise(line.toString('utf8', 0, 4 * SAMPLE).slice(0, SAMPLE));
  }

  #fail(id: number, fault: GatewayFault): void {
    if (this.#waiting.delete(id)) this.#sink?.failed(id, fault);
  }

  #fault(
    name: 'UPSTREAM_EXITED' | 'UPSTREAM_PROTOCOL' | 'UPSTREAM_DISCONNECTED' | 'RESULT_TOO_LARGE' | 'CANCELLED',
    reason: string,
    delivery: 'not-sent' | 'maybe-sent' | 'answered',
    data?: Record<string, unknown>,
  ): GatewayFault {
    return new GatewayFault(name, `upstream "${this.#upstream}" ${reason}`, {
      upstream: this.#upstream,
      delivery,
      data,
    });
  }
}

/** Empty when it is no batch of messages. */
function readBatch(line: Buffer): Incoming[] {
  let parts: unknown;
  try {
    parts = JSON.parse(line.toString('utf8'));
  } catch {
    return [];
  }
  if (!Array.isArray(parts)) return [];
  const messages = parts.map((part) => readMessage(Buffer.from(JSON.stringify(part))));
  return messages.some((message) => message.kind === 'invalid' && message.id === undefined) ? [] : messages;
}

function firstByte(line: Buffer): number | undefined {
  for (let at = 0; at < line.length; at++) if (line[at] !== 0x20 && line[at] !== 0x09) return line[at];
  return undefined;
}
