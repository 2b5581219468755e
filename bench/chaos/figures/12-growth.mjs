// Memory and descriptors after many calls and failures, against after a tenth of them.
import { heapMiB, inspectArgs } from '../../harness/inspect.mjs';
import { callers, until } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { descriptors, rssBytes } from '../harness/proc.mjs';
import { atMost, measure } from '../harness/report.mjs';

export const row = 12;
export const title = 'Growth from the first tenth of the calls to the last';
export const scaled = 'calls 1,500 → 9,000 in place of 10,000 → 100,000';

export async function run(house) {
  const [from, to] = house.scale([1_500, 9_000], [10_000, 100_000]);
  const remote = await house.upstream('answers-500');
  const gateway = await house.gateway(
    {
      // The ring of kept calls is full at the first look; what it holds is meant to stay.
      storage: { callLog: { maxRecords: house.scale(500, 5_000) } },
      upstreams: {
        local: faulty('healthy'),
        remote: { url: remote.url, transport: 'streamable-http', recovery: { breaker: { failures: 1_000, ratio: 1 } } },
      },
    },
    { nodeArgs: inspectArgs },
  );
  const load = callers(8, (index, turn) =>
    index % 2 === 0
      ? house.client.call(gateway, 'local', 'read', { nonce: `${index}-${turn}` })
      : house.client.call(gateway, 'remote', 'write', {
          nonce: `${index}-${turn}`,
          fault: turn % 10 === 0,
          always: true,
        }),
  );
  const look = async () => ({
    heap: await heapMiB(gateway),
    rss: rssBytes(gateway.pid) / 2 ** 20,
    descriptors: descriptors(gateway.pid),
  });
  const reached = (count) => until(() => load.records.length >= count, `${count} calls`, 900_000, 20);
  await reached(from);
  const before = await look();
  await reached(to);
  const after = await look();
  await load.stop();
  const grown = (what) => after[what] / before[what] - 1;
  const note = (what) => `${before[what].toFixed(1)} → ${after[what].toFixed(1)} MiB`;
  return [
    measure('heap after a forced collection, more', grown('heap'), atMost(0.05, house.scale(0.1, 0.05)), {
      unit: '%',
      claim: 31,
      note: note('heap'),
    }),
    measure('resident memory, more', grown('rss'), atMost(0.2, house.scale(0.35, 0.2)), {
      unit: '%',
      claim: 31,
      note: note('rss'),
    }),
    measure('descriptors, more or less', Math.abs(after.descriptors - before.descriptors), atMost(2), {
      claim: 31,
      note: `${before.descriptors} → ${after.descriptors}`,
    }),
  ];
}
