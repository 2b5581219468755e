// Disks that are full, read-only or lost in the middle: real file systems under a real gateway (F-D1, F-D3, F-D5, F-K12).
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { holdfast } from '../support/holdfast.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { textOf } from '../support/rpc.ts';
import { noSmallDisk, smallDisk } from '../support/small-disk.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const upstreams = { u: faulty('healthy') };
const patient = { within: 15_000, every: 50 };

/** The management API of a gateway. */
function apiOf(gateway: Gateway, token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()) {
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${gateway.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    ask,
    describe: (text: string) =>
      ask('PUT', '/config', {
        edits: [{ path: ['upstreams', 'u', 'description'], value: text }],
        reason: text,
      }),
    reasons: async () =>
      ((await ask('GET', '/config/versions')).body.versions as { reason: string }[]).map(({ reason }) => reason),
    open: async () =>
      ((await ask('GET', '/alerts')).body.open as { rule: string; message: string }[]).filter(
        ({ rule }) => rule === 'state_writes',
      ),
  };
}

const call = async (gateway: Gateway, nonce: string) =>
  textOf(await new ModernHttpClient(`${gateway.url}/mcp/u`).call('write', { nonce }));

/** Every document in a data directory can be read, and nothing half-written lies about. */
function whole(dataDir: string): void {
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    expect(entry.name).not.toMatch(/\.tmp$|damaged|corrupt/);
    if (entry.name.endsWith('.json')) JSON.parse(readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  }
}

describe.skipIf(noSmallDisk)(`a real small disk${noSmallDisk === undefined ? '' : ` (${noSmallDisk})`}`, () => {
  it('F-D1 state on a full disk: calls go on, an alert tells it, all is written when there is room again', async () => {
    await using disk = await smallDisk();
    const dataDir = join(disk.path, 'data');
    const config = { upstreams, log: { file: join(disk.path, 'gateway.log') } };
    const kept: string[] = [];
    {
      await using gateway = await startGateway({ config, dataDir });
      await gateway.upstreamsIn();
      const api = apiOf(gateway);
      expect((await api.describe('before')).body).toMatchObject({ version: 2 });
      await waitFor(() => existsSync(join(dataDir, 'catalog.json')));

      disk.fill();
      const full = await api.describe('on a full disk');
      expect(full).toMatchObject({ status: 200, body: { version: 3, notKept: 'ENOSPC' } });
      expect((await api.describe('still full')).body).toMatchObject({ version: 4, notKept: 'ENOSPC' });
      for (let n = 0; n < 20; n++) expect(await call(gateway, `full-${n}`)).toBe(`full-${n}`);
      const [alert] = await waitFor(async () => (await api.open()).length > 0 && (await api.open()), patient);
      expect(alert?.message).toMatch(/state cannot be written.*versions: ENOSPC/);
      expect((await gateway.health()).status).toBe('healthy');
      expect(await api.reasons()).not.toContain('still full');

      disk.free();
      await waitFor(async () => (await api.reasons()).includes('still full'), patient);
      expect(await call(gateway, 'room')).toBe('room');
      await waitFor(async () => (await api.open()).length === 0, { within: 40_000, every: 250 });
      expect((await api.describe('after')).body).toMatchObject({ version: 5 });
      kept.push(...(await api.reasons()).slice(-4));
      whole(dataDir);
      expect(readFileSync(join(disk.path, 'gateway.log'), 'utf8')).toContain('configuration 5 applied');
    }
    expect(kept).toEqual(['before', 'on a full disk', 'still full', 'after']);
    whole(dataDir);
  });

  it('F-D1 a start on a full disk serves from memory', async () => {
    await using disk = await smallDisk();
    disk.fill();
    await using gateway = await startGateway({ config: { upstreams }, dataDir: join(disk.path, 'data') });
    await gateway.upstreamsIn();
    expect(await call(gateway, 'n')).toBe('n');
    expect(gateway.stderr).toMatch(/cannot be written \(ENOSPC\); state is kept in memory only/);
  });

  it('F-K12 the configuration on a full disk: the API says it, the file and what runs stay as they were', async () => {
    await using disk = await smallDisk();
    await using gateway = await startGateway({ config: { upstreams } });
    // The file itself is on the small disk, behind a link as a mount would be.
    const file = join(disk.path, 'holdfast.json');
    const text = readFileSync(gateway.configPath, 'utf8');
    writeFileSync(file, text);
    rmSync(gateway.configPath);
    symlinkSync(file, gateway.configPath);
    await gateway.upstreamsIn();
    const api = apiOf(gateway);
    for (const [code, begin, end] of [
      ['ENOSPC', () => disk.fill(), () => disk.free()],
      ['EROFS', () => disk.readOnly(true), () => disk.readOnly(false)],
    ] as const) {
      begin();
      const before = await gateway.health();
      const refused = await api.describe(code);
      expect(refused.status).toBe(507);
      expect(JSON.stringify(refused.body)).toContain(`cannot be written (${code})`);
      const command = await holdfast(['add', 'v', '--data-dir', gateway.dataDir, '--', 'true'], { home: disk.path });
      expect(command).toMatchObject({ code: 1, err: expect.stringContaining(code) });
      expect(readFileSync(file, 'utf8')).toBe(text);
      expect((await gateway.health()).config).toEqual(before.config);
      expect(await api.reasons()).not.toContain(code);
      expect(await call(gateway, code)).toBe(code);
      end();
    }
    expect(readdirSync(disk.path)).toEqual(['holdfast.json']);
    expect(await api.describe('room')).toMatchObject({ status: 200 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ upstreams: { u: { description: 'room' } } });
  });

  it('F-D3 a read-only data directory: served from memory, said, and nothing is promised', async () => {
    await using disk = await smallDisk();
    const dataDir = join(disk.path, 'data');
    mkdirSync(dataDir);
    disk.readOnly(true);
    await using gateway = await startGateway({ config: { upstreams }, dataDir });
    await gateway.upstreamsIn();
    expect(await call(gateway, 'n')).toBe('n');
    expect(gateway.stderr).toMatch(/cannot be written \(EROFS\); state is kept in memory only/);
    expect(await (await fetch(`${gateway.url}/diagnostics`)).text()).toContain('memory only');
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

it('F-D5 a log file that is put aside, taken away or emptied is begun anew; no call waits for it', async () => {
  await withTempDir(async (folder) => {
    const file = join(folder, 'gateway.log');
    const config = { upstreams, log: { file, level: 'debug' }, storage: { callLog: { file: join(folder, 'calls') } } };
    await using gateway = await startGateway({ config });
    await gateway.upstreamsIn();
    const said = async (path: string, nonce: string) => {
      expect(await call(gateway, nonce)).toBe(nonce);
      return existsSync(path) && readFileSync(path, 'utf8').includes('"msg"');
    };
    await waitFor(() => said(file, 'a'), patient);
    for (const lose of [() => renameSync(file, `${file}.aside`), () => rmSync(file), () => writeFileSync(file, '')]) {
      lose();
      await waitFor(() => said(file, 'b'), patient);
    }
    rmSync(join(folder, 'calls'));
    await waitFor(async () => (await said(file, 'c')) && existsSync(join(folder, 'calls')), patient);
    // A folder in its place: lines are dropped, calls are not.
    rmSync(file);
    mkdirSync(file);
    await waitFor(
      async () => !(await said(file, 'd').catch(() => false)) && gateway.stderr.includes('EISDIR'),
      patient,
    );
    expect(await call(gateway, 'e')).toBe('e');
  });
});
