// Where the marks of a plot stand: round numbers, and round times of the reader's own clock.

/** Round numbers from `low` to `high`, at most `count` steps apart. */
export function marks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((one) => one * power >= rough) ?? 10) * power;
  return steps(Math.ceil(low / step) * step, high, step);
}

/** Seconds between marks of time. */
const SPANS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** The same for seconds since 1970; `behind` is how many seconds the reader's clock is behind UTC. */
export function timeMarks(from: number, to: number, count: number, behind: number): number[] {
  const step = SPANS.find((one) => (to - from) / one <= count) ?? Math.ceil((to - from) / count / 86_400) * 86_400;
  return steps(Math.ceil((from - behind) / step) * step + behind, to, step);
}

function steps(first: number, high: number, step: number): number[] {
  // Added up one by one, 0.1 would end as 0.30000000000000004.
  const count = Math.floor((high - first) / step + 1e-9) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number((first + index * step).toPrecision(12)));
}

/** The place of the number nearest to `wanted` in a list that goes up. */
export function nearest(list: readonly number[], wanted: number): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - (list[low - 1] as number) < (list[low] as number) - wanted ? low - 1 : low;
}
