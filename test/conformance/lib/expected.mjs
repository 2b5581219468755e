// Which scenarios are known to fail, by name, and the verdict over one scenario: a listed one that passes is a failure.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Reads `expected-failures/<name>.yml`: two lists, `server:` and `client:`, of scenario names.
 * @param {string} name
 */
export function expectedFailures(name) {
  const path = fileURLToPath(new URL(`../expected-failures/${name}.yml`, import.meta.url));
  /** @type {Record<string, Set<string>>} */
  const lists = { server: new Set(), client: new Set() };
  if (!existsSync(path)) return { path: undefined, lists };
  let current = '';
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    current = /^(\w+):/.exec(line)?.[1] ?? current;
    const scenario = /^\s+- ([^\s#]+)/.exec(line)?.[1];
    if (scenario) lists[current]?.add(scenario);
  }
  return { path, lists };
}

/** Extensions that the gateway does not claim (MP27); the suite runs them unscored. */
const EXTENSIONS = /^(tasks-|sep-2640-|auth\/(enterprise|dpop|wif))/;

/**
 * @typedef {{ id: string, status: string, description?: string, errorMessage?: string, details?: unknown }} Check
 * @typedef {{ scenario: string, verdict: 'passed' | 'failed' | 'skipped', reason: string, checks: Check[] }} Result
 */

/** A warning counts like a failure: the suite's own baseline does the same. @param {Check} check */
const isBad = ({ status }) => status === 'FAILURE' || status === 'WARNING';

/**
 * @param {string} scenario @param {Check[]} checks
 * @param {Set<string>} known names of scenarios, or `scenario:check` for a single check of one
 * @returns {Result}
 */
export function judge(scenario, checks, known) {
  const bad = checks.filter(isBad);
  /** @param {Result['verdict']} verdict @param {string} reason */
  const result = (verdict, reason) => ({ scenario, verdict, reason, checks: bad });
  if (EXTENSIONS.test(scenario)) return result('skipped', 'extension');
  const excused = known.has(scenario) ? bad : bad.filter(({ id }) => known.has(`${scenario}:${id}`));
  const unexpected = bad.filter((check) => !excused.includes(check));
  if (unexpected.length > 0) {
    return result(
      'failed',
      unexpected.map(({ status, id, errorMessage = '' }) => `${status} ${id}: ${errorMessage}`).join('\n'),
    );
  }
  const stale = known.has(scenario) && bad.length === 0 ? [scenario] : staleChecks(scenario, checks, known);
  if (stale.length > 0) return result('failed', `listed as expected failure, but passes: ${stale.join(', ')}`);
  if (checks.length === 0) return result('failed', 'no check ran');
  return excused.length > 0 ? result('skipped', 'expected failure') : result('passed', '');
}

/** Listed checks that passed, however often they ran. @param {string} scenario @param {Check[]} checks @param {Set<string>} known */
function staleChecks(scenario, checks, known) {
  const passed = checks.filter(
    ({ status, id }) => status === 'SUCCESS' && !checks.some((one) => one.id === id && isBad(one)),
  );
  return [...new Set(passed.map(({ id }) => `${scenario}:${id}`))].filter((name) => known.has(name));
}
