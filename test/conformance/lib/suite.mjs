// The official suite: installed on demand, apart from the project, and run with the Node it needs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from './processes.mjs';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const NODE = join(HOME, 'node_modules/node/bin/node');
const SUITE = join(HOME, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

/** Installs what the lock file says, once. */
export function install() {
  if (existsSync(NODE) && existsSync(SUITE)) return;
  process.stderr.write('Installing the conformance suite and its Node …\n');
  const done = spawnSync('npm', ['ci', '--prefix', HOME, '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (done.status !== 0) throw new Error(`npm ci ended with ${done.status ?? done.signal ?? done.error}`);
  if (!existsSync(NODE)) throw new Error('npm did not run the install script of `node`, which fetches the binary');
}

/** The client scenarios of one revision, by name. @param {string} version */
export function clientScenarios(version) {
  const list = spawnSync(NODE, [SUITE, 'list', '--client', '--spec-version', version], { encoding: 'utf8' });
  return [...list.stdout.matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => String(name));
}

/**
 * Runs the suite and reads what each scenario checked.
 * @param {string[]} args without the output directory
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number | null, output: string, scenarios: Map<string, import('./expected.mjs').Check[]> }>}
 */
export async function runSuite(args, { env } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-results-'));
  try {
    const child = start(NODE, [SUITE, ...args, '--output-dir', folder], {
      cwd: folder,
      env: { ...process.env, ...env, NO_COLOR: '1' },
    });
    child.stdin.end();
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk;
      });
    }
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return { code, output, scenarios: readChecks(folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** A folder per scenario (`auth/…` one level deeper), named `[server-]<scenario>-<time>`. @param {string} folder */
function readChecks(folder) {
  /** @type {Map<string, import('./expected.mjs').Check[]>} */
  const scenarios = new Map();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const scenario = /^(?:server-)?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(path)?.[1];
    if (!scenario) continue;
    const file = join(folder, path, 'checks.json');
    scenarios.set(scenario, existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []);
  }
  return scenarios;
}
