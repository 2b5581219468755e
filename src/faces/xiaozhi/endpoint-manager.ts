// The Xiaozhi face: all endpoints of the configuration, dialled at the same time and independent of each other
// (D-06, D-07, D-09), with their groups.
import { createHash } from 'node:crypto';
import type { EndpointConfig } from '../../config/schema-endpoint.ts';
import type { ToolEntry } from '../../core/catalog.ts';
import type { EventStream } from '../../core/events.ts';
import type { Lease } from '../../core/shared.ts';
import type { GatewayIdentity } from '../../session/protocol.ts';
import type { Surface } from '../../session/surface.ts';
import { dialSocket } from '../../wire/websocket.ts';
import { Endpoint, type EndpointDeps, type EndpointStatus } from './endpoint.ts';
import { Group } from './group.ts';
import { type Language, languageOf, messagesOf } from './messages.ts';
import { Spread } from './spread.ts';
import { readToken } from './token.ts';
import { ToolList, type ToolListDeps, type ToolListOptions } from './tool-list.ts';
import { EndpointSurface, type Shape, type ShapingDeps } from './tool-shaping.ts';

export interface XiaozhiDeps extends ToolListDeps, ShapingDeps {
  surface(view: string): Surface | undefined;
  tool(view: string, exposed: string): ToolEntry | undefined;
  identity: GatewayIdentity;
  limits: { body: number; depth: number };
  /** `locale` of the configuration. */
  locale(): 'auto' | Language;
  events: EventStream;
  /** Of all that may dial one endpoint one may (F-R3): a share in the lease of this name. */
  lease?: ((name: string) => Lease | undefined) | undefined;
  /** For tests: how a socket is dialled, and [0, 1). */
  dial?: EndpointDeps['dial'] | undefined;
  random?: (() => number) | undefined;
}

/** A change of these needs a new connection; everything else is taken over. */
const BOUND: readonly (keyof EndpointConfig)[] = ['url', 'tls', 'enabled', 'health', 'role', 'standby'];
/** Changes of the catalogue within this are told by one new connection, in milliseconds. */
const REDIAL_AFTER = 2_000;

export class XiaozhiFace {
  readonly #deps: XiaozhiDeps;
  readonly #random: () => number;
  readonly #spread = new Spread();
  readonly #lists = new Map<string, ToolList>();
  readonly #groups = new Map<string, Group>();
  readonly #redials = new Map<Endpoint, NodeJS.Timeout>();
  readonly #closing = new Set<Promise<void>>();
  #members = new Map<string, Endpoint>();
  /** Added while running, beside those of the configuration. */
  #added: readonly EndpointConfig[] = [];
  #configured: readonly EndpointConfig[] = [];
  #started = false;
  #closed = false;

  constructor(deps: XiaozhiDeps) {
    this.#deps = deps;
    this.#random = deps.random ?? Math.random;
  }

