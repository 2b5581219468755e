import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 10;
export const title = '1 MB results, stdio, 4 callers';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overStdio({}, { tool: 'text', args: { bytes: 1_000_000 } }), 4);
  return [rateAgainst(rounds, 'minimal', atLeast(10))];
}
