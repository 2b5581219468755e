// The most frequent kind of scenario: how much a target gets through, against a floor.
import { measure, number } from './report.mjs';
import { median, ratio } from './statistics.mjs';

/** One measure: throughput of the gateway against `floor`; behind it the absolute rates of all. */
export function rateAgainst(rounds, floor, goal, name = 'throughput') {
  return measure(`${name} against ${floor}`, ratio(rounds, 'gateway', floor, 'rate'), goal, absolute(rounds));
}

export function absolute(rounds, figure = 'rate', unit = '/s') {
  return Object.entries(rounds)
    .map(([name, values]) => `${name} ${number(median(values.map((value) => value[figure])))}${unit}`)
    .join(', ');
}

const FIGURES = [
  ['throughput', 'rate', '/s'],
  ['p50', 'p50', ' ms'],
  ['CPU of a call', 'cpu', ' µs'],
];

/** What was measured of the gateway and of another build: the median of the ratios inside a round. */
export function againstOther({ gateway, other }, callers) {
  if (gateway === undefined || other === undefined) return [];
  const builds = { gateway, other };
  return FIGURES.filter(([, figure]) => [...gateway, ...other].every((round) => round[figure] !== undefined)).map(
    ([name, figure, unit]) =>
      measure(
        `${name}, gateway / other, callers: ${callers}`,
        ratio(builds, 'gateway', 'other', figure),
        undefined,
        absolute(builds, figure, unit),
      ),
  );
}
