import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 6;
export const title = 'stdio upstream, 100 B echo, 32 callers';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overStdio({}, { args: { text: 'x'.repeat(100) } }), 32);
  return [rateAgainst(rounds, 'minimal', atLeast(0.9))];
}
