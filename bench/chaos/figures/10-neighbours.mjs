// What faults of one upstream cost the others: 64 hung calls, then everything else at once.
import { callers, pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { atLeast, atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 10;
export const title = "Neighbours of an upstream's faults";
export const scaled = 'rounds of 1 s in place of 4 s';

export async function run(house) {
  return [...(await hung(house)), ...(await faults(house))];
}

async function load(house, gateway, ms) {
  const going = callers(8, (index, turn) =>
    house.client.call(gateway, 'neighbour', 'read', { nonce: `${index}-${turn}` }),
  );
  const began = performance.now();
  await pause(ms);
  const records = await going.stop();
  const took = records.map((record) => record.took);
  const rate = (records.length * 1000) / (performance.now() - began);
  return { rate, p95: quantile(took, 0.95), p99: quantile(took, 0.99), failed: records.filter(({ ok }) => !ok).length };
}

const median = (values) => quantile(values, 0.5);

/** Alternately with and without, so that a machine that changes its mind hits both. */
async function hung(house) {
  const ms = house.scale(1_000, 4_000);
  const upstream = await house.upstream('hangs');
  const deadline = ms + 500;
  const gateway = await house.gateway({
    upstreams: {
      neighbour: faulty('healthy'),
      hung: { url: upstream.url, transport: 'streamable-http', timeouts: { call: `${deadline}ms` } },
    },
  });
  await load(house, gateway, ms);
  const [alone, beside, late] = [[], [], []];
  for (let round = 0; round < house.scale(3, 5); round++) {
    alone.push(await load(house, gateway, ms));
    const calls = Array.from({ length: 64 }, (_, index) =>
      house.client.call(
        gateway,
        'hung',
        'read',
        { nonce: `h${round}-${index}`, fault: true, always: true },
        { deadline },
      ),
    );
    await pause(50);
    beside.push(await load(house, gateway, ms));
    for (const { took } of await Promise.all(calls)) late.push(took - deadline);
  }
  const of = (rounds, figure) => median(rounds.map((round) => round[figure]));
  return [
    measure(
      'throughput beside 64 hung calls, against without',
      of(beside, 'rate') / of(alone, 'rate'),
      atLeast(0.95, house.scale(0.6, 0.95)),
      {
        note: `${of(beside, 'rate').toFixed(0)}/s against ${of(alone, 'rate').toFixed(0)}/s`,
      },
    ),
    measure('p99 more', of(beside, 'p99') - of(alone, 'p99'), atMost(5, house.scale(100, 20)), {
      unit: 'ms',
      note: `${of(beside, 'p99').toFixed(1)} ms against ${of(alone, 'p99').toFixed(1)} ms`,
    }),
    measure(
      'errors of the neighbour',
      [...alone, ...beside].reduce((sum, { failed }) => sum + failed, 0),
      exactly(0),
    ),
    measure('hung calls end after their deadline by, worst', Math.max(...late), atMost(1_000), {
      unit: 'ms',
      note: `${late.length} calls`,
    }),
  ];
}

/** Each with a call that sets it off; what they burn outside of the gateway is theirs. */
const FAULTS = [
  'floods-stderr',
  'endless-line',
  'exits-after-executing',
  'big-message',
  'deep-json',
  'progress-forever',
  'noise-lines',
  'freezes',
];

/** Against the same faults in a second gateway: what they cost the machine is not what they cost the neighbour. */
async function faults(house) {
  const upstreams = { neighbour: faulty('healthy') };
  for (const name of FAULTS) upstreams[name] = { ...faulty(name), timeouts: { call: '1s' } };
  const [gateway, elsewhere] = await Promise.all([house.gateway({ upstreams }), house.gateway({ upstreams })]);
  const ms = house.scale(700, 4_000);
  await load(house, gateway, ms);
  const found = [];
  for (const name of FAULTS) {
    const rounds = [];
    for (const where of [elsewhere, gateway]) {
      const faulting = callers(1, async (_, turn) => {
        const record = await house.client.call(where, name, 'write', {
          nonce: `${name}-${turn}`,
          fault: true,
          always: true,
        });
        await pause(200);
        return record;
      });
      rounds.push(await load(house, gateway, ms));
      await faulting.stop();
    }
    const [apart, beside] = rounds;
    found.push({ name, more: beside.p95 - apart.p95, failed: apart.failed + beside.failed });
  }
  const worst = found.reduce((a, b) => (a.more > b.more ? a : b));
  return [
    measure('p95 more beside any of these faults, worst', worst.more, atMost(20, house.scale(200, 20)), {
      unit: 'ms',
      note: found.map(({ name, more }) => `${name} ${more.toFixed(1)}`).join(', '),
    }),
    measure(
      'errors of the neighbour',
      found.reduce((sum, { failed }) => sum + failed, 0),
      exactly(0),
    ),
  ];
}
