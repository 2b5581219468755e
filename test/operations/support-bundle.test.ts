// `holdfast support-bundle` on a real gateway and beside one that is gone: all a report needs, and no planted secret.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTarGzip } from 'nanotar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { Program } from '../support/program.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;

const SECRETS = {
  environment: 'planted-Ev7rQx92Lm41',
  plainName: 'planted and quite ordinary',
  header: 'planted-Hd8sWz03Kn52',
  password: 'planted-Pw2qRt61Vb37',
  query: 'planted-Qy3wEr72Nc48',
  argument: 'planted-Ar4eTy83Xd59',
  replica: 'planted-Rp5rUi94Zf60',
  key: 'planted-Ky0uZb25Hq74',
  endpoint: 'planted-Ep6tOp05Sg71',
  sink: 'planted-Sk1yAs16Dh82',
  webhook: 'planted-Wh7uDf27Fj93',
  tracing: 'planted-Tr8iGh38Gk04',
  called: 'planted-Cl9oJk49Hl15',
};

const dir = mkdtempSync(join(tmpdir(), 'bundle-'));
const dataDir = join(dir, 'data');
const spill = `console.error('I was given', process.env.API_TOKEN, process.argv[2]); process.exit(1)`;
const config = {
  upstreams: {
    good: { ...faulty('healthy'), env: { API_TOKEN: SECRETS.environment, GREETING: SECRETS.plainName } },
    spills: {
      command: process.execPath,
      args: ['-e', spill, '--', '--api-key', SECRETS.argument, `--password=${SECRETS.argument}`],
      env: { API_TOKEN: SECRETS.environment },
    },
    missing: { command: '/nowhere/at/all', replicas: [{ env: { API_TOKEN: SECRETS.replica } }] },
    remote: {
      url: `http://user:${SECRETS.password}@127.0.0.1:9/mcp?token=${SECRETS.query}`,
      headers: { authorization: `Bearer ${SECRETS.header}` },
    },
  },
  endpoints: [`ws://127.0.0.1:9/mcp/?token=${SECRETS.endpoint}`],
  keys: [{ name: 'team', key: SECRETS.key, roles: ['read', 'call', 'admin'] }],
  monitor: {
    rules: [{ name: 'upstream_down', warning: 0.1, window: '1s' }],
    sinks: [{ type: 'webhook', url: `http://127.0.0.1:9/hook/${SECRETS.webhook}`, secret: SECRETS.sink }],
  },
  tracing: { enabled: true, endpoint: 'http://127.0.0.1:9/v1/traces', headers: { 'x-api-key': SECRETS.tracing } },
  log: { file: join(dir, 'gateway.log'), level: 'debug' },
  storage: { dir: dataDir, callLog: { arguments: 'redacted' } },
};

