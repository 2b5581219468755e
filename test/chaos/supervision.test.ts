// Starts that go wrong, and what the management API tells and does about processes, on the whole gateway
// (requirements section 11: Start, Cooldown, Process).
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { processesUnder } from '../support/processes.ts';
import { RpcFailure, textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty, readLedger } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const client = (gateway: Gateway, upstream: string) => new ModernHttpClient(`${gateway.url}/mcp/${upstream}`);

/** The management API as its admin; the parsed answer. */
async function admin<T = Record<string, unknown>>(gateway: Gateway, method: string, path: string, body?: object) {
  const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const answer = await fetch(`${gateway.url}/api/v1${path}`, init);
  return { status: answer.status, json: (await answer.json()) as T };
}

const node = (script: string) => ({ command: process.execPath, args: ['-e', script] });

describe('starts (C-01, C-03, X-40)', () => {
  /** What is started, the state it ends in, and the class of fault that a call is told. */
  const STARTS: [string, object, string, string | undefined][] = [
    ['noise on stdout', faulty('noise-lines'), 'ready', undefined],
    ['a banner', faulty('banner'), 'ready', undefined],
    ['slow', faulty('slow-start', { set: { ms: 2_000 } }), 'ready', undefined],
    ['exit 0', node(''), 'cooling_down', 'COOLING_DOWN'],
    ['exit 1', node('console.log("ready, listening"); process.exit(1)'), 'cooling_down', 'COOLING_DOWN'],
    ['exit 78', node('process.exit(78)'), 'failed', 'UPSTREAM_START_FAILED'],
    ['killed', node('process.kill(process.pid, "SIGKILL")'), 'cooling_down', 'COOLING_DOWN'],
    ['a missing variable', { ...faulty('healthy'), requiredEnv: ['NOT_THERE'] }, 'failed', 'UPSTREAM_START_FAILED'],
    ['a missing program', { command: 'no-such-program' }, 'failed', 'UPSTREAM_START_FAILED'],
    ['a directory', { command: '/tmp' }, 'failed', 'UPSTREAM_START_FAILED'],
    ['a program that gives back what it is told', { command: 'cat' }, 'cooling_down', 'COOLING_DOWN'],
    ['an unknown version', faulty('unknown-version'), 'failed', 'UPSTREAM_START_FAILED'],
  ];

  it.each(STARTS)('%s', async (_, started, state, fault) => {
    await using gateway = await startGateway({ config: { upstreams: { u: started } } });
    await gateway.upstreamsIn(['u'], state, 40_000);
    await using caller = client(gateway, 'u');
    if (fault === undefined) {
      expect(textOf(await caller.call('write', { nonce: 'n' }))).toBe('n');
      return;
    }
    const failure: unknown = await caller.call('write', { nonce: 'n' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RpcFailure);
    expect((failure as RpcFailure).data).toMatchObject({ fault, upstream: 'u', delivery: 'not-sent' });
    // Started and successful never disagree: what was never ready was never said to be.
    expect(gateway.stderr).not.toMatch(/\bu\b.*→ ready/);
    expect((await gateway.health()).upstreams.u).toMatchObject({ tools: 0 });
  });

  it('a file that may not be executed', async () => {
    await withTempDir(async (folder) => {
      const command = join(folder, 'server.sh');
      await writeFile(command, '#!/bin/sh\n');
      await chmod(command, 0o644);
      await using gateway = await startGateway({ config: { upstreams: { u: { command } } } });
      const { upstreams } = await gateway.upstreamsIn(['u'], 'failed');
      expect(String(upstreams.u?.error)).toMatch(/EACCES|not executable|permission/i);
    });
  });

  it('hang: given up at the time to start, never taken for ready (F-P9)', async () => {
    const u = { ...faulty('never-handshakes'), timeouts: { start: 1 } };
    await using gateway = await startGateway({ config: { upstreams: { u, quick: faulty('healthy') } } });
    await gateway.upstreamsIn(['quick']);
    await waitFor(async () => /time|answer/.test(String((await gateway.health()).upstreams.u?.error)), {
      within: 20_000,
    });
    expect((await gateway.health()).upstreams.u?.state).not.toBe('ready');
  });
});

describe('what the management API tells and does', () => {
  it('C-04, C-02 a start that is asked for in a cool-down is skipped and told as such', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('crashes-at-every-start') } } });
    await gateway.upstreamsIn(['u'], 'cooling_down', 40_000);
    const { json } = await admin(gateway, 'POST', '/upstreams/u/restart');
    expect(json).toEqual({
      ok: false,
      state: 'cooling_down',
      skipped: 'cooling_down',
      retryAfterMs: expect.any(Number) as number,
    });
    expect((await admin(gateway, 'POST', '/upstreams/nobody/restart')).status).toBe(404);
    expect((await admin(gateway, 'POST', '/upstreams/u/restart?force=true')).json).toMatchObject({ ok: true });
  });

  it('C-05, C-07 what is told of a process is what /proc says, through a kill', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } } });
    await gateway.upstreamsIn();
    await using caller = client(gateway, 'u');
    await caller.call('read', { nonce: 'n' });
    const told = async () => (await admin<{ pid?: number; restarts: number }>(gateway, 'GET', '/upstreams/u')).json;
    const real = () => processesUnder(gateway.pid).find(({ command }) => command.includes('healthy.mjs'))?.pid;
    const before = await told();
    expect(before).toMatchObject({ state: 'ready', health: 'healthy', restarts: 0, failuresInRow: 0, pid: real() });
    process.kill(before.pid as number, 'SIGKILL');
    await waitFor(async () => (await told()).restarts === 1 && (await told()).pid !== undefined);
    expect(await told()).toMatchObject({ restarts: 1, pid: real(), lastExit: { signal: 'SIGKILL', code: null } });
    expect(real()).not.toBe(before.pid);
  });

  it('C-21, C-20 a rule about variables is added while it runs, and read back; no value is shown', async () => {
    const plain = faulty('healthy');
    await using gateway = await startGateway({ config: { upstreams: { u: plain } } });
    await gateway.upstreamsIn();
    const settings = { ...plain, requiredEnv: ['API_TOKEN'] };
    expect((await admin(gateway, 'PUT', '/upstreams/u', settings)).status).toBe(200);
    const { upstreams } = await gateway.upstreamsIn(['u'], 'failed');
    expect(String(upstreams.u?.error)).toContain('API_TOKEN');
    const shown = async () => (await admin<{ config: object }>(gateway, 'GET', '/upstreams/u')).json.config;
    expect(await shown()).toMatchObject({ requiredEnv: ['API_TOKEN'] });
    const env = { API_TOKEN: 'planted-9f3c' };
    expect((await admin(gateway, 'PUT', '/upstreams/u', { ...settings, env })).status).toBe(200);
    await gateway.upstreamsIn(['u'], 'ready');
    expect(await shown()).toMatchObject({ requiredEnv: ['API_TOKEN'], env: { API_TOKEN: '***' } });
    expect(gateway.stderr).not.toContain('planted-9f3c');
  });

  it('A-16, X-44 a check is a ping with a time, measured; one that is not answered says so, and leaves nothing', async () => {
    const health = { interval: '30s', timeout: '500ms' };
    await using gateway = await startGateway({ config: { upstreams: { u: { ...faulty('healthy'), health } } } });
    await gateway.upstreamsIn();
    const check = async () => (await admin(gateway, 'POST', '/upstreams/u/check')).json;
    const below = processesUnder(gateway.pid).length;
    expect(await check()).toEqual({ healthy: true, ms: expect.any(Number) as number });
    const [child] = processesUnder(gateway.pid);
    process.kill(child?.pid as number, 'SIGSTOP');
    expect(await check()).toEqual({
      healthy: false,
      detail: expect.stringMatching(/did not answer|stopped/) as string,
    });
    // It is found, replaced, and well again.
    await waitFor(async () => (await check()).healthy === true, { within: 20_000 });
    expect(processesUnder(gateway.pid).length).toBe(below);
  });

  it('B-26, X-84 the state of all is asked for at once; upstreams that are away make nobody unready', async () => {
    const upstreams = { up: faulty('healthy'), down: { command: 'no-such-program' } };
    await using gateway = await startGateway({ config: { upstreams } });
    await gateway.upstreamsIn(['up']);
    await gateway.upstreamsIn(['down'], 'failed');
    const get = async (path: string) => await fetch(gateway.url + path);
    const { connection_health } = (await (await get('/diagnostics')).json()) as { connection_health: object };
    expect(connection_health).toEqual({ up: true, down: false });
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
    expect((await get('/health?strict=1')).status).toBe(503);
  });

  it('X-84, X-86 while it drains it lives and is not ready', async () => {
    await withTempDir(async (folder) => {
      const ledger = join(folder, 'ledger');
      const u = faulty('slow-tool', { ledger, set: { ms: 1_500 } });
      // Whoever sends callers here gets time to look elsewhere.
      const server = { drainDelay: '2s' };
      await using gateway = await startGateway({ config: { server, upstreams: { u } } });
      await gateway.upstreamsIn();
      await using caller = client(gateway, 'u');
      const running = caller.call('write', { nonce: 'n', fault: true });
      await waitFor(() => readLedger(ledger).some(({ event }) => event === 'received'));
      gateway.program.signal('SIGTERM');
      const status = async (path: string) => (await fetch(gateway.url + path)).status;
      await waitFor(async () => (await status('/health/ready')) === 503);
      expect(await status('/health/live')).toBe(200);
      expect(textOf(await running)).toBe('n');
    });
  });

  it('X-25 every route that is published exists', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } } });
    await gateway.upstreamsIn();
    const { json } = await admin<{ paths: Record<string, object> }>(gateway, 'GET', '/openapi.json');
    const paths = Object.entries(json.paths).flatMap(([path, verbs]) => ('get' in verbs ? [path] : []));
    expect(paths.length).toBeGreaterThan(20);
    const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
    for (const path of paths) {
      // One that streams, and one that is there with a shared store only.
      if (path.includes('{') || /\/(events|cluster)$/.test(path)) continue;
      const url = `${gateway.url}${path.startsWith('/api/') ? '' : '/api/v1'}${path}`;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      await answer.body?.cancel();
      expect([path, answer.status]).not.toEqual([path, 404]);
      expect([path, answer.status < 500 || answer.status === 501]).toEqual([path, true]);
    }
    for (const path of [
      '/health',
      '/metrics',
      '/metrics/prometheus',
      '/diagnostics',
      '/status',
      '/docs',
      '/openapi.json',
    ])
      expect([path, (await fetch(gateway.url + path)).status]).toEqual([path, 200]);
  });
});
