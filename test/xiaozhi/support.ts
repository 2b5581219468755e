// A face with tools of its own in place of a fleet, and what happens in it.

import { type EndpointConfig, finishEndpoints } from '../../src/config/schema-endpoint.ts';
import type { ListKind, ToolEntry } from '../../src/core/catalog.ts';
import type { CallContext } from '../../src/core/context.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import { globMatches } from '../../src/core/glob.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { UpstreamAnswer } from '../../src/core/outcome.ts';
import { Payload } from '../../src/core/payload.ts';
import { type XiaozhiDeps, XiaozhiFace } from '../../src/faces/xiaozhi/endpoint-manager.ts';
import type { Surface, SurfaceRequest } from '../../src/session/surface.ts';

export type Run = (args: JsonObject, context: CallContext) => Promise<string> | string;

export function answerOf(result: JsonObject): UpstreamAnswer {
  return { result: Payload.of(result), era: 'legacy', timing: { attempts: 1, queue: 0, connect: 0, upstream: 0 } };
}

/** A view whose tools are functions. */
export class ToyView implements Surface {
  readonly name: string;
  #tools = new Map<string, { entry: ToolEntry; run: Run }>();
  #page: Payload | undefined;
  readonly #listeners = new Set<(kinds: readonly ListKind[]) => void>();
  /** Names called, in order. */
  readonly called: string[] = [];

  constructor(name = 'passthrough') {
    this.name = name;
  }

  tool(
    name: string,
    run: Run = () => `${name} says hello`,
    more: { upstream?: string; definition?: JsonObject } = {},
  ): this {
    const upstream = more.upstream ?? 'toy';
    const exposed = upstream === 'toy' ? name : `${upstream}__${name}`;
    const definition = { name: exposed, description: name, inputSchema: { type: 'object' }, ...more.definition };
    this.#tools.set(exposed, { entry: { upstream, name, shown: name, exposed, definition, safety: 'write' }, run });
    return this.#changed();
  }

  remove(exposed: string): this {
    this.#tools.delete(exposed);
    return this.#changed();
  }

  #changed(): this {
    this.#page = undefined;
    for (const listener of [...this.#listeners]) listener(['tools']);
    return this;
  }

  entry(exposed: string): ToolEntry | undefined {
    return this.#tools.get(exposed)?.entry;
  }

  /** Sessions and endpoints that listen to it. */
  get listeners(): number {
    return this.#listeners.size;
  }

  instructions(): undefined {
    return undefined;
  }

  capabilities(): JsonObject {
    return { tools: {} };
  }

  list(): Payload {
    this.#page ??= Payload.of({ tools: [...this.#tools.values()].map(({ entry }) => entry.definition) });
    return this.#page;
  }

  async call({ params }: SurfaceRequest, context: CallContext): Promise<UpstreamAnswer> {
    this.called.push(String(params.name));
    const text = await this.#tools.get(String(params.name))?.run((params.arguments ?? {}) as JsonObject, context);
    return answerOf({ content: [{ type: 'text', text: text ?? 'no such tool' }] });
  }

  headerParams(): undefined {
    return undefined;
  }

  async subscribe(): Promise<void> {}

  async unsubscribe(): Promise<void> {}

  onListChange(listener: (kinds: readonly ListKind[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onNotification(): () => void {
    return () => undefined;
  }
}

export interface Rig {
  face: XiaozhiFace;
  view: ToyView;
  events: GatewayEvent[];
  /** The next event that matches. */
  event(matches: (event: GatewayEvent) => boolean): Promise<GatewayEvent>;
  warnings(): string[];
}

const VIEWS = new Map([
  ['passthrough', 'passthrough'],
  ['converged', 'converged'],
  ['other', 'passthrough'],
] as const);

/** Endpoints as the configuration makes them. */
export function configured(endpoints: unknown, endpointDefaults: JsonObject = {}): EndpointConfig[] {
  const finished = finishEndpoints({ endpoints, endpointDefaults } as JsonObject, VIEWS);
  if (finished.problems.length > 0) throw new Error(finished.problems.map(({ message }) => message).join('; '));
  return finished.endpoints;
}

/** A face that is started with these endpoints. */
export function rig(endpoints: unknown, endpointDefaults: JsonObject = {}, deps: Partial<XiaozhiDeps> = {}): Rig {
  const view = new ToyView().tool('hello');
  const stream = new EventStream();
  const events: GatewayEvent[] = [];
  const waiting = new Set<(event: GatewayEvent) => void>();
  stream.subscribe((event) => {
    events.push(event);
    for (const tell of [...waiting]) tell(event);
  });
  const face = new XiaozhiFace({
    surface: (name) => (name === 'passthrough' ? view : undefined),
    tool: (_, exposed) => view.entry(exposed),
    matches: globMatches,
    upstreams: () => [],
    validate: async () => [],
    identity: { name: 'holdfast', title: 'Holdfast', version: '0' },
    limits: { body: 4_000_000, depth: 64 },
    locale: () => 'auto',
    events: stream,
    ...deps,
  });
  face.apply(configured(endpoints, endpointDefaults));
  face.start();
  return {
    face,
    view,
    events,
    event: (matches) =>
      new Promise((resolve) => {
        const tell = (event: GatewayEvent) => {
          if (!matches(event)) return;
          waiting.delete(tell);
          resolve(event);
        };
        waiting.add(tell);
      }),
    warnings: () => events.flatMap((event) => (event.type === 'log' && event.level === 'warn' ? [event.text] : [])),
  };
}

export const isState = (to: string, endpoint?: string) => (event: GatewayEvent) =>
  event.type === 'endpoint.state' && event.to === to && (endpoint === undefined || event.endpoint === endpoint);

/** Waits of a face that tests do not want to wait for. */
export const QUICK: JsonObject = { reconnect: { baseDelay: '20ms', maxDelay: '60ms', stableAfter: '50ms' } };
