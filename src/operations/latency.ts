// Buckets of times, and percentiles from them. The bounds hold the levels of the default alerts (requirements 10.22).

/** Upper bounds in milliseconds; one more bucket takes what is slower. */
export const BOUNDS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 7500, 10_000, 30_000, 60_000,
];
export const BUCKETS = BOUNDS.length + 1;

/** The bucket that a time falls into. */
export function bucketOf(ms: number): number {
  let index = 0;
  while (index < BOUNDS.length && ms > (BOUNDS[index] as number)) index++;
  return index;
}

/**
 * The time below which a share of all lies, interpolated inside its bucket; undefined of nothing.
 * `count(index)` gives what a bucket holds.
 */
export function percentile(count: (index: number) => number, share: number): number | undefined {
  let all = 0;
  for (let index = 0; index < BUCKETS; index++) all += count(index);
  if (all === 0) return undefined;
  const wanted = all * share;
  let below = 0;
  for (let index = 0; index < BUCKETS; index++) {
    const here = count(index);
    if (here > 0 && below + here >= wanted) {
      const from = index === 0 ? 0 : (BOUNDS[index - 1] as number);
      const to = BOUNDS[index] ?? from;
      return from + (to - from) * ((wanted - below) / here);
    }
    below += here;
  }
  return BOUNDS.at(-1);
}
