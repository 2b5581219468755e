import { atMost, measure, ms } from '../harness/report.mjs';
import { median, medianOfRounds, ratio } from '../harness/statistics.mjs';

export const row = 1;
export const title = 'HTTP upstream, 100 B echo, 1 caller';

export async function run(bench) {
  const rounds = await bench.measure(await bench.overHttp({}, { args: { text: 'x'.repeat(100) } }), 1);
  const added = (name) => medianOfRounds(rounds[name], rounds.direct, (a, b) => a.p50 - b.p50);
  const behind = ['direct', 'pass', 'minimal', 'gateway'].map(
    (name) => `${name} ${ms(median(rounds[name].map((r) => r.p50)))}`,
  );
  return [
    measure('p50 added, against pass', added('gateway') / added('pass'), atMost(1), behind.join(', ')),
    measure(
      'p99 against minimal',
      ratio(rounds, 'gateway', 'minimal', 'p99'),
      atMost(1.5),
      `added: pass ${ms(added('pass'))}, minimal ${ms(added('minimal'))}, gateway ${ms(added('gateway'))}`,
    ),
  ];
}
