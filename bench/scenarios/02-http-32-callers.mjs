import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 2;
export const title = 'HTTP upstream, 100 B echo, 32 callers';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overHttp({}, { args: { text: 'x'.repeat(100) } }), 32);
  return [rateAgainst(rounds, 'pass', atLeast(1))];
}
