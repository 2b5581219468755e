// One live transport to an upstream and one initialised conversation on it: our ids, who waits for which answer, and
// whose notification or question a message of the server is (MP6, MP7, requirements 10.6).
import type { CallSignal } from '../core/call-signal.ts';
import type { CallContext } from '../core/context.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import { IdTable } from '../core/id-table.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import type { Era, RequestId, RpcNotification } from '../core/rpc.ts';
import type { DeadlineWheel } from '../resilience/deadline.ts';
import { type Incoming, writeError, writeNotification, writeRequest, writeResult } from '../wire/envelope.ts';
import { MISSING_CAPABILITY } from '../wire/revisions.ts';
import { checkResult } from './answer-check.ts';
import { capabilitiesOf, levelWanted, moreTalkative, outgoingParams } from './meta.ts';
import { type LinkAnswer, Pending, type PendingOwner } from './pending.ts';
import { answerInstead, askCaller, canBeAsked, neededCapability } from './server-requests.ts';
import type { Negotiated, Transport, TransportSink } from './transport.ts';

export interface LinkOptions {
  upstream: string;
  transport: Transport;
  wheel: DeadlineWheel;
  /** Ids for every link of the upstream, never given twice. */
  nextId(): number;
  /** How the gateway names itself to upstreams. */
  clientInfo: JsonObject;
  /** A notification that belongs to no call. */
  notified(notification: RpcNotification): void;
  /** Whether the server has ever put a question to a client; shared by all links of an upstream. */
  asks: { seen: boolean };
  /** The link is over, once; not called after `close`. */
  closed(fault: GatewayFault): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>): void;
}

export interface LinkRequest {
  method: string;
  params: JsonObject;
  exactArguments?: string | undefined;
  subject?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** On the clock of `performance.now()`. */
  deadline: number;
  /** By how many milliseconds progress moves the deadline; the time the call was given. */
  length: number;
  context?: CallContext | undefined;
  signal?: CallSignal | undefined;
  /** The params go out as they are: part of a handshake. */
  plain?: boolean | undefined;
  /** A request that stays open as long as the link: it neither counts as in flight nor as a question's owner. */
  standing?: boolean | undefined;
}

/** How long a change of the log level may hold up the call that wants it, in milliseconds. */
const LEVEL_WAIT = 2_000;
/** At most so many odd messages are told per link; all are counted. */
const NOISE_TOLD = 1;

