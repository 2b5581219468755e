import { absolute } from '../harness/rates.mjs';
import { atLeast, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 18;
export const title = '100 ms tool, 32 sessions on one stdio upstream';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overStdio({}, { tool: 'sleep', args: { ms: 100 } }), 32);
  // Ideal is the upstream itself under 32 calls at once: its timers are late by a millisecond or two.
  return [
    measure('throughput against ideal', ratio(rounds, 'gateway', 'direct', 'rate'), atLeast(0.99), absolute(rounds)),
  ];
}
