// Makes one upstream by itself, as the gateway would, for tests of src/upstream.
import { fileURLToPath } from 'node:url';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { upstreamSchema } from '../../src/config/schema-upstream.ts';
import type { CallContext } from '../../src/core/context.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import type { UpstreamAnswer } from '../../src/core/outcome.ts';
import type { Upstream, UpstreamState } from '../../src/core/upstream.ts';
import { StartSlots } from '../../src/resilience/start-slots.ts';
import type { EraMemory, EraVerdict } from '../../src/upstream/connect.ts';
import { createAnyUpstream } from '../../src/upstream/create.ts';
import type { ReconfigurableUpstream, UpstreamDeps } from '../../src/upstream/upstream.ts';

export const PLAIN = fileURLToPath(new URL('../servers/plain/stdio.mjs', import.meta.url));

/** A complete configuration of one upstream from what a person would write. */
export function upstreamConfig(written: Record<string, unknown>): UpstreamConfig {
  const config = upstreamSchema.parse(written);
  const transport = config.transport === 'auto' && config.url === undefined ? 'stdio' : config.transport;
  return { ...config, transport, unresolved: [], invalid: [], secrets: [] };
}

export interface UnderTest {
  upstream: ReconfigurableUpstream;
  events: GatewayEvent[];
  memory: Map<string, EraVerdict>;
  /** Calls a tool; the context can be changed. */
  tool(name: string, args?: Record<string, unknown>, context?: Partial<CallContext>): Promise<UpstreamAnswer>;
  /** The text of a tool's first content block. */
  text(name: string, args?: Record<string, unknown>, context?: Partial<CallContext>): Promise<string>;
  reached(...states: UpstreamState['state'][]): Promise<UpstreamState>;
  stop(): Promise<void>;
}

export function mapMemory(verdicts = new Map<string, EraVerdict>()): EraMemory {
  return {
    get: (name) => verdicts.get(name),
    set: (name, verdict) => {
      if (verdict === undefined) verdicts.delete(name);
      else verdicts.set(name, verdict);
    },
  };
}

export function upstreamUnderTest(written: Record<string, unknown>, deps: Partial<UpstreamDeps> = {}): UnderTest {
  const stream = new EventStream();
  const events: GatewayEvent[] = [];
  stream.subscribe((event) => events.push(event));
  const memory = new Map<string, EraVerdict>();
  const upstream = createAnyUpstream('u', upstreamConfig(written), {
    events: stream,
    startSlots: new StartSlots(4),
    eraMemory: mapMemory(memory),
    clientInfo: { name: 'holdfast', version: '0' },
    ...deps,
  });
  const tool: UnderTest['tool'] = (name, args = {}, context = {}) =>
    upstream.call(
      { method: 'tools/call', params: { name, arguments: args }, subject: name, safety: 'write' },
      callContext(context),
    );
  return {
    upstream,
    events,
    memory,
    tool,
    text: async (name, args, context) => textOf(await tool(name, args, context)),
    reached: (...states) => stateOf(upstream, states),
    stop: () => upstream.stop({ drain: 0, reason: 'shutdown' }),
  };
}

/** A started server of test/servers/plain with these flags. */
export function plain(flags: string[] = [], more: Record<string, unknown> = {}, deps: Partial<UpstreamDeps> = {}) {
  const made = upstreamUnderTest({ command: process.execPath, args: [PLAIN, ...flags], ...more }, deps);
  made.upstream.start();
  return made;
}

export function textOf(answer: UpstreamAnswer): string {
  if ('error' in answer) throw new Error(`answered ${answer.error.code} ${answer.error.message}`);
  const [first] = answer.result.value.content as { text: string }[];
  return first?.text ?? '';
}

let calls = 0;
export function callContext(context: Partial<CallContext> = {}): CallContext {
  return {
    id: `call-${++calls}`,
    face: 'mcp',
    principal: { id: 'local', roles: ['read', 'call'] },
    client: { era: 'legacy', revision: '2025-11-25', capabilities: {}, info: { name: 'test' }, key: 'test' },
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    ...context,
  };
}

/** Resolves once the upstream is in one of these states; rejects after ten seconds. */
export function stateOf(upstream: Upstream, states: readonly string[]): Promise<UpstreamState> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!states.includes(upstream.state.state)) return;
      clearTimeout(timer);
      stop();
      resolve(upstream.state);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`still ${JSON.stringify(upstream.state)} instead of ${states.join(' or ')}`));
    }, 10_000);
    const stop = upstream.onChange(look);
    look();
  });
}
