// The labels of what a start says. columns.ts would do it too, but reading what it knows of all characters costs every
// start 5 MiB and a fifth of its CPU.
const COLUMNS = 10;

/** A label in as many columns as all have: a Chinese character fills two. */
export function label(text: string): string {
  const wide = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  return text.padEnd(COLUMNS - wide);
}
