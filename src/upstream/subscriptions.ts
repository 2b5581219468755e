// Resource subscriptions and list changes of one upstream: counted here, asked for once upstream, renewed after every
// reconnect; as `resources/subscribe` for a legacy server, as one `subscriptions/listen` for a modern one (MP16, MP22).
import type { CallContext } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type { UpstreamIdentity } from '../core/upstream.ts';
import { META } from '../wire/revisions.ts';
import type { Link } from './link.ts';
import type { LinkAnswer } from './pending.ts';

export interface SubscriptionsOptions {
  /** Milliseconds for one `resources/subscribe`. */
  timeout: number;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>): void;
}

interface Stream {
  stop: AbortController;
  acknowledged: Promise<void>;
  acknowledge(): void;
}

const METHOD_NOT_FOUND = -32601;
/** Caps of the wait before a lost stream is opened again, in milliseconds; full jitter below them. */
const REOPEN = [1_000, 2_000, 5_000, 15_000, 30_000];
/** A stream that lived this long was no failure. */
const STABLE = 60_000;
/** How long a subscriber waits for the acknowledgement, in milliseconds. */
const ACKNOWLEDGE = 5_000;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #counts = new Map<string, number>();
  #link: { link: Link; identity: UpstreamIdentity } | undefined;
  #stream: Stream | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #losses = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** How many resources somebody listens to. */
  get size(): number {
    return this.#counts.size;
  }

  /** A new link is ready: what was subscribed is subscribed again on it. */
  attach(link: Link, identity: UpstreamIdentity): void {
    this.detach();
    this.#link = { link, identity };
    this.#losses = 0;
    if (identity.era === 'modern') {
      this.#listen();
      return;
    }
    for (const uri of this.#counts.keys()) {
      this.#ask('resources/subscribe', uri).catch((fault: unknown) =>
        this.#options.log('warn', 'a subscription could not be renewed', { uri, error: String(fault) }),
      );
    }
  }

  detach(): void {
    clearTimeout(this.#reopen);
    this.#stream?.stop.abort();
    this.#stream = undefined;
    this.#link = undefined;
  }

  /** Takes over who listens at the upstream that this one follows: a changed configuration ends no subscription. */
  adopt(before: Subscriptions): void {
    for (const [uri, count] of before.#counts) this.#counts.set(uri, (this.#counts.get(uri) ?? 0) + count);
    if (this.#link !== undefined && before.#counts.size > 0) this.attach(this.#link.link, this.#link.identity);
  }

  /**
   * Counts one more listener. Gives the upstream's answer where it was asked (the first listener of a legacy server).
   * @throws GatewayFault as `Link.request`
   */
  async subscribe(uri: string, context: CallContext): Promise<LinkAnswer | undefined> {
    const count = this.#counts.get(uri) ?? 0;
    this.#counts.set(uri, count + 1);
    if (count > 0 || this.#link === undefined) return undefined;
    if (this.#link.identity.era === 'modern') {
      this.#listen();
      await this.#acknowledged();
      return undefined;
    }
    try {
      const answer = await this.#ask('resources/subscribe', uri, context);
      if ('error' in answer) this.#uncount(uri);
      return answer;
    } catch (fault) {
      this.#uncount(uri);
      throw fault;
    }
  }

  /** Counts one listener less; the last one ends the subscription upstream. Never rejects. */
  async unsubscribe(uri: string): Promise<void> {
    if (!this.#uncount(uri) || this.#link === undefined) return;
    if (this.#link.identity.era === 'modern') return this.#listen();
    try {
      await this.#ask('resources/unsubscribe', uri);
    } catch (fault) {
      this.#options.log('debug', 'a subscription could not be ended', { uri, error: String(fault) });
    }
  }

  /** A notification as listeners may see it; undefined if it is ours alone or of a stream that is being replaced. */
  accept(notification: RpcNotification): RpcNotification | undefined {
    const { method, params } = notification;
    if (method === 'notifications/subscriptions/acknowledged') {
      this.#stream?.acknowledge();
      return undefined;
    }
    const meta = params?._meta;
    if (!isObject(meta) || !(META.subscriptionId in meta)) return notification;
    const { [META.subscriptionId]: _, ...others } = meta;
    const { _meta, ...rest } = params as JsonObject;
    return { method, params: Object.keys(others).length === 0 ? rest : { ...rest, _meta: others } };
  }

  /** True when this was the last one. */
  #uncount(uri: string): boolean {
    const count = this.#counts.get(uri) ?? 0;
    if (count > 1) this.#counts.set(uri, count - 1);
    else this.#counts.delete(uri);
    return count === 1;
  }

  #ask(method: string, uri: string, context?: CallContext): Promise<LinkAnswer> {
    const { timeout } = this.#options;
    const deadline = Math.min(performance.now() + timeout, context?.deadline ?? Number.POSITIVE_INFINITY);
    const link = (this.#link as { link: Link }).link;
    return link.request({ method, params: { uri }, subject: uri, deadline, length: timeout, signal: context?.signal });
  }

  #filter(identity: UpstreamIdentity): JsonObject {
    const { tools, prompts, resources } = identity.capabilities;
    const tells = (capability: unknown): boolean => isObject(capability) && capability.listChanged === true;
    return {
      ...(tells(tools) && { toolsListChanged: true }),
      ...(tells(prompts) && { promptsListChanged: true }),
      ...(tells(resources) && { resourcesListChanged: true }),
      ...(this.#counts.size > 0 && { resourceSubscriptions: [...this.#counts.keys()] }),
    };
  }

  /** Opens the stream for what is wanted now; an older one is closed once the new one stands. */
  #listen(): void {
    clearTimeout(this.#reopen);
    const current = this.#link;
    if (current === undefined) return;
    const old = this.#stream;
    this.#stream = undefined;
    const notifications = this.#filter(current.identity);
    if (Object.keys(notifications).length === 0) {
      old?.stop.abort();
      return;
    }

    const stop = new AbortController();
    let acknowledge: () => void = () => undefined;
    const acknowledged = new Promise<void>((resolve) => {
      acknowledge = resolve;
    });
    const stream: Stream = { stop, acknowledged, acknowledge };
    this.#stream = stream;
    void acknowledged.then(() => old?.stop.abort());
    const opened = performance.now();
    const answer = current.link.request({
      method: 'subscriptions/listen',
      params: { notifications },
      deadline: Number.POSITIVE_INFINITY,
      length: 0,
      signal: stop.signal,
      standing: true,
    });
    void this.#ended(answer).then((refusal) => {
      acknowledge();
      old?.stop.abort();
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      if (current.link.ended !== undefined) return; // the next link opens its own
      if (refusal === METHOD_NOT_FOUND) {
        this.#options.log('info', 'the upstream tells no changes: it has no subscriptions/listen');
        return;
      }
      if (performance.now() - opened > STABLE) this.#losses = 0;
      const cap = REOPEN[Math.min(this.#losses++, REOPEN.length - 1)] as number;
      this.#reopen = setTimeout(() => this.#listen(), Math.random() * cap);
    });
  }

  /** Waits for the end of a stream, however it comes; gives the code of a refusal. */
  async #ended(answer: Promise<LinkAnswer>): Promise<number | undefined> {
    try {
      const end = await answer;
      return 'error' in end ? end.error.code : undefined;
    } catch {
      return undefined;
    }
  }

  async #acknowledged(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ACKNOWLEDGE);
    });
    try {
      await Promise.race([stream.acknowledged, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
