// One call from its acceptance to its answer: place, link, send, and what a failure means for the call and for the
// upstream (architecture: limiter, retry, breaker, connection, send; in this order).
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamConfig } from '../config/schema.ts';
import { platformSignal } from '../core/call-signal.ts';
import type { CallContext } from '../core/context.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { UpstreamCall } from '../core/upstream.ts';
import type { Breaker } from '../resilience/breaker.ts';
import type { Limiter } from '../resilience/limiter.ts';
import { decideRetry } from '../resilience/retry.ts';
import type { RetryBudget } from '../resilience/retry-budget.ts';
import { HEADER_MISMATCH, UNSUPPORTED_VERSION } from '../wire/revisions.ts';
import { forwardedHeaders, type HeaderSet } from './forward-headers.ts';
import { Link, type LinkRequest } from './link.ts';
import type { LinkSource } from './link-source.ts';
import type { ListKeeper } from './list-keeper.ts';
import type { Liveness } from './liveness.ts';
import type { LinkAnswer } from './pending.ts';
import { ping } from './ping.ts';

export interface AttemptsOptions {
  name: string;
  config(): UpstreamConfig;
  source: LinkSource;
  limiter: Limiter;
  /** Makes the queue in which callers of a server that asks questions take turns (requirements 10.6). */
  turns(): Limiter;
  breaker: Breaker;
  budget: RetryBudget;
  liveness: Liveness;
  lists: ListKeeper;
  /** The era that was found does not hold any more. */
  forgetEra(): void;
  /** Told the names of the headers that go on with a call. */
  forwarded(names: readonly string[]): void;
  random?: (() => number) | undefined;
}

/** JSON-RPC codes by which servers say, among other things, that they do not know a session (reliability §2). */
const AMBIGUOUS = [-32600, -32000, -32001, -32015];
/** Statuses of something between us and the server, or of one that is going down: the way is broken for everybody. */
const WAY_BROKEN = [502, 503, 504, 520, 521, 522, 523, 524];
const ATTEMPT = 'io.github.holdfast/attempt';
const IDEMPOTENCY_KEY = 'io.github.holdfast/idempotencyKey';

/** Where one call stands. */
interface Journey {
  call: UpstreamCall;
  context: CallContext;
  deadline: number;
  /** What the last attempt was sent on. */
  link: Link | undefined;
  attempts: number;
  repeats: number;
  renewals: number;
  connect: number;
  /** The last failure after which nobody knows whether it ran. */
  unknown: GatewayFault | undefined;
  /** Headers of the caller that go on with it: what the server then says of credentials and rates concerns this caller. */
  headers: HeaderSet | undefined;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #ended = new WeakSet<Link>();
  readonly #turns = new WeakMap<Link, Limiter>();
  /** The server asked for silence until then; clock of `performance.now()`. */
  #silentUntil = 0;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** @throws GatewayFault with the delivery of the whole call, not of its last attempt alone */
  async run(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    const { source, limiter, budget } = this.#options;
    const config = this.#options.config();
    const began = performance.now();
    const deadline = Math.min(context.deadline, began + (call.timeout ?? config.timeouts.call));
    source.refuseEarly();
    this.#refuseIfOpen();
    budget.called();
    const place = limiter.acquire(deadline, context.signal);
    if (place !== undefined) await place;
    const placed = place === undefined ? began : performance.now();
    const journey: Journey = {
      call,
      context,
      deadline,
      link: undefined,
      attempts: 0,
      repeats: 0,
      renewals: 0,
      connect: 0,
      unknown: undefined,
      headers: config.forwardHeaders.enabled ? this.#forwarded(config, context) : undefined,
    };
    try {
      let answer: LinkAnswer;
      try {
        answer = await this.#once(journey);
      } catch (thrown) {
        answer = await this.#repeat(journey, thrown);
      }
      const upstream = performance.now() - placed - journey.connect;
      const timing = { attempts: journey.attempts, queue: placed - began, connect: journey.connect, upstream };
      const { era } = journey.link as Link;
      return 'result' in answer ? { result: answer.result, era, timing } : { error: answer.error, era, timing };
    } finally {
      limiter.release();
    }
  }

