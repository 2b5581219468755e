// Runs the suite's client scenarios: its mock server is the gateway's upstream, and `drive.mjs` the client in front
// (protocol.md MP9). Both faces of the gateway are driven, since the upstream face must not depend on the other one.
//
//   node test/conformance/client.mjs [--scenario NAME | --scenario auth/] [--spec-version V] [--face V] [--verbose]

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DRIVES } from './lib/drives.mjs';
import { expectedFailures, judge } from './lib/expected.mjs';
import { print, printRow, printTable } from './lib/report.mjs';
import { clientScenarios, install, runSuite } from './lib/suite.mjs';

const DRIVER = fileURLToPath(new URL('drive.mjs', import.meta.url));
const VERSIONS = ['2025-11-25', '2026-07-28'];
/** Extensions that the gateway claims; the suite lists them at no revision. */
const EXTENSIONS = ['auth/client-credentials-jwt', 'auth/client-credentials-basic'];

const { values: options } = parseArgs({
  options: {
    scenario: { type: 'string' },
    'spec-version': { type: 'string' },
    face: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

/** `auth/` means all below it. @param {string} scenario @param {string} chosen */
const isChosen = (scenario, chosen) => (chosen.endsWith('/') ? scenario.startsWith(chosen) : scenario === chosen);

/** @param {string} version of the mock server @param {string} face @returns {Promise<import('./lib/report.mjs').Row>} */
async function once(version, face) {
  const begin = performance.now();
  const { lists } = expectedFailures(`client-${version}-face-${face}`);
  const command = [process.execPath, DRIVER, '--face', face].join(' ');
  /** @type {import('./lib/expected.mjs').Result[]} */
  const results = [];
  for (const scenario of [...clientScenarios(version), ...EXTENSIONS]) {
    if (options.scenario !== undefined && !isChosen(scenario, options.scenario)) continue;
    if (!DRIVES[scenario] && !scenario.startsWith('auth/')) {
      results.push({ scenario, verdict: 'failed', reason: 'has no drive', checks: [] });
      continue;
    }
    const revision = EXTENSIONS.includes(scenario) ? [] : ['--spec-version', version];
    const args = ['client', '--command', command, '--scenario', scenario, ...revision];
    const { code, output, scenarios } = await runSuite(args);
    const checks = scenarios.get(scenario) ?? [];
    if (code !== 0 && !checks.some(({ status }) => status === 'FAILURE' || status === 'WARNING')) {
      checks.push({ id: 'driver', status: 'FAILURE', errorMessage: output.slice(-1500) });
    }
    const result = judge(scenario, checks, lists.client ?? new Set());
    const driverFailed = /^Client (exited with code|timed out).*/ms.exec(output)?.[0];
    if (result.verdict === 'failed' && driverFailed) result.reason += `\n${driverFailed.slice(0, 1500)}`;
    results.push(result);
  }
  return { name: [version, face], seconds: (performance.now() - begin) / 1000, results };
}

install();
const rows = [];
for (const version of VERSIONS.filter((one) => (options['spec-version'] ?? one) === one)) {
  for (const face of VERSIONS.filter((one) => (options.face ?? one) === one)) {
    const row = await once(version, face);
    print(`${row.results.some(({ verdict }) => verdict === 'failed') ? '✗' : '✓'} ${row.name.join(' ')}`);
    printRow(row, options.verbose);
    rows.push(row);
  }
}
process.exitCode = printTable(['mock server', 'client'], rows);
