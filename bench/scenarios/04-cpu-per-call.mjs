import { absolute } from '../harness/rates.mjs';
import { atMost, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 4;
export const title = 'CPU per call of the gateway, 32 callers';

export async function run(bench) {
  const { direct: _, ...targets } = await bench.overHttp({}, { args: { text: 'x'.repeat(100) } });
  const rounds = await bench.measure(targets, 32);
  return [
    measure(
      'CPU against minimal',
      ratio(rounds, 'gateway', 'minimal', 'cpu'),
      atMost(0.9),
      absolute(rounds, 'cpu', ' µs'),
    ),
  ];
}