/** Every text of an archive, by its name without the folder. */
async function read(file: string): Promise<Map<string, string>> {
  const entries = await parseTarGzip(readFileSync(file));
  return new Map(entries.map(({ name, text }) => [name.replace(/^[^/]+\//, ''), text]));
}

async function bundle(gateway: Gateway, name: string, ...args: string[]) {
  const output = join(dir, name);
  const program = new Program(process.execPath, {
    args: [MAIN, 'support-bundle', '--config', gateway.configPath, '--output', output, '--json', ...args],
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', HOME: dir },
  });
  const { code } = await program.exited;
  expect(program.stderr).toBe('');
  expect(code).toBe(0);
  expect(statSync(output).mode & 0o777).toBe(0o600);
  return {
    told: JSON.parse(program.lines.join('')) as { gateway: boolean; files: string[] },
    files: await read(output),
  };
}

function holdsNoSecret(files: ReadonlyMap<string, string>): void {
  for (const [file, text] of files)
    for (const [kind, secret] of Object.entries(SECRETS))
      for (const spelling of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -3)])
        expect([file, kind, text.includes(spelling)]).toEqual([file, kind, false]);
}

describe('holdfast support-bundle', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ config, dataDir });
    await gateway.upstreamsIn(['good']);
    await gateway.upstreamsIn(['spills'], 'cooling_down', 30_000);
    const caller = new ModernHttpClient(`${gateway.url}/mcp/good`, {
      headers: { authorization: `Bearer ${SECRETS.key}` },
    });
    await caller.call('write', { nonce: 'seen', password: SECRETS.called });
    const log = join(dataDir, 'calls.jsonl');
    await waitFor(() => existsSync(log) && readFileSync(log, 'utf8').includes('"write"'));
  });
  afterAll(async () => {
    await gateway.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('holds what the gateway says, the configuration, what is on disk; planted secrets: 0 (X-67)', async () => {
    const { told, files } = await bundle(gateway, 'running.tar.gz', '--api-key', SECRETS.key);
    expect(told.gateway).toBe(true);
    expect([...files.keys()].sort()).toEqual([...told.files].sort());
    for (const name of [
      'health',
      'diagnostics',
      'metrics',
      'alerts',
      'rules',
      'upstreams',
      'config',
      'calls',
      'samples',
    ])
      expect(told.files).toContain(`gateway/${name}.json`);
    const parsed = (name: string) => JSON.parse(files.get(name) ?? 'null');
    expect(parsed('gateway/health.json').upstreams.spills.stderr.join()).toContain('I was given ***');
    expect(parsed('gateway/config.json').upstreams.good.env).toEqual({ API_TOKEN: '***', GREETING: '***' });
    expect(parsed('gateway/calls.json')).toMatchObject([{ upstream: 'good', subject: 'write', outcome: 'result' }]);
    expect(parsed('gateway/metrics.json').performance.good.tokens_saved).toBe(0);
    expect(files.get('logs/gateway.log')).toContain('"upstream":"spills"');
    expect(files.get('logs/calls.jsonl')).toContain('"write"');
    expect(files.get('logs/calls.jsonl')).not.toContain('arguments');
    holdsNoSecret(files);
  });

  it('says what can be said when the gateway is gone', async () => {
    await gateway.stop({ within: 60_000 });
    // The configuration went with the gateway's folder; the archive is made of what is left and of a copy.
    const copy = { ...gateway, configPath: join(dir, 'copy.json') };
    writeFileSync(copy.configPath, JSON.stringify(config));
    const { told, files } = await bundle(copy, 'gone.tar.gz');
    expect(told.gateway).toBe(false);
    expect(files.get('gateway.txt')).toContain(`no gateway is running on ${dataDir}`);
    const { commands, effective } = JSON.parse(files.get('configuration.json') as string);
    expect(commands).toMatchObject({ good: process.execPath, missing: expect.stringContaining('was not found') });
    expect(effective.upstreams.remote.headers).toEqual({ authorization: '***' });
    expect(effective.upstreams.spills.args).toContain('--password=***');
    const { files: kept } = JSON.parse(files.get('data-directory.json') as string) as { files: { name: string }[] };
    expect(kept.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['admin-token', 'calls.jsonl', 'catalog.json']),
    );
    expect(files.get('logs/gateway.log')).toBeDefined();
    expect([...files.values()].join()).not.toContain(readFileSync(join(dataDir, 'admin-token'), 'utf8').trim());
    holdsNoSecret(files);
  });

  it('tells the problems of a configuration that cannot be read, and not its text', async () => {
    const configPath = join(dir, 'broken.json');
    writeFileSync(configPath, `{"upstreams": {"a": {"comand": "${SECRETS.argument}"}}`);
    const { files } = await bundle({ ...gateway, configPath }, 'broken.tar.gz');
    expect(JSON.parse(files.get('configuration.json') as string)).toEqual({
      file: configPath,
      problems: expect.any(Array),
    });
    holdsNoSecret(files);
  });
});
