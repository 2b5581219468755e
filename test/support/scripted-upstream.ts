// An upstream whose every answer, list and state is a line of the test: for what stands in front of upstreams.
import type { CallContext } from '../../src/core/context.ts';
import { GatewayFault } from '../../src/core/fault.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { UpstreamAnswer } from '../../src/core/outcome.ts';
import { Payload } from '../../src/core/payload.ts';
import type { Era, RpcNotification } from '../../src/core/rpc.ts';
import {
  NO_FACTS,
  NO_LISTS,
  type Upstream,
  type UpstreamCall,
  type UpstreamIdentity,
  type UpstreamLists,
  type UpstreamState,
} from '../../src/core/upstream.ts';
import { refusal } from '../../src/upstream/refusal.ts';

type Script = (call: UpstreamCall, context: CallContext) => UpstreamAnswer | Promise<UpstreamAnswer>;

export class ScriptedUpstream implements Upstream {
  readonly name: string;
  state: UpstreamState = { state: 'ready', since: 0 };
  identity: UpstreamIdentity | undefined;
  lists: UpstreamLists = { ...NO_LISTS, revision: 1, confirmed: true };
  /** What was called, in order. */
  readonly calls: UpstreamCall[] = [];
  /** URIs that somebody listens to, with how many. */
  readonly subscribed = new Map<string, number>();
  script: Script = () => result({ content: [{ type: 'text', text: 'ok' }] });
  readonly #changed = new Set<(what: 'state' | 'lists') => void>();
  readonly #notified = new Set<(notification: RpcNotification) => void>();

  constructor(name: string, tools: readonly (string | JsonObject)[] = [], era: Era = 'legacy') {
    this.name = name;
    this.identity = {
      era,
      revision: era === 'legacy' ? '2025-11-25' : '2026-07-28',
      transport: 'scripted',
      serverInfo: { name },
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {}, completions: {} },
    };
    this.lists = { ...this.lists, tools: tools.map(toolOf) };
  }

  facts() {
    return NO_FACTS;
  }

  async call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    this.calls.push(call);
    return await this.script(call, context);
  }

  whenUp({ signal, deadline }: CallContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = () => end(() => reject(refusal(this.name, this.state, Date.now())));
      const look = () => {
        if (this.state.state === 'ready' || this.state.state === 'degraded') end(resolve);
        else if (this.state.state !== 'starting' && this.state.state !== 'backoff') refuse();
      };
      const stop = this.onChange(look);
      const timer = setTimeout(refuse, Math.min(deadline - performance.now(), 60_000));
      const end = (settle: () => void) => {
        stop();
        clearTimeout(timer);
        signal.removeEventListener('abort', refuse);
        settle();
      };
      signal.addEventListener('abort', refuse);
      if (signal.aborted) refuse();
      else look();
    });
  }

  async subscribe(uri: string): Promise<undefined> {
    this.subscribed.set(uri, (this.subscribed.get(uri) ?? 0) + 1);
    return undefined;
  }

  async unsubscribe(uri: string): Promise<void> {
    const left = (this.subscribed.get(uri) ?? 0) - 1;
    if (left > 0) this.subscribed.set(uri, left);
    else this.subscribed.delete(uri);
  }

  onNotification(listener: (notification: RpcNotification) => void): () => void {
    this.#notified.add(listener);
    return () => this.#notified.delete(listener);
  }

  onChange(listener: (what: 'state' | 'lists') => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  /** How many listen, for tests of what is left behind. */
  get listeners(): { notifications: number; changes: number } {
    return { notifications: this.#notified.size, changes: this.#changed.size };
  }

  start(): void {}
  async stop(): Promise<void> {}
  restart(): void {}

  notify(method: string, params?: JsonObject): void {
    for (const listener of this.#notified) listener({ method, ...(params !== undefined && { params }) });
  }

  list(change: Partial<UpstreamLists>): void {
    this.lists = { ...this.lists, revision: this.lists.revision + 1, ...change };
    for (const listener of this.#changed) listener('lists');
  }

  become(state: UpstreamState): void {
    this.state = state;
    for (const listener of this.#changed) listener('state');
  }
}

export function toolOf(tool: string | JsonObject): JsonObject {
  return typeof tool === 'string' ? { name: tool, inputSchema: { type: 'object' } } : tool;
}

const timing = { attempts: 1, queue: 0, connect: 0, upstream: 0 };

export function result(value: JsonObject, era: Era = 'legacy'): UpstreamAnswer {
  return { era, timing, result: Payload.of(value) };
}

export function text(value: string): UpstreamAnswer {
  return result({ content: [{ type: 'text', text: value }] });
}

export function error(code: number, message: string, data?: unknown, era: Era = 'legacy'): UpstreamAnswer {
  return { era, timing, error: { code, message, ...(data !== undefined && { data }) } };
}

/** Never answers; ends as a call ends that its caller gives up. */
export function hangs(_call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
  return new Promise((_resolve, reject) => {
    const end = () => reject(new GatewayFault('CANCELLED', String(context.signal.reason), { delivery: 'maybe-sent' }));
    if (context.signal.aborted) end();
    else context.signal.addEventListener('abort', end, { once: true });
  });
}

/** Answers when it is told to. */
export function held(): { script: Script; called: Promise<CallContext>; answer(value: UpstreamAnswer): void } {
  let answer: (value: UpstreamAnswer) => void = () => undefined;
  let called: (context: CallContext) => void = () => undefined;
  const coming = new Promise<UpstreamAnswer>((resolve) => {
    answer = resolve;
  });
  return {
    called: new Promise((resolve) => {
      called = resolve;
    }),
    script: (_call, context) => {
      called(context);
      return coming;
    },
    answer: (value) => answer(value),
  };
}
