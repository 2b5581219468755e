export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median over the rounds of `of(a, b)`, where a and b were measured in the same round. */
export function medianOfRounds(a, b, of) {
  return median(a.map((value, round) => of(value, b[round])));
}

/** Round by round ratio of one figure of two targets; the median of it. */
export function ratio(rounds, above, below, figure) {
  return medianOfRounds(rounds[above], rounds[below], (a, b) => a[figure] / b[figure]);
}

/** How far the rounds of a figure lie apart: (highest − lowest) / median. */
export function spread(values) {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}
