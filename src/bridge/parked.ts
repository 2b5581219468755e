// A legacy upstream asks its client in the middle of a call; a modern client is asked by the answer to its request. The
// call is parked meanwhile, and the client's retry, which carries a sealed name of it, goes on with the same call
// (protocol.md MP19).
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CallContext, ClientAnswer, ClientRequest } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import type { SigningKeys } from '../core/ports.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type { Send } from './input-required.ts';

export interface ParkedOptions {
  /** Seal `requestState`; those of all gateways that may get the retry. */
  keys: SigningKeys;
  /** The gateways among which a retry may come to another one than parked its call. */
  among?: ParkedAmong | undefined;
  /** How long a client may take to come back, in milliseconds. */
  ttl?: number | undefined;
  /** Calls that may be parked at once. */
  limit?: number | undefined;
}

export interface ParkedAmong {
  readonly id: string;
  /** Goes on with a call that another gateway parked. */
  resume(owner: string, operation: Operation, context: CallContext): Promise<UpstreamAnswer>;
}

const PREFIX = 'holdfast.1.';
const TTL = 10 * 60_000;
/** Questions that come together are asked together. */
const GATHER = 5;

/** One call of a modern client that its upstream may interrupt with questions. */
interface Call {
  id: string;
  principal: string;
  digest: string;
  context: CallContext;
  /** The exchange of the client that waits right now. */
  current: CallContext | undefined;
  answer: Promise<UpstreamAnswer>;
  questions: Map<string, { request: ClientRequest; resolve: (answer: ClientAnswer) => void }>;
  asked: number;
  /** Wakes whoever waits for the next thing this call does. */
  interrupt: (() => void) | undefined;
  expiry: NodeJS.Timeout | undefined;
}

export class ParkedCalls {
  readonly #keys: SigningKeys;
  readonly #among: ParkedAmong | undefined;
  readonly #ttl: number;
  readonly #limit: number;
  readonly #calls = new Map<string, Call>();

  constructor({ keys, among, ttl = TTL, limit = 1000 }: ParkedOptions) {
    this.#keys = keys;
    this.#among = among;
    this.#ttl = ttl;
    this.#limit = limit;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Whether a `requestState` claims to be one of ours; it may still be forged or old. */
  owns(requestState: unknown): requestState is string {
    return typeof requestState === 'string' && requestState.startsWith(PREFIX);
  }

  /** Sends a new call whose client may be asked; its answer may be a question. */
  async send(operation: Operation, context: CallContext, send: Send): Promise<UpstreamAnswer> {
    const call: Call = {
      id: randomBytes(16).toString('base64url'),
      principal: context.principal.id,
      digest: digestOf(operation),
      context,
      current: context,
      answer: Promise.resolve(undefined as never),
      questions: new Map(),
      asked: 0,
      interrupt: undefined,
      expiry: undefined,
    };
    const inner: CallContext = {
      ...context,
      notify: (notification) => call.current?.notify?.(retoken(notification, call.current)),
      ask: (request, signal) => this.#question(call, request, signal),
    };
    call.answer = send(operation, inner);
    return await this.#next(call);
  }

  /** Goes on with a parked call. @throws GatewayFault ARGUMENTS_INVALID (−32602) for a state that is not valid here */
  async resume(operation: Operation, context: CallContext): Promise<UpstreamAnswer> {
    const { id, owner } = this.#unseal(String(operation.params.requestState), operation, context);
    if (owner !== undefined && this.#among !== undefined && owner !== this.#among.id && !this.#calls.has(id))
      return await this.#elsewhere(this.#among, owner, operation, context);
    const call = this.#calls.get(id);
    if (call === undefined || call.current !== undefined) {
      throw notWaiting(context);
    }
    clearTimeout(call.expiry);
    call.current = context;
    const cancel = () => call.context.cancel?.('the client gave up');
    context.signal.addEventListener('abort', cancel, { once: true });
    const responses = isObject(operation.params.inputResponses) ? operation.params.inputResponses : {};
    for (const [key, { request, resolve }] of [...call.questions]) {
      const response = responses[key];
      if (!isObject(response)) continue;
      call.questions.delete(key);
      resolve(legacyAnswer(request, response));
    }
    try {
      return await this.#next(call);
    } finally {
      context.signal.removeEventListener('abort', cancel);
    }
  }

  /** A gateway that is gone has taken its calls along; they may have had their effect. */
  async #elsewhere(among: ParkedAmong, owner: string, operation: Operation, context: CallContext) {
    try {
      return await among.resume(owner, operation, context);
    } catch (error) {
      if (error instanceof GatewayFault && error.fault === 'UPSTREAM_UNREACHABLE') throw notWaiting(context);
      throw error;
    }
  }

  close(): void {
    for (const call of this.#calls.values()) this.#giveUp(call, 'the gateway is stopping');
  }

  /** The result, or the questions that came before it, as the answer to the client's request. */
  async #next(call: Call): Promise<UpstreamAnswer> {
    if (call.questions.size === 0) {
      const interrupted = new Promise<'asked'>((resolve) => {
        call.interrupt = () => resolve('asked');
      });
      const outcome = await Promise.race([call.answer, interrupted]).finally(() => {
        call.interrupt = undefined;
      });
      if (outcome !== 'asked') {
        this.#calls.delete(call.id);
        return outcome;
      }
    }
    return this.#park(call);
  }

  #park(call: Call): UpstreamAnswer {
    call.current = undefined;
    this.#calls.set(call.id, call);
    // Somebody has to look at the result even if the client never comes back.
    call.answer.catch(() => undefined);
    call.expiry = setTimeout(() => this.#giveUp(call, 'the client did not come back'), this.#ttl).unref();
    const inputRequests = Object.fromEntries(
      [...call.questions].map(([key, { request }]) => [key, { method: request.method, params: request.params }]),
    );
    const requestState = this.#seal(call);
    return {
      era: 'modern',
      timing: { attempts: 1, queue: 0, connect: 0, upstream: 0 },
      result: Payload.of({ resultType: 'input_required', inputRequests, requestState }),
    };
  }

  #question(call: Call, request: ClientRequest, signal: AbortSignal): Promise<ClientAnswer> {
    if (!this.#calls.has(call.id) && this.#calls.size >= this.#limit)
      return Promise.reject(new Error('too many calls are parked'));
    return new Promise((resolve, reject) => {
      const key = `q${++call.asked}`;
      const withdraw = () => {
        call.questions.delete(key);
        reject(new Error('the upstream withdrew the question'));
      };
      signal.addEventListener('abort', withdraw, { once: true });
      call.questions.set(key, {
        request: modernQuestion(request),
        resolve: (answer) => {
          signal.removeEventListener('abort', withdraw);
          resolve(answer);
        },
      });
      if (call.questions.size === 1) setTimeout(() => call.interrupt?.(), GATHER);
    });
  }

  #giveUp(call: Call, reason: string): void {
    clearTimeout(call.expiry);
    this.#calls.delete(call.id);
    for (const { request, resolve } of call.questions.values()) {
      resolve(
        request.method === 'elicitation/create'
          ? { result: { action: 'cancel' } }
          : { error: { code: -32603, message: reason } },
      );
    }
    call.questions.clear();
    call.context.cancel?.(reason);
  }

