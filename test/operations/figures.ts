// What watching costs in the gateway's own process, without the noise of a network: time of a call's event, memory of
// everything that is kept at its limits, time of the pages with 100 upstreams. Run by `npm run figures:operations`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryDocuments, startBench } from './support/fixture.ts';

const UPSTREAMS = 100;
const TOOLS = 20;
const SAMPLES = 1000;
const EVENTS = 200_000;

const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const print = (name: string, value: string, goal = ''): void =>
  void process.stdout.write(`${name.padEnd(72)} ${value.padStart(12)}  ${goal}\n`);

function held(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** CPU time in milliseconds: what the rest of the machine does hardly moves it. */
function cpu(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

const names = Array.from({ length: UPSTREAMS }, (_, n) => `server-${n}`);
const folder = mkdtempSync(join(tmpdir(), 'figures-'));
const config = (watched: boolean) => ({
  upstreams: Object.fromEntries(names.map((name) => [name, { command: 'x' }])),
  monitor: { enabled: watched },
  storage: { callLog: { enabled: watched, file: join(folder, 'calls.jsonl') } },
});

let serial = 0;
function event() {
  const n = serial++;
  const failed = n % 50 === 0;
  return {
    type: 'call.finished' as const,
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    face: 'mcp' as const,
    principal: 'local',
    client: 'bench 1.0',
    upstream: names[n % UPSTREAMS] as string,
    method: 'tools/call',
    subject: `tool-${Math.floor(n / UPSTREAMS) % TOOLS}`,
    outcome: failed ? ('fault' as const) : ('result' as const),
    ...(failed && { fault: 'UPSTREAM_TIMEOUT' as const }),
    attempts: 1,
    queue: 0.1,
    upstreamTime: 2 + (n % 7),
    total: 3 + (n % 11),
    bytes: 200,
  };
}

/** Microseconds of one event, made and told. `emit` may do nothing: what making it costs. */
function perEvent(emit: (one: ReturnType<typeof event>) => void): number {
  const rounds = Array.from({ length: 7 }, () => {
    const ms = cpu(() => {
      for (let n = 0; n < EVENTS; n++) emit(event());
    });
    return (ms * 1000) / EVENTS;
  });
  return median(rounds.slice(2));
}

const bench = startBench(config(true), { documents: { ...memoryDocuments(folder), writable: true } });
const empty = held();
for (let n = 0; n < UPSTREAMS * TOOLS + 6000; n++) bench.events.emit(event());
for (let n = 0; n < SAMPLES; n++) await bench.operations.look();
await new Promise((resolve) => setTimeout(resolve, 1500));
const full = held();
print(
  `memory: ${UPSTREAMS} upstreams, ${SAMPLES} samples each, 5,000 calls, ${UPSTREAMS * TOOLS} tools`,
  megabytes(full - empty),
  'goal < 10 MB',
);

const pages: Record<string, () => unknown> = {
  overview: () => bench.operations.overview(),
  'figures of every upstream': () => names.map((name) => bench.operations.figuresOf(name)),
  metrics: () => bench.operations.metrics(),
  exposition: () => bench.operations.exposition(false),
  diagnostics: () => bench.operations.diagnostics(),
  status: () => bench.operations.status(),
};
for (const [name, make] of Object.entries(pages)) {
  const times = Array.from({ length: 21 }, () =>
    cpu(() => {
      for (let n = 0; n < 5; n++) JSON.stringify(make());
    }),
  );
  print(
    `time of ${name}, ${UPSTREAMS} upstreams, ${SAMPLES} samples each`,
    `${(median(times) / 5).toFixed(1)} ms`,
    'goal < 50 ms',
  );
}
const looks = process.cpuUsage();
for (let n = 0; n < 20; n++) await bench.operations.look();
const looked = process.cpuUsage(looks);
print(
  `a look at all processes and a judgement of all rules, ${UPSTREAMS} upstreams`,
  `${((looked.user + looked.system) / 20_000).toFixed(1)} ms`,
);

let sink = 0;
const made = perEvent((one) => {
  sink += one.total;
});
const on = perEvent((one) => bench.events.emit(one));
await bench.operations.close();
const off = startBench(config(false));
const counters = perEvent((one) => off.events.emit(one));
await off.operations.close();
print('a call: counters', `${(counters - made).toFixed(2)} µs`);
print('a call: counters, history and its line on disk', `${(on - made).toFixed(2)} µs`, sink > 0 ? '' : '!');
rmSync(folder, { recursive: true, force: true });
