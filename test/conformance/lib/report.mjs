// The table at the end of a run, and the one line that a machine reads.

/**
 * @typedef {{ name: string[], seconds: number, results: import('./expected.mjs').Result[] }} Row
 */

/** @param {Row} row @param {string} verdict */
const count = ({ results }, verdict) => results.filter((result) => result.verdict === verdict).length;

/** @param {string} text */
export const print = (text) => process.stdout.write(`${text}\n`);

/** What went wrong in one run, at once and not only at the end. @param {Row} row @param {boolean} verbose */
export function printRow(row, verbose) {
  for (const { scenario, verdict, reason, checks } of row.results) {
    if (verdict !== 'failed') continue;
    print(
      `✗ ${row.name.join(' ')} ${scenario}\n    ${reason.replaceAll('\n', '\n    ').slice(0, verbose ? 20_000 : 600)}`,
    );
    if (verbose) for (const { id, details } of checks) print(`    ${id} ${JSON.stringify(details)?.slice(0, 4000)}`);
  }
}

/** @param {string[]} heads @param {Row[]} rows @returns {number} the exit code */
export function printTable(heads, rows) {
  const lines = [
    [...heads, 'passed', 'failed', 'skipped', 'seconds'],
    ...rows.map((row) => [
      ...row.name,
      ...['passed', 'failed', 'skipped'].map((verdict) => String(count(row, verdict))),
      row.seconds.toFixed(1),
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  print('');
  for (const line of lines)
    print(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  const total = (/** @type {string} */ verdict) => rows.reduce((sum, row) => sum + count(row, verdict), 0);
  print(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`);
  return total('failed') > 0 ? 1 : 0;
}
