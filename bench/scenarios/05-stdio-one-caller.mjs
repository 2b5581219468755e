import { absolute } from '../harness/rates.mjs';
import { atMost, measure } from '../harness/report.mjs';
import { medianOfRounds } from '../harness/statistics.mjs';

export const row = 5;
export const title = 'stdio upstream, 100 B echo, 1 caller';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overStdio({}, { args: { text: 'x'.repeat(100) } }), 1);
  const added = (name) => medianOfRounds(rounds[name], rounds.direct, (a, b) => a.p50 - b.p50);
  return [
    measure(
      'p50 added, against minimal',
      added('gateway') / added('minimal'),
      atMost(1.75),
      absolute(rounds, 'p50', ' ms'),
    ),
  ];
}