  /** Dials every endpoint, all at once (D-06). */
  start(): void {
    this.#started = true;
    for (const endpoint of this.#members.values()) this.#begin(endpoint);
  }

  /** Takes another set of endpoints; those that stay the same are not touched (D-09). */
  apply(endpoints: readonly EndpointConfig[]): void {
    this.#configured = endpoints;
    this.#reconcile();
  }

  /** Adds one while running, until the next `remove` or the end. Gives its name. */
  add(config: EndpointConfig): string {
    this.#added = [...this.#added, config];
    this.#reconcile();
    return [...this.#members.values()].find((endpoint) => endpoint.config === config)?.name ?? '';
  }

  /** Ends one, after its calls in flight. False where there is none of this name. */
  async remove(name: string): Promise<boolean> {
    const endpoint = this.#members.get(name);
    if (endpoint === undefined) return false;
    this.#added = this.#added.filter((config) => config !== endpoint.config);
    this.#configured = this.#configured.filter((config) => config !== endpoint.config);
    this.#reconcile();
    await Promise.all(this.#closing);
    return true;
  }

  /** Dials one now, whatever it waits for. False where there is none of this name. */
  connect(name: string): boolean {
    const endpoint = this.#members.get(name);
    endpoint?.connect();
    return endpoint !== undefined;
  }

  /** Disconnects one until `connect`. False where there is none of this name. */
  async disconnect(name: string): Promise<boolean> {
    const endpoint = this.#members.get(name);
    await endpoint?.disconnect();
    return endpoint !== undefined;
  }

  status(): EndpointStatus[] {
    return [...this.#members.values()].map((endpoint) => endpoint.status());
  }

  /** Where those of the configuration stand in its list, by name. */
  places(): Map<string, number> {
    const own = [...this.#members].filter(([, { config }]) => this.#configured.includes(config));
    return new Map(own.map(([name, { config }]) => [name, config.place]));
  }

  /** Name of the active endpoint that has this address. */
  at(url: string): string | undefined {
    return [...this.#members.values()].find(({ config }) => config.role === 'active' && config.url === url)?.name;
  }

  /** Names of endpoints that are connected, introduced and well (D-03 getHealthyConnections). */
  healthy(): string[] {
    return [...this.#members.values()].filter(({ healthy }) => healthy).map(({ name }) => name);
  }

  isAnyConnected(): boolean {
    return [...this.#members.values()].some(({ connected }) => connected);
  }

  /** Ends all of them at the same time; calls in flight are given `drain` milliseconds. */
  async close(drain: number): Promise<void> {
    this.#closed = true;
    for (const timer of this.#redials.values()) clearTimeout(timer);
    for (const group of this.#groups.values()) group.close();
    const ends = [...this.#members.values()].map((endpoint) => endpoint.close(drain));
    await Promise.all([...ends, ...this.#closing]);
  }

  #begin(endpoint: Endpoint): void {
    const { role, standby } = endpoint.config;
    if (role === 'active' || standby === 'warm' || endpoint.surface.serving) endpoint.connect();
  }

  #reconcile(): void {
    const wanted = named([...this.#configured, ...this.#added]);
    const old = this.#members;
    this.#members = new Map();
    this.#lists.clear();
    for (const [name, config] of wanted) {
      const before = old.get(name);
      if (before !== undefined && BOUND.every((key) => same(before.config[key], config[key]))) {
        // What it stands in for is another group's matter now.
        if (config.role === 'standby' && config.group !== before.config.group) before.surface.serve(false);
        before.configure(config);
        before.surface.reshape(this.#shape(config));
        this.#members.set(name, before);
        continue;
      }
      const made = this.#make(name, config);
      this.#members.set(name, made);
      // The same agent has one place: the old connection leaves it before the new one comes (D-26).
      const left = before === undefined ? Promise.resolve() : this.#end(before);
      void left.then(() => {
        if (this.#started && !this.#closed && this.#members.get(name) === made) this.#begin(made);
      });
    }
    for (const [name, endpoint] of old) if (!wanted.has(name)) void this.#end(endpoint);
    this.#regroup();
  }

  #end(endpoint: Endpoint): Promise<void> {
    clearTimeout(this.#redials.get(endpoint));
    this.#redials.delete(endpoint);
    const end = endpoint.close(endpoint.config.timeouts.drain).finally(() => this.#closing.delete(end));
    this.#closing.add(end);
    return end;
  }

  #make(name: string, config: EndpointConfig): Endpoint {
    const relisted = () => this.#listChanged(endpoint);
    const surface = new EndpointSurface(this.#shape(config), config.role === 'active', this.#deps, relisted);
    const endpoint: Endpoint = new Endpoint(name, config, surface, {
      dial: this.#deps.dial ?? dialSocket,
      identity: this.#deps.identity,
      limits: this.#deps.limits,
      events: this.#deps.events,
      random: this.#random,
      lease: this.#deps.lease?.(leaseName(config)),
      spread: (baseDelay) => this.#spread.next(name, performance.now(), baseDelay, this.#random),
      changed: ({ config: { group } }) => {
        if (group !== undefined && this.#started && !this.#closed) this.#groups.get(group)?.evaluate();
      },
    });
    return endpoint;
  }

  #listChanged(endpoint: Endpoint): void {
    if (endpoint.config.onChange === 'notify' || !endpoint.connected || this.#closed) return;
    clearTimeout(this.#redials.get(endpoint));
    const timer = setTimeout(
      () => {
        this.#redials.delete(endpoint);
        void endpoint.redial();
      },
      REDIAL_AFTER * (1 + this.#random()),
    );
    timer.unref();
    this.#redials.set(endpoint, timer);
  }

  #regroup(): void {
    const members = new Map<string, Endpoint[]>();
    for (const endpoint of this.#members.values()) {
      const { group } = endpoint.config;
      if (group !== undefined) members.set(group, [...(members.get(group) ?? []), endpoint]);
    }
    for (const [name, group] of this.#groups) {
      if (members.has(name)) continue;
      group.close();
      this.#groups.delete(name);
    }
    for (const [name, list] of members) {
      const group = this.#groups.get(name) ?? new Group(name, { events: this.#deps.events, random: this.#random });
      this.#groups.set(name, group);
      group.setMembers(list, this.#started);
    }
  }

  #shape(config: EndpointConfig): Shape {
    const messages = messagesOf(languageOf(config.locale, this.#deps.locale()));
    const { view, tools, maxTools, maxBytes, pageSize, longTool, maxResult, onLost } = config;
    const options = { view, tools, maxTools, maxBytes, pageSize, longTool: longTool.enabled, messages };
    const notifies = config.onChange !== 'redial';
    return { view, longTool, maxResult, onLost, notifies, messages, list: this.#list(options) };
  }

  /** One list for all endpoints that are shaped alike. */
  #list(options: ToolListOptions): ToolList {
    const key = JSON.stringify(options);
    const list = this.#lists.get(key) ?? new ToolList(options, this.#deps);
    this.#lists.set(key, list);
    return list;
  }
}

/** Every endpoint by its name: its own, else what its token says, else its host; numbered where it is taken. */
function named(configs: readonly EndpointConfig[]): Map<string, EndpointConfig> {
  const result = new Map<string, EndpointConfig>();
  // Names that somebody chose come first, so that nobody else's takes them.
  const chosen = new Set(configs.flatMap(({ name }) => name ?? []));
  const taken = (name: string) => result.has(name) || chosen.has(name);
  for (const config of configs) {
    const wanted = config.name ?? derivedName(config.url);
    let name = wanted;
    for (let number = 2; config.name === undefined ? taken(name) : result.has(name); number++)
      name = `${wanted}-${number}`;
    result.set(name, config);
  }
  return result;
}

/** A group is one gateway's, as its members stand in for each other; else the address decides. Tokens stay secret. */
function leaseName({ group, url }: EndpointConfig): string {
  return group === undefined
    ? `endpoint:${createHash('sha256').update(url).digest('hex').slice(0, 24)}`
    : `endpoints:${group}`;
}

function derivedName(url: string): string {
  const { endpointId, agent } = readToken(url);
  const known = endpointId ?? (agent === undefined ? undefined : `agent_${agent}`);
  return known ?? `${new URL(url).hostname}-${createHash('sha256').update(url).digest('hex').slice(0, 6)}`;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
