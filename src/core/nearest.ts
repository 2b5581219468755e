// Finds the names somebody probably meant. For hints only: nothing is ever called by a guessed name.

/** Longer names are compared by their beginning; the time of one comparison is bounded by the square of this. */
const MAX_LENGTH = 64;

/**
 * Edit distance in which a swap of two neighbours counts once (optimal string alignment); anything above `limit` is
 * told as `limit + 1`.
 */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (a === b) return 0;
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] as number) + 1);
      row.push(cost);
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    before = last;
    last = row;
  }
  return Math.min(last[b.length] as number, limit + 1);
}

/** The names of `names` that look most like `wanted`, best first; none when nothing looks like it. */
export function nearest(wanted: string, names: Iterable<string>, most = 3): string[] {
  const goal = simplify(wanted);
  if (goal === '') return [];
  const scored: { name: string; score: number }[] = [];
  for (const name of names) {
    const score = likeness(goal, simplify(name));
    if (score > 0) scored.push({ name, score });
  }
  scored.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  return scored.slice(0, most).map(({ name }) => name);
}

/** 1 for the same letters, 0 for nothing alike. */
function likeness(a: string, b: string): number {
  if (b === '') return 0;
  if (a === b) return 1;
  const shorter = Math.min(a.length, b.length);
  if (shorter >= 3 && (a.includes(b) || b.includes(a))) return 0.6 + (0.35 * shorter) / Math.max(a.length, b.length);
  const longest = Math.max(a.length, b.length);
  const limit = Math.floor(longest * 0.4);
  const distance = editDistance(a, b, limit);
  return distance > limit ? 0 : 0.95 * (1 - distance / longest);
}

/** Case and separators are what people get wrong most. */
function simplify(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_.:/-]+/g, '')
    .slice(0, MAX_LENGTH);
}
