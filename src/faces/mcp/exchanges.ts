// Answers and streams that are under way, and the one clock that times them.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestId } from '../../core/rpc.ts';
import type { Caller, Reply } from '../../session/protocol.ts';
import { Answering, type AnsweringOptions, COMMENT_EVERY } from './answering.ts';
import type { OutgoingStream } from './event-stream.ts';
import { type ClientSession, openSession } from './open-sessions.ts';

/** How long a finished or broken stream can be resumed, in milliseconds. */
const RESUMABLE = 5 * 60_000;
/** How long a standing stream goes on listening without a client, so that a short break loses nothing. */
const GRACE = 30_000;
const TICK = 1_000;
/** What streams without a client may hold together for a resumption; the oldest go first. */
const MAX_ALONE = 1_000;
const MAX_ALONE_BYTES = 64 * 1024 * 1024;

interface Kept {
  nonce: string;
  stream: OutgoingStream;
  /** When it was last found without a client; undefined while it has one. */
  alone: number | undefined;
}

interface Listener {
  caller: Caller;
  /** Stops listening. */
  end(): void;
  /** Ends it as its era ends a stream. */
  close(): void;
}

interface Standing {
  readonly listener: Listener;
  readonly resumable: boolean;
  since: number;
  commentAt: number;
  /** When its client went; undefined while it is there. */
  alone: number | undefined;
}

export class Exchanges {
  /** An array, each holding its place: a Set with an entry per request keeps old garbage alive. */
  readonly #answering: Answering[] = [];
  /** Streams of legacy sessions that can be resumed, by id. */
  readonly #kept = new Map<string, Kept>();
  /** GET streams and subscriptions: what has no end of its own. */
  readonly #standing = new Map<OutgoingStream, Standing>();
  #clock: NodeJS.Timeout | undefined;

  /** What is under way, for the status. */
  get open(): { answers: number; streams: number } {
    return { answers: this.#answering.length, streams: this.#standing.size };
  }

  /** Streams that stand open, for the status. */
  get sessions(): ClientSession[] {
    return [...this.#standing.values()].map(({ listener: { caller }, since }) =>
      openSession(caller.client.era === 'legacy' ? 'events' : 'subscription', caller, since),
    );
  }

  start(options: AnsweringOptions): Answering {
    const answering = new Answering(options);
    answering.place = this.#answering.push(answering) - 1;
    this.#tickWhileNeeded();
    return answering;
  }

  /** The client of a session cancels one of its own requests; another's id is another session's (F-C14). */
  cancel(nonce: string, id: unknown, reason: string): boolean {
    const meant = this.#answering.filter((answering) => answering.session?.nonce === nonce && answering.id === id);
    for (const answering of meant) answering.cancel(reason);
    return meant.length > 0;
  }

  #leave(answering: Answering): void {
    const last = this.#answering.pop();
    if (last === undefined || last === answering) return;
    this.#answering[answering.place] = last;
    last.place = answering.place;
  }

  /** Sends the answer; a request that its client cancelled gets none. */
  finish(answering: Answering, id: RequestId, reply: Reply | undefined): void {
    this.#leave(answering);
    if (reply === undefined) answering.drop();
    else answering.finish(id, reply);
  }

  finishWith(answering: Answering, body: Buffer): void {
    this.#leave(answering);
    answering.finishWith(body, 200);
  }

  /** A stream that listens until its client goes; `resumable` ones a little longer. */
  stand(stream: OutgoingStream, response: ServerResponse, listener: Listener, resumable: boolean): void {
    const commentAt = performance.now() + COMMENT_EVERY;
    this.#standing.set(stream, { listener, resumable, since: Date.now(), commentAt, alone: undefined });
    this.#tickWhileNeeded();
    stream.onLeft = this.#left;
    letGo(response.req);
  }

  readonly #left = (stream: OutgoingStream): void => {
    const standing = this.#standing.get(stream);
    if (standing === undefined || stream.attached) return;
    if (standing.resumable && !stream.ended) standing.alone = performance.now();
    else this.#forget(stream, standing);
  };

  #forget(stream: OutgoingStream, standing: Standing): void {
    this.#standing.delete(stream);
    standing.listener.end();
  }

  /** Keeps a stream of a session for a resumption. */
  keep(stream: OutgoingStream, nonce: string): void {
    this.#kept.set(stream.id, { nonce, stream, alone: undefined });
    this.#tickWhileNeeded();
  }

  /** Goes on with a stream after the given event; false where it is not kept, or is another session's (MP3). */
  resume(id: string, after: number, nonce: string, response: ServerResponse): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.nonce !== nonce) return false;
    kept.stream.attach(response, { after });
    const standing = this.#standing.get(kept.stream);
    if (standing !== undefined) standing.alone = undefined;
    letGo(response.req);
    return true;
  }

  /** A session is over: its streams end. */
  endOf(nonce: string): void {
    for (const [id, { nonce: owner, stream }] of this.#kept) {
      if (owner !== nonce) continue;
      stream.end();
      this.#kept.delete(id);
    }
  }

  /** Ends what these principals listen to: they may do something else now, or nothing. */
  endOfOwners(owners: readonly string[]): void {
    for (const [stream, standing] of [...this.#standing]) {
      if (!owners.includes(standing.listener.caller.principal.id)) continue;
      standing.listener.close();
      this.#forget(stream, standing);
    }
  }

  /** Ends what has no end of its own; answers under way are left to finish. */
  close(): void {
    for (const [stream, standing] of [...this.#standing]) {
      standing.listener.close();
      this.#forget(stream, standing);
    }
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  /** Many answers that came as streams, or large ones, are not all kept until their time is over. */
  #bound(): void {
    const alone = [...this.#kept].filter(([, kept]) => kept.alone !== undefined);
    let bytes = alone.reduce((sum, [, { stream }]) => sum + stream.keptBytes, 0);
    let left = alone.length;
    for (const [id, { stream }] of alone) {
      if (left <= MAX_ALONE && bytes <= MAX_ALONE_BYTES) return;
      this.#kept.delete(id);
      bytes -= stream.keptBytes;
      left--;
    }
  }

  /** One clock for everything, and none while there is nothing to time. */
  #tickWhileNeeded(): void {
    this.#clock ??= setInterval(() => this.#tick(performance.now()), TICK).unref();
  }

  #tick(now: number): void {
    for (const answering of this.#answering) answering.tick(now);
    for (const [stream, standing] of this.#standing) {
      if (standing.alone !== undefined) {
        if (now - standing.alone > GRACE) this.#forget(stream, standing);
      } else if (now >= standing.commentAt) {
        standing.commentAt = now + COMMENT_EVERY;
        stream.comment();
      }
    }
    for (const [id, kept] of this.#kept) {
      const isUsed = !kept.stream.ended && (kept.stream.attached || this.#standing.has(kept.stream));
      if (isUsed) kept.alone = undefined;
      else kept.alone ??= now;
      if (kept.alone !== undefined && now - kept.alone > RESUMABLE) this.#kept.delete(id);
    }
    this.#bound();
    if (this.#answering.length + this.#standing.size + this.#kept.size > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }
}

/** A stream may stand for days; what its request said is not asked for again. */
function letGo(request: IncomingMessage): void {
  request.rawHeaders = [];
  request.headers = {};
}
