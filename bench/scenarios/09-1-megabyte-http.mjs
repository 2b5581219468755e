import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 9;
export const title = '1 MB results, HTTP, 4 callers';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overHttp({}, { tool: 'text', args: { bytes: 1_000_000 } }), 4);
  return [rateAgainst(rounds, 'pass', atLeast(1.2))];
}