export class Link {
  readonly #options: LinkOptions;
  readonly #transport: Transport;
  readonly #pending = new IdTable<Pending>();
  readonly #standing = new Set<number>();
  /** Questions of the server that a caller is answering, by the server's id. */
  readonly #questions = new Map<RequestId, AbortController>();
  #settled: Negotiated | undefined;
  #logging: { declared: boolean; level: string | undefined; change?: Promise<void> | undefined } = {
    declared: false,
    level: undefined,
  };
  #ended: GatewayFault | undefined;
  #highest = 0;
  #noise = 0;
  #late = 0;
  #answered = 0;
  #heard: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#owner = {
      upstream: options.upstream,
      wheel: options.wheel,
      giveUp: (pending, reason) => this.#giveUp(pending, reason),
      done: ({ id }) => {
        this.#pending.delete(id);
        if (this.#standing.size > 0) this.#standing.delete(id);
      },
    };
  }

  get transport(): Transport {
    return this.#transport;
  }
  get clientInfo(): JsonObject {
    return this.#options.clientInfo;
  }
  get era(): Era {
    return this.#settled?.era ?? 'legacy';
  }
  get ended(): GatewayFault | undefined {
    return this.#ended;
  }
  /** Lines and answers that fitted nothing; late answers are among them. */
  get noise(): number {
    return this.#noise + this.#late;
  }
  /** Requests of callers that got an answer (requirements 10.3: what makes an exit no failure). */
  get answered(): number {
    return this.#answered;
  }
  /** Whether the server has put a question to a client: its askable callers then come one at a time (10.6). */
  get interactive(): boolean {
    return this.#options.asks.seen && !this.#transport.correlates;
  }
  /** Requests under way, without those that stand as long as the link. */
  get inFlight(): number {
    return this.#pending.size - this.#standing.size;
  }

  /** Opens the transport. `heard` is called once, with the first sign of life. @throws GatewayFault as the transport. */
  async open(signal: AbortSignal, heard?: () => void): Promise<void> {
    this.#heard = heard;
    await this.#transport.open(this.#sink, signal);
  }

  /** The handshake is over; from now on params are written for this era. */
  settle(settled: Negotiated, capabilities: JsonObject): void {
    this.#settled = settled;
    this.#logging = { declared: settled.era === 'legacy' && isObject(capabilities.logging), level: undefined };
    this.#transport.negotiated(settled);
  }

  /** Sends one request. @throws GatewayFault with its delivery; an error that the upstream answered is returned. */
  request(request: LinkRequest): Promise<LinkAnswer> {
    const level = request.context?.logLevel;
    if (level !== undefined && this.#logging.declared) {
      if (moreTalkative(level, this.#logging.level)) this.#logging.change = this.#lowerLevel(level);
      const { change } = this.#logging;
      if (change !== undefined) return change.then(() => this.#send(request));
    }
    return this.#send(request);
  }

  /** Sends a notification. @throws GatewayFault */
  async notify(method: string, params?: JsonObject): Promise<void> {
    await this.#transport.post(writeNotification(method, params));
  }

  /** Ends the conversation; whoever still waits gets `fault`. */
  async close(fault: GatewayFault, grace?: number): Promise<void> {
    this.#end(fault);
    await this.#transport.close(grace);
  }

  #send(request: LinkRequest): Promise<LinkAnswer> {
    const { upstream } = this.#options;
    if (this.#ended !== undefined) return Promise.reject(this.#ended.with({ delivery: 'not-sent' }));
    if (request.signal?.aborted)
      return Promise.reject(new GatewayFault('CANCELLED', 'cancelled before it was sent', { upstream }));
    const id = this.#options.nextId();
    this.#highest = id;
    const { method, context } = request;
    const pending = new Pending(id, request, this.#owner);
    this.#pending.set(id, pending);
    if (request.standing) this.#standing.add(id);
    const params = request.plain
      ? request.params
      : outgoingParams(request.params, { era: this.era, id, context, clientInfo: this.#options.clientInfo });
    try {
      this.#transport.request({
        id,
        method,
        text: writeRequest(id, method, params, request.exactArguments),
        subject: request.subject,
        headers: request.headers,
      });
    } catch (error) {
      // A transport that throws is at fault, ours or another's: that is this call's failure and no other one's (F-G9).
      // How far it came nobody knows.
      pending.reject(asFault(error, { upstream, delivery: 'maybe-sent' }));
    }
    return pending.answer;
  }

  /** Cancels upstream as the era means it: closing the stream, or a notification (2026-07-28/basic/patterns/cancellation). */
  #giveUp({ id, method }: Pending, reason: string): void {
    const byStream = this.#transport.correlates && this.era === 'modern';
    if (!byStream && method !== 'initialize' && this.#ended === undefined) {
      this.notify('notifications/cancelled', { requestId: id, reason }).catch((error: unknown) =>
        this.#options.log('debug', 'a cancellation did not reach the upstream', { error: String(error) }),
      );
    }
    this.#transport.abandon(id);
  }

  async #lowerLevel(level: string): Promise<void> {
    this.#logging.level = level;
    try {
      await this.#send({
        method: 'logging/setLevel',
        params: { level },
        deadline: performance.now() + LEVEL_WAIT,
        length: LEVEL_WAIT,
      });
    } catch (error) {
      this.#options.log('debug', 'the upstream did not take the log level', { error: String(error) });
    }
    if (this.#logging.level === level) this.#logging.change = undefined;
  }

  readonly #owner: PendingOwner;

  readonly #sink: TransportSink = {
    message: (message, stream) => {
      this.#hear();
      this.#receive(message, stream);
    },
    failed: (id, fault) => this.#pending.get(id)?.reject(fault.with({ upstream: this.#options.upstream })),
    noise: (sample) => {
      this.#hear();
      this.#count(sample);
    },
    closed: (fault) => {
      if (this.#ended !== undefined) return;
      this.#hear();
      const named = fault.with({ upstream: this.#options.upstream });
      this.#end(named);
      this.#options.closed(named);
    },
  };

  #hear(): void {
    const heard = this.#heard;
    this.#heard = undefined;
    heard?.();
  }

  #end(fault: GatewayFault): void {
    this.#ended ??= fault;
    for (const pending of this.#pending.values()) {
      pending.reject(fault.delivery === 'not-sent' ? fault.with({ delivery: 'maybe-sent' }) : fault);
    }
    for (const question of this.#questions.values()) question.abort();
    this.#questions.clear();
  }

  #count(sample: string): void {
    if (this.#noise++ < NOISE_TOLD)
      this.#options.log('warn', 'the upstream sends what is not MCP; skipped', { sample: sample.slice(0, 200) });
  }

  #receive(message: Incoming, stream: number | undefined): void {
    switch (message.kind) {
      case 'result':
      case 'error':
        this.#answer(message, stream);
        break;
      case 'notification':
        this.#notification({ method: message.method, params: message.params }, stream);
        break;
      case 'request':
        this.#question(message.id, message.method, message.params, stream);
        break;
      case 'invalid': {
        const pending = this.#waiting(message.id) ?? this.#waiting(stream);
        if (pending === undefined) this.#count(message.reason);
        else {
          this.#transport.abandon(pending.id);
          pending.reject(this.#protocol(`the upstream's answer is not JSON-RPC: ${message.reason}`));
        }
      }
    }
  }

  /** An id that came back as a string of ours is taken as ours (F-I12). */
  #waiting(id: RequestId | undefined): Pending | undefined {
    if (typeof id === 'string') return /^\d{1,15}$/.test(id) ? this.#pending.get(Number(id)) : undefined;
    return id === undefined ? undefined : this.#pending.get(id);
  }

  #answer(message: Incoming & { kind: 'result' | 'error' }, stream: number | undefined): void {
    // An error without an id can only be an answer where the stream says to what.
    const pending = this.#waiting(message.id) ?? (message.id === undefined ? this.#waiting(stream) : undefined);
    if (pending === undefined) {
      if (typeof message.id === 'number' && message.id <= this.#highest) this.#late++;
      else this.#count(`answer to an unknown id ${JSON.stringify(message.id) ?? 'null'}`);
      return;
    }
    if (message.kind === 'result') {
      const wrong = checkResult(pending.method, message.result, this.era, () => capabilitiesOf(pending.context));
      if (wrong !== undefined) {
        pending.reject(this.#protocol(`the upstream answered with a ${wrong}`));
        return;
      }
    }
    if (pending.context !== undefined) this.#answered++;
    pending.resolve(message.kind === 'result' ? { result: message.result } : { error: message.error });
  }

  #protocol(text: string): GatewayFault {
    const { upstream } = this.#options;
    return new GatewayFault('UPSTREAM_PROTOCOL', text, { upstream, delivery: 'maybe-sent' });
  }

  #notification(notification: RpcNotification, stream: number | undefined): void {
    const { method, params } = notification;
    switch (method) {
      case 'notifications/progress':
        this.#progress(params ?? {}, stream);
        break;
      case 'notifications/message': {
        const owner = this.#logOwner(stream);
        if (owner === undefined) this.#options.notified(notification);
        else if (levelWanted(params?.level, owner.context?.logLevel)) this.#tell(owner, notification);
        break;
      }
      case 'notifications/cancelled': {
        const id = params?.requestId;
        if (typeof id === 'string' || typeof id === 'number') this.#questions.get(id)?.abort();
        break;
      }
      default: {
        const owner = stream === undefined ? undefined : this.#pending.get(stream);
        const ofTheCall = owner?.context !== undefined && !OF_THE_LINK.test(method);
        if (ofTheCall) this.#tell(owner, notification);
        else this.#options.notified(notification);
      }
    }
  }

  #progress(params: JsonObject, stream: number | undefined): void {
    const token = params.progressToken;
    const byToken = typeof token === 'string' || typeof token === 'number' ? this.#waiting(token) : undefined;
    const pending = byToken ?? this.#waiting(stream);
    if (pending === undefined) {
      this.#late++;
      return;
    }
    pending.progressed();
    const theirs = pending.context?.progressToken;
    if (theirs === undefined) return;
    this.#tell(pending, { method: 'notifications/progress', params: { ...params, progressToken: theirs } });
  }

  /** What goes wrong while a caller is told something is not the server's fault, nor that of its other callers. */
  #tell({ context }: Pending, notification: RpcNotification): void {
    try {
      context?.notify?.(notification);
    } catch (error) {
      this.#options.log('error', 'a notification could not be handed on', { error: String(error) });
    }
  }

  /** Whose log message it is: its stream's, else the only call in flight that wants any. */
  #logOwner(stream: number | undefined): Pending | undefined {
    if (stream !== undefined && !this.#standing.has(stream)) return this.#pending.get(stream);
    if (this.#transport.correlates) return undefined;
    let only: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (pending.context?.logLevel === undefined) continue;
      if (only !== undefined) return undefined;
      only = pending;
    }
    return only;
  }

  #question(id: RequestId, method: string, params: JsonObject, stream: number | undefined): void {
    const person = ['elicitation', 'sampling'].includes(neededCapability(method) ?? '');
    if (person) this.#options.asks.seen = true;
    if (this.era === 'modern' && this.#transport.correlates) {
      // Forbidden there, and there is no way to answer (2026-07-28/basic/transports/streamable-http).
      this.#count(`a request of the server: ${method}`);
      return;
    }
    const request = { method, params };
    const owner = this.#questioned(method, params, stream);
    const context = owner?.context;
    if (owner === undefined || context === undefined) {
      this.#reply(id, answerInstead(request, 'cannot'));
      this.#missingCapability(method, stream);
      return;
    }
    const withdrawn = new AbortController();
    this.#questions.set(id, withdrawn);
    owner.asking();
    void askCaller(context, request, AbortSignal.any([owner.over, withdrawn.signal])).then((answer) => {
      const open = this.#questions.delete(id);
      owner.asked();
      if (open && !withdrawn.signal.aborted) this.#reply(id, answer);
    });
  }

  /**
   * A modern client is told which capability its call needs: without a model to sample there is no result
   * (2026-07-28/basic, MissingRequiredClientCapability; MP20). A declined elicitation or no roots is an answer.
   */
  #missingCapability(method: string, stream: number | undefined): void {
    if (method !== 'sampling/createMessage') return;
    const known = stream !== undefined && !this.#standing.has(stream) ? this.#pending.get(stream) : undefined;
    const calls = this.#pending.values().filter((pending) => pending.context !== undefined);
    const call = known ?? (calls.length === 1 ? calls[0] : undefined);
    const client = call?.context?.client;
    if (call === undefined || client?.era !== 'modern' || client.capabilities.sampling !== undefined) return;
    const error = {
      code: MISSING_CAPABILITY,
      message: `"${this.#options.upstream}" needs the client capability "sampling" for this request`,
      data: { requiredCapabilities: { sampling: {} } },
    };
    call.refuse({ error }, 'the client cannot sample');
  }

  /** The call a question belongs to, if its caller can be asked; of two that could be, none is guessed (MP20). */
  #questioned(method: string, params: JsonObject, stream: number | undefined): Pending | undefined {
    const request = { method, params };
    const can = (pending: Pending): boolean => pending.context !== undefined && canBeAsked(pending.context, request);
    if (stream !== undefined && !this.#standing.has(stream)) {
      const owner = this.#pending.get(stream);
      return owner !== undefined && can(owner) ? owner : undefined;
    }
    const able = this.#pending.values().filter(can);
    if (able.length < 2) return able[0];
    // One that waits for an answer of its caller is not at work: the question is another one's.
    const candidates = able.filter((pending) => !pending.isAsking);
    if (candidates.length === 1) return candidates[0];
    // All wait: only the one that had its turn last can have asked once more (see `attempts.ts`, turns).
    if (candidates.length === 0)
      return able.reduce((last, pending) => (pending.activeAt > last.activeAt ? pending : last));
    const text = `upstream "${this.#options.upstream}" sent ${method} while several callers could be meant; declined`;
    this.#options.log('warn', text);
    const message = { level: 'warning', logger: 'holdfast', data: text };
    for (const candidate of candidates) {
      const wanted = levelWanted('warning', candidate.context?.logLevel);
      if (wanted) this.#tell(candidate, { method: 'notifications/message', params: message });
    }
    return undefined;
  }

  #reply(id: RequestId, answer: { result: JsonObject } | { error: { code: number; message: string } }): void {
    if (this.#ended !== undefined) return;
    const bytes = 'result' in answer ? writeResult(id, Payload.of(answer.result)) : writeError(id, answer.error);
    this.#transport
      .post(bytes.toString('utf8'))
      .catch((error: unknown) =>
        this.#options.log('warn', 'an answer to the upstream was not delivered', { error: String(error) }),
      );
  }
}

/** Notifications that say something about the server, even where they come on the stream of a call. */
const OF_THE_LINK = /^notifications\/(?:[a-z/]*list_changed|resources\/updated|subscriptions\/acknowledged)$/;
