// Starts a gateway with one upstream, waits until that one is healthy, stops it. The contract is requirements 12.1, 12.4.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { lineOf, start, stop } from './processes.mjs';

const MAIN = process.env.HOLDFAST_MAIN ?? fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const START = 30_000;
const POLL = 50;

/**
 * @param {string} name @param {object} upstream its configuration
 * @param {object} [options]
 * @param {boolean} [options.healthy] false: takes the upstream as soon as it is no longer starting
 * @param {string} [options.view] the view to be asked; by default the one of the upstream alone
 * @returns {Promise<{ url: string, base: string, api: (method: string, path: string) => Promise<any>, stop: () => Promise<number | null> }>} the URL of that view
 */
export async function startGateway(name, upstream, { healthy = true, view = name } = {}) {
  if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: run `npm run build` first');
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-conformance-'));
  const config = join(folder, 'holdfast.json');
  writeFileSync(config, JSON.stringify({ version: 1, naming: { prefix: 'never' }, upstreams: { [name]: upstream } }));
  const child = start(process.execPath, [
    ...[MAIN, 'serve', '--config', config, '--port', '0', '--data-dir', join(folder, 'data'), '--no-watch'],
  ]);
  const end = async () => {
    const code = await stop(child);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    return code;
  };
  try {
    const base = await lineOf(child, (line) => /^holdfast ready (http\S+)$/.exec(line)?.[1], START);
    await settled(base, name, healthy);
    const authorization = `Bearer ${readFileSync(join(folder, 'data', 'admin-token'), 'utf8').trim()}`;
    const api = async (/** @type {string} */ method, /** @type {string} */ path) => {
      const response = await fetch(`${base}/api/v1${path}`, { method, headers: { authorization } });
      const body = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${body}`);
      return JSON.parse(body);
    };
    return { url: `${base}/mcp/${view}`, base, api, stop: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** @param {string} base @param {string} name @param {boolean} healthy */
async function settled(base, name, healthy) {
  const deadline = Date.now() + START;
  for (;;) {
    const response = await fetch(`${base}/health`);
    const body = /** @type {any} */ (await response.json());
    const upstream = body.upstreams?.[name];
    if (upstream?.health === 'healthy') return;
    if (!healthy && upstream && upstream.state !== 'starting') return;
    if (Date.now() > deadline) throw new Error(`${name} did not become healthy: ${JSON.stringify(upstream ?? body)}`);
    await wait(POLL);
  }
}
