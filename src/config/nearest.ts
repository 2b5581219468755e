// Names that somebody may have meant, for hints.

/** Edits (insert, delete, replace, swap neighbours) between two words, or more than `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] as number) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] as number;
}

/** At most three of `names` that look like `word`, the nearest first. */
export function nearest(word: string, names: Iterable<string>): string[] {
  const wanted = word.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '');
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const found: { name: string; far: number }[] = [];
  for (const name of names) {
    const plain = name.toLowerCase().replaceAll(/[-_]/g, '');
    const far = distance(wanted, plain, limit);
    if (far <= limit) found.push({ name, far });
    else if (wanted.length >= 4 && (plain.startsWith(wanted) || wanted.startsWith(plain)) && plain.length >= 4)
      found.push({ name, far: limit + 1 });
  }
  return found
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `did you mean "a" or "b"?`, or nothing. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const found = nearest(word, names).map((name) => `"${name}"`);
  return found.length === 0 ? undefined : `did you mean ${found.join(' or ')}?`;
}
