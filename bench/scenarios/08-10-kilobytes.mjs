import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 8;
export const title = '10 KB results, HTTP, 8 callers';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overHttp({}, { tool: 'text', args: { bytes: 10_000 } }), 8);
  return [rateAgainst(rounds, 'pass', atLeast(0.95))];
}
