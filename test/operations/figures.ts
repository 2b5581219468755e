// What watching costs in the gateway's own process, without the noise of a network: time of a call's event, memory of
// everything that is kept at its limits, time of the pages with 100 upstreams. Run by `npm run figures:operations`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
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

/** CPU time in milliseconds since `before`: what the rest of the machine does hardly moves it. */
function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function cpu(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  return since(before);
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
await setTimeout(1500);
const full = held();
print(
  `memory: ${UPSTREAMS} upstreams, ${SAMPLES} samples each, 5,000 calls, ${UPSTREAMS * TOOLS} tools`,
  megabytes(full - empty),
  'goal < 10 MB',
);

const pages: Record<string, () => unknown> = {
  overview: () => JSON.stringify(bench.operations.overview()),
  'figures of every upstream': () => JSON.stringify(names.map((name) => bench.operations.figuresOf(name))),
  metrics: () => JSON.stringify(bench.operations.metrics()),
  exposition: () => bench.operations.exposition(false),
  diagnostics: () => JSON.stringify(bench.operations.diagnostics()),
  status: () => JSON.stringify(bench.operations.status()),
};
for (const [name, make] of Object.entries(pages)) {
  const times: number[] = [];
  const pieces: number[] = [];
  for (let n = 0; n < 21; n++) {
    let longest = 0;
    let turn = process.cpuUsage();
    const next = (): void => {
      longest = Math.max(longest, since(turn));
      turn = process.cpuUsage();
    };
    const before = turn;
    let busy = true;
    const spin = (): void => {
      next();
      if (busy) setImmediate(spin);
    };
    setImmediate(spin);
    await make();
    next();
    busy = false;
    times.push(since(before));
    pieces.push(longest);
    await setTimeout(1);
  }
  print(
    `CPU of ${name}, ${UPSTREAMS} upstreams, ${SAMPLES} samples each`,
    `${median(times).toFixed(1)} ms`,
    `goal < 50 ms; at one go ${median(pieces).toFixed(1)} ms`,
  );
}
const looks = process.cpuUsage();
for (let n = 0; n < 20; n++) await bench.operations.look();
print(
  `a look at all processes and a judgement of all rules, ${UPSTREAMS} upstreams`,
  `${(since(looks) / 20).toFixed(1)} ms`,
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
