// Operations over upstreams that are only described: for synthetic series and shapes.
import { parseConfig } from '../../../src/config/load.ts';
import type { Config, ConfigInput } from '../../../src/config/schema.ts';
import { secretsOf } from '../../../src/config/secrets.ts';
import { type CallFinished, EventStream, type GatewayEvent } from '../../../src/core/events.ts';
import type { GroupUsage, StateDocuments } from '../../../src/core/ports.ts';
import { createRedactor } from '../../../src/core/redact.ts';
import {
  NO_FACTS,
  NO_LISTS,
  type Upstream,
  type UpstreamFacts,
  type UpstreamState,
} from '../../../src/core/upstream.ts';
import { createOperations, type Operations, type OperationsDeps } from '../../../src/operations/operations.ts';

export function configOf(input: ConfigInput): Config {
  const parsed = parseConfig(input, { env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

export interface FakeUpstream extends Upstream {
  state: UpstreamState;
  known: UpstreamFacts;
}

export function fakeUpstream(name: string, known: Partial<UpstreamFacts> = {}): FakeUpstream {
  const facts: UpstreamFacts = { ...NO_FACTS, connects: 1, ...known };
  const refuse = (): never => {
    throw new Error('not in this test');
  };
  return {
    name,
    state: { state: 'ready', since: Date.now() },
    identity: undefined,
    lists: NO_LISTS,
    known: facts,
    facts: () => facts,
    call: refuse,
    whenUp: refuse,
    subscribe: refuse,
    unsubscribe: refuse,
    onNotification: () => () => undefined,
    onChange: () => () => undefined,
    start: refuse,
    stop: refuse,
    restart: refuse,
  };
}

export function memoryDocuments(path = '/nowhere'): StateDocuments & { kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    path,
    writable: false,
    kept,
    read: <T>(name: string) => structuredClone(kept.get(name)) as T | undefined,
    save: (name, read) => void kept.set(name, structuredClone(read())),
    failed: () => false,
    well: () => undefined,
  };
}

export interface Bench {
  operations: Operations;
  events: EventStream;
  upstreams: FakeUpstream[];
  usage: Map<number, GroupUsage>;
  restarted: string[];
  seen: GatewayEvent[];
  documents: ReturnType<typeof memoryDocuments>;
  config: Config;
  reconfigure(input: ConfigInput): void;
}

export function startBench(input: ConfigInput, more: Partial<OperationsDeps> = {}): Bench {
  const events = new EventStream();
  const seen: GatewayEvent[] = [];
  events.subscribe((event) => {
    if (event.type !== 'call.finished') seen.push(event);
  });
  const bench = {
    events,
    seen,
    upstreams: [] as FakeUpstream[],
    usage: new Map<number, GroupUsage>(),
    restarted: [] as string[],
    documents: memoryDocuments(),
    config: configOf(input),
  };
  bench.upstreams = Object.keys(bench.config.upstreams).map((name) => fakeUpstream(name));
  const operations = createOperations({
    events,
    version: '1.2.3',
    config: () => bench.config,
    configState: () => ({ version: 1 }),
    upstreams: () => bench.upstreams,
    documents: bench.documents,
    notes: [],
    redact: createRedactor(() => secretsOf(bench.config)),
    usage: async () => bench.usage,
    inFlight: () => 0,
    restart: (name) => void bench.restarted.push(name),
    ...more,
  });
  return Object.assign(bench, {
    operations,
    reconfigure(next: ConfigInput) {
      bench.config = configOf(next);
      operations.update();
    },
  });
}

/** The page that Prometheus reads. */
export async function exposition(operations: Operations, openMetrics = false): Promise<{ type: string; text: string }> {
  const { type, parts } = await operations.exposition(openMetrics);
  return { type, text: Buffer.concat(parts).toString() };
}

let calls = 0;
export function call(of: Partial<CallFinished> = {}): CallFinished {
  return {
    type: 'call.finished',
    id: `00000000-0000-4000-8000-${String(++calls).padStart(12, '0')}`,
    face: 'mcp',
    principal: 'local',
    client: 'inspector 1.0',
    upstream: 'a',
    method: 'tools/call',
    subject: 'echo',
    outcome: 'result',
    attempts: 1,
    queue: 0,
    upstreamTime: 2,
    total: 3,
    bytes: 100,
    ...of,
  };
}