  #forwarded(config: UpstreamConfig, context: CallContext): HeaderSet | undefined {
    const headers = forwardedHeaders(config, context.headers);
    if (config.forwardHeaders.debug) this.#options.forwarded(Object.keys(headers ?? {}).sort());
    return headers;
  }

  /** The first attempt has failed: further ones, as far as they may be made. */
  async #repeat(journey: Journey, failure: unknown): Promise<LinkAnswer> {
    const { budget, source } = this.#options;
    const config = this.#options.config();
    const { call, context, deadline } = journey;
    const options = { ...config.recovery.call, retries: config.recovery.enabled ? config.recovery.call.retries : 0 };
    for (let thrown = failure; ; ) {
      const fault = asFault(thrown, { upstream: this.#options.name });
      if (fault.delivery === 'maybe-sent') journey.unknown = fault;
      const tool = call.method === 'tools/call';
      const { retry, retryWritesTwice } = this.#override(call);
      const decision = decideRetry(
        {
          fault,
          safety: call.safety,
          tool,
          mode: retry === 'always' && call.safety === 'write' && !retryWritesTwice ? 'safe' : retry,
          attempts: journey.attempts,
          repeats: journey.repeats,
          renewals: journey.renewals,
          remaining: deadline - performance.now(),
        },
        options,
        this.#options.random ?? Math.random,
      );
      const late = decision.again && performance.now() + decision.delay >= deadline;
      if (
        !decision.again ||
        late ||
        context.signal.aborted ||
        !config.recovery.enabled ||
        !budget.take(decision.cost)
      ) {
        // What an earlier attempt may have done is not undone by a later one that was not even sent.
        throw journey.unknown !== undefined && fault.delivery !== 'maybe-sent' ? journey.unknown : fault;
      }
      if (decision.why === 'repeat') journey.repeats++;
      if (decision.why === 'session') journey.renewals++;
      // Where the link is gone, the connect loop paces everybody: whoever waits there is the first to know.
      const paced = decision.why !== 'refused' && !source.connected;
      if (decision.delay > 0 && !paced) await this.#pause(decision.delay, journey);
      try {
        return await this.#once(journey);
      } catch (again) {
        thrown = again;
      }
    }
  }

  #override(call: UpstreamCall): {
    retry?: 'never' | 'safe' | 'always' | undefined;
    retryWritesTwice?: boolean | undefined;
  } {
    const { overrides } = this.#options.config().tools;
    const { subject } = call;
    if (call.method !== 'tools/call' || subject === undefined || !Object.hasOwn(overrides, subject)) return {};
    return overrides[subject] ?? {};
  }

  async #pause(delay: number, { context, unknown }: Journey): Promise<void> {
    try {
      await sleep(delay, undefined, { signal: platformSignal(context.signal) });
    } catch {
      const { name } = this.#options;
      const delivery = unknown?.delivery ?? 'not-sent';
      throw new GatewayFault('CANCELLED', `the caller cancelled its call to "${name}"`, { upstream: name, delivery });
    }
  }

  async #once(journey: Journey): Promise<LinkAnswer> {
    const { source, breaker, budget } = this.#options;
    const { context, deadline } = journey;
    this.#refuseIfOpen();
    let asked = performance.now();
    if (asked < this.#silentUntil) {
      await this.#keepSilence(journey);
      asked = performance.now();
    }
    const waiting = source.link(context, deadline, journey.headers);
    const link = waiting instanceof Link ? waiting : await waiting;
    const sentAt = link === waiting ? asked : performance.now();
    journey.link = link;
    journey.connect += sentAt - asked;
    journey.attempts++;
    try {
      const inTurn = this.#takesTurns(link, context);
      const answer = await (inTurn ? this.#inTurn(link, journey) : this.#send(link, journey));
      breaker.vote(true);
      if ('error' in answer) await this.#settleError(link, answer.error.code, journey);
      budget.succeeded();
      return answer;
    } catch (thrown) {
      throw await this.#consequences(link, asFault(thrown), sentAt, journey);
    } finally {
      source.done(link);
    }
  }

  async #inTurn(link: Link, journey: Journey): Promise<LinkAnswer> {
    let turns = this.#turns.get(link);
    if (turns === undefined) {
      turns = this.#options.turns();
      this.#turns.set(link, turns);
    }
    await turns.acquire(journey.deadline, journey.context.signal);
    let held = true;
    const give = () => {
      if (held) turns.release();
      held = false;
    };
    // While its caller is asked, the upstream does not work on this call: the others go on, and it takes its turn again
    // before the answer is handed over, so that a question never has two calls it could belong to.
    let open = 0;
    const ask: CallContext['ask'] = async (request, signal) => {
      open++;
      give();
      try {
        return await (journey.context.ask as NonNullable<CallContext['ask']>)(request, signal);
      } finally {
        // Of several questions the last answer sets it to work again.
        if (--open === 0) held = await take(turns, signal);
      }
    };
    try {
      return await this.#send(link, { ...journey, context: { ...journey.context, ask } });
    } finally {
      give();
    }
  }

  /**
   * Whether this call has the link to itself: on a shared channel a question names no call. A shared link is left to
   * all until it was seen to ask; one that belongs to a caller (`pooled`) never has to guess from the start.
   */
  #takesTurns(link: Link, { ask, client }: CallContext): boolean {
    if (ask === undefined || link.transport.correlates) return false;
    const { elicitation, sampling } = client.capabilities;
    const own =
      this.#options.config().session.mode !== 'shared' && (elicitation !== undefined || sampling !== undefined);
    return link.interactive || own;
  }

  #send(link: Link, { call, context, deadline, attempts, headers }: Journey): Promise<LinkAnswer> {
    call.permit?.();
    const mirrors = link.era === 'modern' && link.transport.correlates && call.method === 'tools/call';
    const request: LinkRequest = {
      method: call.method,
      params: attempts > 1 ? marked(call.params, attempts, context.id) : call.params,
      exactArguments: call.exactArguments,
      subject: call.subject,
      headers: context.trace === undefined ? headers : { ...headers, ...traceHeaders(context.trace) },
      deadline,
      length: call.timeout ?? this.#options.config().timeouts.call,
      context,
      signal: context.signal,
    };
    return mirrors ? this.#mirrored(link, call, request) : link.request(request);
  }

  /** Arguments go as headers too, as the tool was listed. */
  async #mirrored(link: Link, call: UpstreamCall, request: LinkRequest): Promise<LinkAnswer> {
    const { lists } = this.#options;
    const headers = (): HeaderSet | undefined => {
      const mirrored = lists.headersFor(call.subject, call.params.arguments);
      return mirrored === undefined ? request.headers : { ...request.headers, ...mirrored };
    };
    const answer = await link.request({ ...request, headers: headers() });
    if (!('error' in answer) || answer.error.code !== HEADER_MISMATCH) return answer;
    // The tool has changed since it was listed: its headers are read again, once (MP9).
    await lists.refreshTools();
    call.permit?.();
    return link.request({ ...request, headers: headers() });
  }

  /** An error that may mean a lost session, or an era that has changed, is no answer yet. Throws where it was none. */
  async #settleError(link: Link, code: number, journey: Journey): Promise<void> {
    const { source, name } = this.#options;
    const lost = (text: string): GatewayFault =>
      new GatewayFault('UPSTREAM_SESSION_LOST', text, { upstream: name, delivery: 'rejected-unprocessed' });
    if (journey.renewals > 0) return;
    if (link.era === 'modern') {
      if (code !== UNSUPPORTED_VERSION) return;
      this.#options.forgetEra();
      const fault = lost(`upstream "${name}" does not speak ${link.era} any more`);
      source.renew(link, fault);
      throw fault;
    }
    // Where a conversation is the connection it cannot be forgotten; HTTP+SSE posts to an address that has one in it.
    const named = link.transport.correlates || link.transport.kind === 'sse';
    if (!named || !AMBIGUOUS.includes(code)) return;
    if ((await this.#ping(link, journey)) !== 'refused') return;
    throw lost(`upstream "${name}" does not know our session any more (${code}, and a ping was refused too)`);
  }

  #ping(link: Link, { deadline, context }: Journey): ReturnType<typeof ping> {
    const timeout = Math.min(this.#options.config().health.timeout, deadline - performance.now());
    return ping(link, Math.max(timeout, 1), platformSignal(context.signal));
  }

  /** What a failed attempt says of the upstream; gives the fault that the call is to be judged by. */
  async #consequences(link: Link, fault: GatewayFault, sentAt: number, journey: Journey): Promise<GatewayFault> {
    const { source, liveness, name } = this.#options;
    if (fault.fault === 'CANCELLED') return fault;
    if (fault.data?.ambiguous === true && link.era === 'legacy' && journey.renewals === 0) {
      if ((await this.#ping(link, journey)) === 'refused') {
        const text = `upstream "${name}" does not know our session any more (a ping was refused too)`;
        return this.#renewed(link, fault.with({ delivery: 'rejected-unprocessed' }), text);
      }
    }
    switch (fault.fault) {
      case 'UPSTREAM_SESSION_LOST':
        source.renew(link, fault);
        return fault;
      case 'UPSTREAM_UNAUTHORIZED':
        // A refusal of what the caller sent says nothing about the gateway's own credentials.
        if (fault.data?.httpStatus !== 403 && journey.headers === undefined) source.lost(link, fault);
        return fault;
      case 'UPSTREAM_TIMEOUT':
      case 'DEADLINE_EXCEEDED':
        liveness.suspect(link, sentAt);
        if (link.transport.lastByteAt < sentAt) source.doubt(link);
        break;
      default:
    }
    const { retryAfterMs } = fault;
    const status = fault.data?.httpStatus;
    if (retryAfterMs !== undefined && (status === 429 || status === 503)) {
      if (status === 429 && journey.headers !== undefined) return fault; // its own rate, not everybody's
      this.#silentUntil = Math.max(this.#silentUntil, performance.now() + retryAfterMs);
      return fault;
    }
    if (fault.row.breakerVote) this.#vote(link, fault, typeof status === 'number' ? status : undefined);
    return fault;
  }

  #renewed(link: Link, cause: GatewayFault, text: string): GatewayFault {
    const { source, name } = this.#options;
    const details = { upstream: name, delivery: 'rejected-unprocessed' as const, cause };
    const fault = new GatewayFault('UPSTREAM_SESSION_LOST', text, details);
    source.renew(link, fault);
    return fault;
  }

  /** One broken way is one failure, however many calls were on it. */
  #vote(link: Link, fault: GatewayFault, status: number | undefined): void {
    const { source, breaker } = this.#options;
    // Without recovery every call tries for itself: that is what S2's figures are compared with.
    if (!this.#options.config().recovery.enabled) return;
    if (link.ended !== undefined) {
      if (!this.#ended.has(link)) breaker.vote(false);
      this.#ended.add(link);
      return;
    }
    const lostWay = fault.fault === 'UPSTREAM_UNREACHABLE' || fault.fault === 'UPSTREAM_DISCONNECTED';
    const broken = lostWay || (status !== undefined && WAY_BROKEN.includes(status));
    if (!broken || !link.transport.correlates) breaker.vote(false);
    else if (source.suspect(link, fault)) breaker.vote(false);
  }

  #refuseIfOpen(): void {
    const { breaker, name } = this.#options;
    if (!breaker.open) return;
    const text = `the way to upstream "${name}" failed repeatedly; it is looked at again in the background`;
    throw new GatewayFault('CIRCUIT_OPEN', text, { upstream: name, retryAfterMs: breaker.retryAfterMs });
  }

  /** Nobody calls a server before the time it asked for (F-H2). */
  async #keepSilence(journey: Journey): Promise<void> {
    const wait = this.#silentUntil - performance.now();
    if (performance.now() + wait < journey.deadline) return this.#pause(wait, journey);
    const { name } = this.#options;
    const text = `upstream "${name}" asked for no calls for another ${Math.ceil(wait / 1000)} s`;
    throw new GatewayFault('UPSTREAM_RATE_LIMITED', text, { upstream: name, retryAfterMs: wait });
  }
}

function traceHeaders({ traceparent, tracestate }: NonNullable<CallContext['trace']>): HeaderSet {
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** A repeated request says that it is one, and under which key its attempts belong together. */
function marked(params: UpstreamCall['params'], attempt: number, key: string): UpstreamCall['params'] {
  const meta = typeof params._meta === 'object' && params._meta !== null ? params._meta : {};
  return { ...params, _meta: { ...meta, [ATTEMPT]: attempt, [IDEMPOTENCY_KEY]: key } };
}

/** How long an answered call waits for the others to finish, in milliseconds. */
const LONGEST_TURN = 10 * 60_000;

/** Waits for a turn as long as somebody waits for the answer; false when nobody does any more. */
async function take(turns: Limiter, signal: AbortSignal): Promise<boolean> {
  try {
    await turns.acquire(performance.now() + LONGEST_TURN, signal);
    return true;
  } catch {
    return false;
  }
}
