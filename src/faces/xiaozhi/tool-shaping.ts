// What one endpoint talks to: a view of the catalogue, reduced to what its platform can take. The session code above
// and the dispatch below know nothing of it.
import type { HeldEntry, ListKind, ToolEntry } from '../../core/catalog.ts';
import type { CallContext } from '../../core/context.ts';
import { GatewayFault } from '../../core/fault.ts';
import { heldFault } from '../../core/held.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import type { UpstreamAnswer } from '../../core/outcome.ts';
import type { Payload } from '../../core/payload.ts';
import type { Era } from '../../core/rpc.ts';
import type { Upstream } from '../../core/upstream.ts';
import { invalidParams, methodNotFound } from '../../session/rpc-failure.ts';
import { settled } from '../../session/settled.ts';
import type { Surface, SurfaceRequest } from '../../session/surface.ts';
import { LongCalls, type LongCallTimes, textAnswer } from './long-calls.ts';
import type { Messages } from './messages.ts';
import { withinLimit } from './result-limit.ts';
import type { ShapedTool, ToolList, ToolTable } from './tool-list.ts';

export interface Violation {
  path: string;
  expected: string;
  got: string;
}

export interface ShapingDeps {
  surface(view: string): Surface | undefined;
  upstreams(): readonly Upstream[];
  /** A tool of a view that waits for approval, by its exposed name (10.21). */
  held?(view: string, exposed: string): HeldEntry | undefined;
  /** What is wrong with the arguments of a call (requirements 10.19); empty when nothing is, or nobody checks. */
  validate(tool: ToolEntry, args: JsonObject): Promise<readonly Violation[]>;
}

export interface Shape {
  view: string;
  list: ToolList;
  longTool: LongCallTimes & { enabled: boolean };
  maxResult: number;
  onLost: 'finish' | 'cancel';
  /** Whether list_changed is sent. */
  notifies: boolean;
  messages: Messages;
}

/** How long a standby that stood down still answers calls that were on their way, in milliseconds. */
const GRACE = 15_000;

export class EndpointSurface implements Surface {
  readonly #deps: ShapingDeps;
  readonly #longCalls: LongCalls;
  readonly #listeners = new Set<(kinds: readonly ListKind[]) => void>();
  readonly #relisted: () => void;
  #shape: Shape;
  #serving: boolean;
  #servedUntil = Number.NEGATIVE_INFINITY;
  #shown = '';
  #detach: (() => void) | undefined;
  #losing = false;
  #inFlight = 0;
  #calls = 0;
  #whenIdle: (() => void)[] = [];

  /** `relisted` is called when the catalogue gave the endpoint another list; not on promotion. */
  constructor(shape: Shape, serving: boolean, deps: ShapingDeps, relisted: () => void) {
    this.#shape = shape;
    this.#relisted = relisted;
    this.#serving = serving;
    this.#deps = deps;
    this.#longCalls = new LongCalls(shape.longTool, shape.messages);
    this.attach();
  }

  get name(): string {
    return this.#shape.view;
  }

  get serving(): boolean {
    return this.#serving;
  }

  table(): ToolTable {
    return this.#shape.list.table();
  }

  /** Calls that were not answered yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get calls(): number {
    return this.#calls;
  }

  /** Late results that are kept or still awaited. */
  get tasks(): number {
    return this.#longCalls.size;
  }

