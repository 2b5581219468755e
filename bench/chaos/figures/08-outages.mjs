// Ten calls a second, half of the tools read-only; five outages a minute at random moments, each 0.5–2 s in which every
// request gets a 502. The same calls go to the same gateway with `recovery.enabled: false`.
import { heapMiB, inspectArgs } from '../../harness/inspect.mjs';
import { pause } from '../harness/client.mjs';
import { cpuMs } from '../harness/proc.mjs';
import { atLeast, atMost, exactly, mean, measure, quantile, share } from '../harness/report.mjs';

export const row = 8;
export const title = 'Five outages a minute, against the same gateway without recovery';
export const scaled = '72 s in place of 30 min';
export const background = true;

const EVERY = 12_000;
/** How long the machine's own noise may be: half a tick of the CPU clock, and what a busy one adds. */
const CPU_ALLOWED = 0.02;

/** A fixed sequence in [0, 1), so that a run can be repeated. */
function* numbers() {
  for (let state = 20_250_610; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state / 2 ** 32;
  }
}

async function side(house, recovery) {
  const upstream = await house.upstream('outage');
  const gateway = await house.gateway(
    { upstreams: { remote: { url: upstream.url, transport: 'streamable-http', recovery: { enabled: recovery } } } },
    { nodeArgs: inspectArgs },
  );
  return { upstream, gateway, records: [], heap: await heapMiB(gateway), cpu: { normal: 0, outage: 0 } };
}

export const run = (house) => outages(house, house.client.call);

/** `call` is the client's method by which all calls are made. */
export async function outages(house, call) {
  const length = house.scale(72_000, (house.minutes ?? 30) * 60_000);
  const sides = await Promise.all([side(house, true), side(house, false)]);
  const [on, off] = sides;
  const random = numbers();
  const began = performance.now();
  const planned = [];
  for (let at = 0; at + EVERY <= length; at += EVERY) {
    const lasts = 500 + 1_500 * random.next().value;
    const from = began + at + 1_000 + (EVERY - lasts - 3_000) * random.next().value;
    planned.push({ from, to: from + lasts });
  }
  const time = { normal: 0, outage: 0 };
  let last = { at: began, cpu: sides.map(({ gateway }) => cpuMs(gateway.pid)) };
  /** Books the CPU time since the last change to what was then the case. */
  const book = (phase) => {
    const now = { at: performance.now(), cpu: sides.map(({ gateway }) => cpuMs(gateway.pid)) };
    time[phase] += now.at - last.at;
    sides.forEach((one, index) => {
      one.cpu[phase] += now.cpu[index] - last.cpu[index];
    });
    last = now;
  };
  const breaking = (async () => {
    for (const { from, to } of planned) {
      await pause(Math.max(0, from - performance.now()));
      book('normal');
      await Promise.all(sides.map(({ upstream }) => upstream.control({ status: 502, ms: to - performance.now() })));
      await pause(Math.max(0, to - performance.now()) + 500);
      book('outage');
    }
  })();
  const open = [];
  for (let index = 0; performance.now() - began < length; index++) {
    const tool = index % 2 === 0 ? 'read' : 'write';
    for (const one of sides) {
      const answer = call.call(house.client, one.gateway, 'remote', tool, { nonce: `n${index}` });
      open.push(answer.then((record) => one.records.push(record)));
    }
    await pause(Math.max(0, began + (index + 1) * 100 - performance.now()));
  }
  await breaking;
  book('normal');
  await Promise.all(open);
  const heaps = await Promise.all(sides.map(({ gateway }) => heapMiB(gateway)));
  const ran = (await on.upstream.ledger()).filter(({ event, tool }) => event === 'executed' && tool === 'write');
  const [with_, without] = sides.map(({ records }) => judge(records, planned));
  const percentOfCore = (phase) => (on.cpu[phase] - off.cpu[phase]) / time[phase];
  const interrupted = without.failed === 0 ? Number.NaN : 1 - with_.failed / without.failed;
  const note = `without recovery ${(without.reads * 100).toFixed(1)} %`;
  return [
    measure('read-only calls answered', with_.reads, atLeast(0.999), { unit: '%', claim: [11, 23], note }),
    measure('other calls answered or told "outcome unknown"', with_.writesTold, exactly(1), { unit: '%' }),
    measure('of them run twice', ran.length - new Set(ran.map(({ nonce }) => nonce)).size, exactly(0)),
    measure('all calls answered', with_.all, atLeast(0.95), {
      unit: '%',
      claim: [12, 23],
      note: `without recovery ${(without.all * 100).toFixed(1)} %`,
    }),
    measure('answered outside of outages', with_.normal, atLeast(0.99), { unit: '%', claim: 23 }),
    measure('the first call after an outage succeeds', with_.next, atLeast(0.985), {
      unit: '%',
      claim: [11, 17],
      note: `${planned.length} outages`,
    }),
    measure('mean time to the answer of a call in an outage', with_.delay, atMost(3_200), {
      unit: 'ms',
      claim: [13, 18, 22],
    }),
    measure('failures that users see, fewer by', interrupted, atLeast(0.9), {
      unit: '%',
      claim: 19,
      note: `${with_.failed} against ${without.failed} of ${on.records.length}`,
    }),
    measure(
      'interruption of read-only calls, fewer by',
      without.failedReads === 0 ? Number.NaN : 1 - with_.failedReads / without.failedReads,
      atLeast(0.9),
      {
        unit: '%',
        claim: 19,
        note: `${with_.failedReads} against ${without.failedReads}`,
      },
    ),
    measure('median latency more, healthy', with_.healthy - without.healthy, atMost(1, house.scale(10, 2)), {
      unit: 'ms',
      claim: 22,
      note: `${with_.healthy.toFixed(2)} ms against ${without.healthy.toFixed(2)} ms`,
    }),
    measure('heap more after the run', heaps[0] - on.heap - (heaps[1] - off.heap), atMost(2, 5), {
      unit: 'MiB',
      claim: 20,
      note: 'against the gateway without recovery, after a forced collection',
    }),
    measure('CPU more, normal', percentOfCore('normal'), atMost(0.01, house.scale(CPU_ALLOWED, 0.01)), {
      unit: '%',
      claim: 21,
      note: 'of one core',
    }),
    measure('CPU more, in outages', percentOfCore('outage'), atMost(0.05), {
      unit: '%',
      claim: 21,
      note: 'of one core',
    }),
  ];
}

function judge(records, outages) {
  // A call is in an outage when any of it was.
  const within = ({ at, end }) => outages.some(({ from, to }) => end >= from && at <= to);
  const reads = records.filter(({ tool }) => tool === 'read');
  const writes = records.filter(({ tool }) => tool === 'write');
  const ok = (record) => record.ok;
  const hit = reads.filter((record) => record.ok && within(record));
  const sorted = [...records].sort((a, b) => a.at - b.at);
  const next = outages.map(({ to }) => sorted.find(({ at }) => at > to)).filter(Boolean);
  return {
    reads: share(reads, ok),
    writesTold: share(writes, ({ ok, delivery }) => ok || delivery !== undefined),
    all: share(records, ok),
    normal: share(
      records.filter((record) => !within(record)),
      ok,
    ),
    next: share(next, ok),
    failed: records.filter((record) => !record.ok).length,
    failedReads: reads.filter((record) => !record.ok).length,
    delay: hit.length === 0 ? Number.NaN : mean(hit.map(({ took }) => took)),
    healthy: quantile(
      records.filter((record) => record.ok && !within(record)).map(({ took }) => took),
      0.5,
    ),
  };
}
