import { absolute } from '../harness/rates.mjs';
import { atMost, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 4;
export const title = 'CPU per call of the gateway, 32 callers';

export async function run(bench) {
  const { pass, minimal, gateway } = await bench.overHttp({}, { args: { text: 'x'.repeat(100) } });
  const rounds = await bench.measure({ pass, minimal, gateway }, 32);
  return [
    measure(
      'CPU against minimal',
      ratio(rounds, 'gateway', 'minimal', 'cpu'),
      atMost(0.9),
      absolute(rounds, 'cpu', ' µs'),
    ),
  ];
}
