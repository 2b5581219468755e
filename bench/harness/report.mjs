// One measure of a scenario, and the table of them.

/** At most or at least; `of` is what the goal speaks of. */
export const atMost = (goal) => ({ text: `≤ ${goal}`, met: (value) => value <= goal });
export const atLeast = (goal) => ({ text: `≥ ${goal}`, met: (value) => value >= goal });
/** A goal that one run may not miss where the others meet it. */
export const always = (goal) => ({ ...goal, always: true });

/** A figure with its goal; `note` holds the absolute figures behind a ratio. */
export function measure(name, value, goal, note = '') {
  const { text = '', met, always = false } = goal ?? {};
  return { measure: name, value, goal: text, met: met?.(value), note, ...(always && { always }) };
}

export function table(rows) {
  const lines = [['#', 'scenario', 'measure', 'value', 'goal', 'met', 'behind it']];
  for (const { row, title, skipped, failed, measures = [] } of rows) {
    if (skipped !== undefined) lines.push([row, title, 'skipped', '', '', '', skipped]);
    if (failed !== undefined) lines.push([row, title, 'FAILED', '', '', 'no', failed.split('\n')[0].slice(0, 120)]);
    measures.forEach(({ measure: name, value, goal, met, note, runs }, index) => {
      const first = index === 0;
      lines.push([
        first ? row : '',
        first ? title : '',
        name,
        number(value),
        goal,
        met === undefined ? '' : met ? 'yes' : 'NO',
        runs === undefined ? note : `of ${runs.map(number).join(', ')}; ${note}`,
      ]);
    });
  }
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => width(String(line[column])))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => String(cell) + ' '.repeat(widths[column] - width(String(cell))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const width = (text) => [...text].length;

export function number(value) {
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

export const ms = (value) => `${number(value)} ms`;
