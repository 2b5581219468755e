import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 3;
export const title = 'upstream answers by SSE, 32 callers';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overHttp({ answer: 'sse' }, { args: { text: 'x'.repeat(100) } }), 32);
  return [rateAgainst(rounds, 'pass', atLeast(1))];
}
