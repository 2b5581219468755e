// Adds up the reports named on the command line: vitest's JSON, or the output of a runner that ends with a count.
import { existsSync, readFileSync } from 'node:fs';

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  // A runner that left no report did not get as far as its first test.
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (text === '') sum.failed++;
  else if (file.endsWith('.json')) {
    const report = JSON.parse(text);
    sum.passed += report.numPassedTests;
    sum.failed += report.numFailedTests;
    sum.skipped += report.numPendingTests + report.numTodoTests;
    // A file that could not even be read has no test that failed.
    sum.failed += report.testResults.filter((one) => one.status === 'failed' && one.assertionResults.length === 0).length;
  } else {
    const [, passed, failed, skipped] = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1) ?? [];
    sum.passed += Number(passed ?? 0);
    sum.failed += Number(failed ?? 1);
    sum.skipped += Number(skipped ?? 0);
  }
}
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
