// The shortest way from one text to another, by lines (longest common subsequence; ends that are equal cost nothing).
export interface Line {
  kind: 'same' | 'gone' | 'come';
  text: string;
}

/** Beyond so many pairs of lines the middle is shown as replaced whole. */
const MOST_PAIRS = 4_000_000;

export function differenceOf(before: string, after: string): Line[] {
  const old = before === '' ? [] : before.split('\n');
  const next = after === '' ? [] : after.split('\n');
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < next.length - head && old.at(-1 - tail) === next.at(-1 - tail)) tail++;
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ kind: 'same', text }));
  return [
    ...same(old.slice(0, head)),
    ...middle(old.slice(head, old.length - tail), next.slice(head, next.length - tail)),
    ...same(old.slice(old.length - tail)),
  ];
}

function middle(old: readonly string[], next: readonly string[]): Line[] {
  const replaced: Line[] = [
    ...old.map((text) => ({ kind: 'gone' as const, text })),
    ...next.map((text) => ({ kind: 'come' as const, text })),
  ];
  if (old.length === 0 || next.length === 0 || old.length * next.length > MOST_PAIRS) return replaced;
  const width = next.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] as number;
  for (let row = old.length - 1; row >= 0; row--)
    for (let column = next.length - 1; column >= 0; column--)
      lengths[row * width + column] =
        old[row] === next[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: Line[] = [];
  let row = 0;
  let column = 0;
  while (row < old.length || column < next.length) {
    if (row < old.length && column < next.length && old[row] === next[column]) {
      lines.push({ kind: 'same', text: old[row] as string });
      row++;
      column++;
    } else if (column >= next.length || (row < old.length && at(row + 1, column) >= at(row, column + 1)))
      lines.push({ kind: 'gone', text: old[row++] as string });
    else lines.push({ kind: 'come', text: next[column++] as string });
  }
  return lines;
}