  /** Looks at the view anew: it may be another object after a change of the configuration. */
  attach(): void {
    this.#detach?.();
    this.#detach = this.#deps.surface(this.#shape.view)?.onListChange((kinds) => {
      if (kinds.includes('tools') && this.#changed()) this.#relisted();
    });
    this.#changed();
  }

  /** Takes other settings over without a new connection. */
  reshape(shape: Shape): void {
    this.#shape = shape;
    this.#longCalls.configure(shape.longTool, shape.messages);
    const before = this.#shown;
    this.attach();
    if (this.#shown !== before) this.#relisted();
  }

  /** A standby is promoted, or stands down: its list is what tells the peer. */
  serve(serving: boolean): void {
    if (this.#serving && !serving) this.#servedUntil = performance.now() + GRACE;
    this.#serving = serving;
    this.#changed();
  }

  /** Runs `close`, which ends a lost connection: what becomes of its calls is up to `onLost`. */
  lose(close: () => void): void {
    this.#losing = true;
    try {
      close();
    } finally {
      this.#losing = false;
    }
  }

  /** Resolves once no call is under way. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  close(): void {
    this.#detach?.();
    this.#listeners.clear();
    this.#longCalls.close();
  }

  instructions(): undefined {
    return undefined;
  }

  /** What a Xiaozhi client is told (D-24): tools, and that their list may change. */
  capabilities(): JsonObject {
    return { tools: { listChanged: true }, logging: {} };
  }

  list(kind: ListKind, cursor: string | undefined, era: Era): Payload | undefined {
    if (kind !== 'tools') throw methodNotFound(`${kind}/list`);
    return this.#shape.list.page(cursor, era, !this.#serving);
  }

  async call(request: SurfaceRequest, context: CallContext): Promise<UpstreamAnswer> {
    if (request.method !== 'tools/call') throw methodNotFound(request.method);
    this.#inFlight++;
    this.#calls++;
    const work = new AbortController();
    const left = () => {
      if (!this.#losing || this.#shape.onLost === 'cancel') work.abort(context.signal.reason);
    };
    if (context.signal.aborted) left();
    context.signal.addEventListener('abort', left, { once: true });
    try {
      return await this.#call(request, context, work.signal);
    } finally {
      context.signal.removeEventListener('abort', left);
      this.#inFlight--;
      if (this.#inFlight === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    }
  }

  async #call(request: SurfaceRequest, context: CallContext, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { view, list, longTool, messages } = this.#shape;
    const { name } = request.params;
    if (typeof name !== 'string') throw invalidParams('params.name must be a string');
    if (!this.#serving && performance.now() > this.#servedUntil) return textAnswer(messages.standby, true);
    // Some models write null where there is nothing to say.
    const args = request.params.arguments ?? {};
    if (!isObject(args)) {
      const got = Array.isArray(args) ? 'array' : typeof args;
      return textAnswer(describe(name, [{ path: '', expected: 'object', got }]), true);
    }
    const { fetchTool } = list.table();
    if (fetchTool !== undefined && name === fetchTool) {
      return this.#longCalls.fetch(String(args.task ?? '').trim(), fetchTool, signal);
    }
    const tool = await this.#find(name, { ...context, signal });
    const wrong = tool.entry === undefined ? [] : await this.#deps.validate(tool.entry, args);
    if (wrong.length > 0) return textAnswer(describe(name, wrong), true);
    const below = this.#deps.surface(view);
    if (below === undefined) throw new GatewayFault('UPSTREAM_UNKNOWN', `there is no view ${JSON.stringify(view)}`);
    const start = async (inner: AbortSignal, listening: () => boolean): Promise<UpstreamAnswer> => {
      // The peer can be asked nothing: a relay drops what it cannot route, and the question would hang (D-26).
      const { ask: _, ...rest } = context;
      const quiet: CallContext = {
        ...rest,
        signal: inner,
        notify: (notification) => {
          if (listening()) context.notify?.(notification);
        },
      };
      const params = { ...request.params, name: tool.exposed, arguments: args };
      return this.#cut(await below.call({ ...request, params }, quiet));
    };
    if (!longTool.enabled || fetchTool === undefined) return start(signal, () => true);
    return this.#longCalls.run(name, request.exactArguments ?? args, fetchTool, signal, start);
  }

  /** The tool of a name, now or once the upstreams that may bring it have come up (10.15). @throws GatewayFault */
  async #find(name: string, context: CallContext): Promise<ShapedTool> {
    const look = () => this.#shape.list.table().byName.get(name);
    let found = look();
    const refusals =
      found === undefined ? await settled(this.#deps.upstreams(), context, () => look() !== undefined) : [];
    found ??= look();
    if (found !== undefined) return found;
    const refusal = refusals.find(({ upstream = '' }) => name.startsWith(`${upstream}__`));
    if (refusal !== undefined) throw refusal;
    const { view } = this.#shape;
    const held = this.#deps.held?.(this.#deps.surface(view)?.name ?? view, name);
    if (held !== undefined) throw heldFault(held.upstream, held.name, held.why, context.id);
    const near = nearest(name, [...this.#shape.list.table().byName.keys()]);
    const meant = near.length === 0 ? '' : `; did you mean ${near.map((one) => JSON.stringify(one)).join(' or ')}?`;
    throw new GatewayFault('TOOL_UNKNOWN', `Unknown tool: ${name}${meant}`, {
      correlationId: context.id,
      data: { near },
    });
  }

  #cut(answer: UpstreamAnswer): UpstreamAnswer {
    if ('error' in answer) return answer;
    const { maxResult, messages } = this.#shape;
    return { ...answer, result: withinLimit(answer.result, maxResult, messages) };
  }

  headerParams(): undefined {
    return undefined;
  }

  async subscribe(): Promise<void> {
    throw methodNotFound('resources/subscribe');
  }

  async unsubscribe(): Promise<void> {}

  /** Told only when the list that the endpoint sees is another one. */
  onListChange(listener: (kinds: readonly ListKind[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing that belongs to no call of its own: it may come from an upstream that it must not see. */
  onNotification(): () => void {
    return () => undefined;
  }

  /** Tells the peer if what it sees is another list; whether it is. */
  #changed(): boolean {
    const shown = this.#serving ? this.#shape.list.table().digest : '';
    if (shown === this.#shown) return false;
    this.#shown = shown;
    if (this.#shape.notifies) for (const listener of [...this.#listeners]) listener(['tools']);
    return true;
  }
}

function describe(tool: string, violations: readonly Violation[]): string {
  const places = violations.map(
    ({ path, expected, got }) => `- ${path === '' ? 'arguments' : path}: expected ${expected}, got ${got}`,
  );
  return [`The arguments of ${tool} are not valid:`, ...places].join('\n');
}
