// Twenty times what an upstream can do: it goes on doing what it can, everybody else is refused at once. What it can is
// measured before and after, by as many callers as it has places and a queue for: a busy machine takes from both alike.
import { callers, pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { atLeast, atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 11;
export const title = 'Overload at 20 × capacity';
export const scaled = '4 s in place of 30 s';

export async function run(house) {
  // Small enough that the callers, on the same machine, are not what is measured.
  const [places, takes] = house.scale([2, 200], [4, 100]);
  const offered = (20 * places * 1000) / takes;
  const length = house.scale(4_000, 30_000);
  const slow = faulty('slow-tool', { set: { ms: takes } });
  const gateway = await house.gateway({
    upstreams: { u: { ...slow, limits: { inFlight: places, queue: places * 2 } }, neighbour: faulty('healthy') },
  });
  const args = (nonce) => ({ nonce, fault: true, always: true });
  /** Calls a second of an upstream that has enough to do, and no more. */
  const saturated = async (round) => {
    const from = performance.now();
    const going = callers(places * 3, (index, turn) =>
      house.client.call(gateway, 'u', 'write', args(`${round}-${index}-${turn}`)),
    );
    await pause(length / 4);
    const answered = (await going.stop()).filter(({ ok }) => ok);
    return (answered.length * 1000) / (performance.now() - from);
  };
  await saturated('warm');
  const before = await saturated('before');
  const calls = [];
  const beside = [];
  const began = performance.now();
  for (let sent = 0; performance.now() - began < length; ) {
    for (const due = ((performance.now() - began) / 1000) * offered; sent < due; sent++) {
      calls.push(house.client.call(gateway, 'u', 'write', args(`n${sent}`)));
    }
    if (beside.length * 50 < performance.now() - began) {
      beside.push(house.client.call(gateway, 'neighbour', 'read', { nonce: `b${beside.length}` }));
    }
    await pause(5);
  }
  const records = await Promise.all(calls);
  const took = (Math.max(...records.filter(({ ok }) => ok).map(({ end }) => end)) - began) / 1000;
  const good = records.filter(({ ok }) => ok).length;
  const refused = records.filter(({ fault }) => fault === 'OVERLOADED');
  const other = records.filter(({ ok, fault }) => !ok && fault !== 'OVERLOADED');
  const neighbours = await Promise.all(beside);
  const capacity = (before + (await saturated('after'))) / 2;
  return [
    measure('goodput against capacity', good / took / capacity, atLeast(0.9, house.scale(0.7, 0.9)), {
      unit: '%',
      note: `${(good / took).toFixed(1)}/s of ${capacity.toFixed(1)}/s; offered ${(records.length / took).toFixed(0)}/s`,
    }),
    measure(
      'refusals p99',
      quantile(
        refused.map((record) => record.took),
        0.99,
      ),
      atMost(100, house.scale(500, 100)),
      {
        unit: 'ms',
        note: `${refused.length} OVERLOADED`,
      },
    ),
    measure('failed in another way', other.length, exactly(0), { note: other[0]?.fault }),
    measure('calls to a neighbour failed', neighbours.filter(({ ok }) => !ok).length, exactly(0), {
      note: `${neighbours.length} calls`,
    }),
  ];
}