  #seal({ id, principal, digest }: Call): string {
    const text = Buffer.from(JSON.stringify([id, principal, digest, Date.now() + this.#ttl, this.#among?.id])).toString(
      'base64url',
    );
    return `${PREFIX}${text}.${mac(this.#keys.signing, text)}`;
  }

  #unseal(state: string, operation: Operation, context: CallContext): { id: string; owner: string | undefined } {
    const [text = '', seal = ''] = state.slice(PREFIX.length).split('.');
    const given = Buffer.from(seal);
    const genuine = this.#keys.all.some((key) => {
      const right = Buffer.from(mac(key, text));
      return right.length === given.length && timingSafeEqual(right, given);
    });
    if (!genuine) throw invalid(context, '"requestState" is not one of ours');
    const [id, principal, digest, expires, owner] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as [
      string,
      string,
      string,
      number,
      string?,
    ];
    if (expires < Date.now()) throw invalid(context, '"requestState" has expired; call again without it');
    if (principal !== context.principal.id || digest !== digestOf(operation)) {
      throw invalid(context, '"requestState" belongs to another request');
    }
    return { id, owner: owner ?? undefined };
  }
}

function mac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(`requestState ${text}`).digest('base64url');
}

function notWaiting(context: CallContext): GatewayFault {
  return invalid(
    context,
    'the call that "requestState" names is not waiting any more: it was answered, given up, or its gateway is gone; call again without it',
  );
}

function invalid(context: CallContext, message: string): GatewayFault {
  return new GatewayFault('ARGUMENTS_INVALID', message, {
    correlationId: context.id,
    hint: 'Send the request again without requestState and inputResponses.',
  });
}

/** What a retry must repeat: everything but what the round itself adds. */
function digestOf(operation: Operation): string {
  const { inputResponses: _, requestState: __, _meta: ___, ...params } = operation.params;
  return createHash('sha256')
    .update(JSON.stringify([operation.kind, operation.upstream, params]))
    .digest('base64url');
}

/** A question as 2026-07-28 has it: the id of a URL elicitation is gone (MP15 the other way round). */
function modernQuestion({ method, params }: ClientRequest): ClientRequest {
  const { elicitationId: _, _meta: __, task: ___, ...rest } = params;
  return {
    method,
    params: method === 'elicitation/create' && rest.mode === undefined ? { mode: 'form', ...rest } : rest,
  };
}

function legacyAnswer(_request: ClientRequest, response: JsonObject): ClientAnswer {
  const { resultType: _, ...result } = response;
  return { result };
}

/** Progress of a resumed call belongs to the token of the request that waits now. */
function retoken(notification: RpcNotification, current: CallContext): RpcNotification {
  if (notification.method !== 'notifications/progress') return notification;
  return { ...notification, params: { ...notification.params, progressToken: current.progressToken } };
}
