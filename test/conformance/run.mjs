// Runs the official conformance suite against the gateway, with our own server behind it in every era over every
// transport (protocol.md §3). `skipped` are scenarios listed in expected-failures/ and extensions nobody claims.
//
//   node test/conformance/run.mjs                      every revision with a requirement set × era × transport
//     --quick                                          dual upstream over stdio and http only
//     --requirements 2026-07-28  --era dual  --transport http      only these (each may be repeated)
//     --suite all --spec-version V                     the whole suite at one revision, instead of a requirement set
//     --scenario NAME                                  only this one
//     --view passthrough                               the view of all upstreams instead of that of the one
//     --direct                                         without the gateway (http and its own era): proves the upstream
//     --verbose                                        with the details of every failed check
import { parseArgs } from 'node:util';
import { expectedFailures, judge } from './lib/expected.mjs';
import { startGateway } from './lib/gateway.mjs';
import { print, printRow, printTable } from './lib/report.mjs';
import { install, runSuite } from './lib/suite.mjs';
import { ERAS, exists, startUpstream, TRANSPORTS } from './lib/upstream.mjs';

const REQUIREMENTS = ['2025-11-25', '2026-07-28'];
const VERSIONS = ['2025-03-26', '2025-06-18', ...REQUIREMENTS];
const UPSTREAM = 'conformance';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    requirements: { type: 'string', multiple: true },
    era: { type: 'string', multiple: true },
    transport: { type: 'string', multiple: true },
    suite: { type: 'string' },
    'spec-version': { type: 'string', multiple: true },
    scenario: { type: 'string' },
    view: { type: 'string', default: UPSTREAM },
    direct: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

/** @param {string} name @param {string[]} allowed @param {string[] | undefined} given @param {string[]} fallback */
function choose(name, allowed, given, fallback) {
  const wrong = given?.find((value) => !allowed.includes(value));
  if (wrong !== undefined) throw new Error(`--${name} ${wrong}: expected one of ${allowed.join(', ')}`);
  return given ?? fallback;
}

/** @typedef {{ revision: string, era: string, transport: string }} Run */

/** @returns {Run[]} */
function matrix() {
  const whole = options.suite !== undefined || options.scenario !== undefined;
  const versions = whole
    ? choose('spec-version', VERSIONS, options['spec-version'], VERSIONS)
    : choose('requirements', REQUIREMENTS, options.requirements, REQUIREMENTS);
  const eras = choose('era', ERAS, options.era, options.quick ? ['dual'] : ERAS);
  const quick = options.quick ? ['stdio', 'http'] : TRANSPORTS;
  const transports = choose('transport', TRANSPORTS, options.transport, options.direct ? ['http'] : quick);
  return versions
    .flatMap((revision) => eras.flatMap((era) => transports.map((transport) => ({ revision, era, transport }))))
    .filter(({ era, transport }) => exists(era, transport))
    .filter(({ revision, era }) => !options.direct || era === 'dual' || era === eraOf(revision));
}

/** @param {string} revision */
const eraOf = (revision) => (revision === '2026-07-28' ? 'modern' : 'legacy');

/** @param {Run} run */
function baseline({ revision, era }) {
  if (options.direct) return expectedFailures('none');
  return expectedFailures(`${eraOf(revision) === 'modern' ? '2026-07-28' : '2025-11-25'}-${era}`);
}

/** @param {Run} run @returns {Promise<import('./lib/report.mjs').Row>} */
async function once(run) {
  const begin = performance.now();
  const { path, lists } = baseline(run);
  /** @type {import('./lib/expected.mjs').Result[]} */
  const results = [];
  const complain = (/** @type {string} */ scenario, /** @type {string} */ reason) =>
    results.push({ scenario, verdict: 'failed', reason, checks: [] });
  const upstream = await startUpstream(run.era, run.transport);
  try {
    const target = options.direct
      ? { url: upstream.url ?? '', stop: async () => 0 }
      : await startGateway(UPSTREAM, upstream.config, { view: options.view });
    try {
      const selection = options.scenario
        ? ['--scenario', options.scenario, '--spec-version', run.revision]
        : options.suite
          ? ['--suite', options.suite, '--spec-version', run.revision]
          : ['--requirements', run.revision];
      const known = path ? ['--expected-failures', path] : [];
      const { code, output, scenarios } = await runSuite(['server', '--url', target.url, ...selection, ...known]);
      if (/^SKIPPED: /m.test(output)) scenarios.clear();
      for (const [scenario, checks] of scenarios) results.push(judge(scenario, checks, lists.server ?? new Set()));
      if (scenarios.size === 0 && code !== 0) complain('(suite)', output.slice(-2000));
      else if (code !== 0 && !results.some(({ verdict }) => verdict === 'failed')) {
        complain('(suite)', `the suite ended with ${code}: ${output.slice(-500)}`);
      }
    } finally {
      const code = await target.stop();
      if (code !== 0) complain('(gateway)', `the gateway ended with ${code ?? 'a kill'} after SIGTERM`);
    }
  } catch (error) {
    complain('(setup)', error instanceof Error ? error.message : String(error));
  } finally {
    await upstream.stop();
  }
  return { name: [run.revision, run.era, run.transport], seconds: (performance.now() - begin) / 1000, results };
}

install();
const rows = [];
for (const run of matrix()) {
  const row = await once(run);
  const bad = row.results.filter(({ verdict }) => verdict === 'failed').length;
  print(`${bad === 0 ? '✓' : '✗'} ${row.name.join(' ')} (${row.seconds.toFixed(1)} s)`);
  printRow(row, options.verbose);
  rows.push(row);
}
process.exitCode = printTable(['revision', 'upstream', 'transport'], rows);
