// What a figure found, held against its goal and against what the designs claimed; and the tables of it all.
import { number } from '../../harness/report.mjs';

const withUnit = (value, unit) =>
  unit === '%' && typeof value === 'number' ? `${number(value * 100)} %` : `${number(value)}${unit && ` ${unit}`}`;

/** At most or at least. `allowed` is what a busy machine may take before it counts as a failure. */
export const atMost = (goal, allowed = goal) => ({
  text: (unit) => `≤ ${withUnit(goal, unit)}`,
  judge: (value) => (value <= goal ? 'yes' : value <= allowed ? 'allowed' : 'NO'),
});
export const atLeast = (goal, allowed = goal) => ({
  text: (unit) => `≥ ${withUnit(goal, unit)}`,
  judge: (value) => (value >= goal ? 'yes' : value >= allowed ? 'allowed' : 'NO'),
});
export const exactly = (goal) => ({
  text: (unit) => withUnit(goal, unit),
  judge: (value) => (value === goal ? 'yes' : 'NO'),
});

/** One measured value. `claim`: the row of the acceptance figures (requirements §5) that it answers, or several. */
export function measure(name, value, goal, { note = '', claim = [], unit = '' } = {}) {
  // A figure that came out as nothing was not measured, and must not pass.
  const broken = value === undefined || (typeof value === 'number' && Number.isNaN(value));
  const met = broken ? 'NO' : goal === undefined ? '' : goal.judge(value);
  return {
    name,
    value: broken ? 'not measured' : value,
    unit,
    goal: goal?.text(unit === '%' ? unit : '') ?? '',
    met,
    note,
    claims: [claim].flat(),
  };
}

/** Something that was not measured in this run, and why. */
export const skip = (name, why, { claim = [] } = {}) => ({
  name,
  value: 'skipped',
  unit: '',
  goal: '',
  met: 'skipped',
  note: why,
  claims: [claim].flat(),
});

export const share = (all, good) => (all.length === 0 ? Number.NaN : all.filter(good).length / all.length);
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

/** A measured value as a person reads it; shares are kept as such and shown in percent. */
export const shown = ({ value, unit }) => withUnit(value, unit);

/** Every figure with its measures. */
export function figuresTable(results) {
  const lines = [['#', 'figure', 'measure', 'value', 'goal', 'met', 'claim', 'behind it']];
  for (const { row, title, scaled, failed, measures, seconds } of results) {
    const head = `${title}${scaled ? ` [${scaled}]` : ''} (${number(seconds)} s)`;
    lines.push([row, head, '', '', '', '', '', '']);
    if (failed) lines.push(['', '', 'FAILED', '', '', 'NO', '', failed.split('\n')[0].slice(0, 160)]);
    for (const one of measures) {
      const claims = one.claims.map((claim) => `row ${claim}`).join(', ');
      lines.push(['', '', one.name, shown(one), one.goal, one.met, claims, one.note]);
    }
  }
  return columns(lines, 1);
}

/** What the designs claimed, beside what was measured for it. */
export function claimsTable(claims, results) {
  const lines = [['row', 'claim', 'claimed', 'measured', 'met', 'by']];
  for (const { row, title, claimed, instead } of claims) {
    const found = results.flatMap(({ row: figure, measures }) =>
      measures.filter((one) => one.claims.includes(row)).map((one) => ({ ...one, figure })),
    );
    if (found.length === 0) lines.push([row, title, claimed, '–', '', instead ?? 'not measured in this run']);
    found.forEach((one, index) => {
      const first = index === 0;
      lines.push([
        first ? row : '',
        first ? title : '',
        first ? claimed : '',
        shown(one),
        one.met,
        `figure ${one.figure}: ${one.name}`,
      ]);
    });
  }
  return columns(lines);
}

/** Pads all columns but the last; `heads`: a column whose long texts stand alone on their line and pad nothing. */
function columns(lines, heads) {
  const wide = (text) => [...String(text)].length;
  const widths = lines[0].map((_, column) =>
    Math.max(...lines.map((line) => (column === heads && line[2] === '' ? 0 : wide(line[column])))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => String(cell) + ' '.repeat(Math.max(0, widths[column] - wide(cell))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
