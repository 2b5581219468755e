// `holdfast doctor`: each thing that is wrong is found, named, and comes with the step to take.
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { holdfast as run } from '../support/holdfast.ts';
import { processesWithEnvironment, waitGone } from '../support/processes.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

let home: string;
let config: string;
const servers: Server[] = [];
beforeEach(async () => {
  home = await makeTempDir('doctor');
  config = join(home, 'holdfast.json');
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  await removeDir(home);
});

interface Told {
  ok: boolean;
  findings: { check: string; upstream?: string; level: string; message: string; fix?: string }[];
}

async function doctor(args: string[] = [], env: Record<string, string> = {}) {
  const result = await run(['doctor', '--json', ...args], { home, env });
  expect(result.err).toBe('');
  return { code: result.code, ...(JSON.parse(result.out) as Told) };
}

async function listening(): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((done) => server.once('listening', done));
  return (server.address() as { port: number }).port;
}

describe('holdfast doctor', () => {
  it('finds everything in order, starts the servers for the check alone, and leaves none behind', async () => {
    const mark = `doctor-${process.pid}-${Date.now()}`;
    const upstreams = { u: { ...faulty('healthy'), env: { MARK: mark } } };
    await writeFile(config, JSON.stringify({ upstreams, server: { port: 0 } }), { mode: 0o600 });
    const result = await doctor();
    expect(result).toMatchObject({ code: 0, ok: true });
    const levels = new Set(result.findings.map(({ level }) => level));
    expect([...levels]).toEqual(['ok']);
    expect(result.findings).toContainEqual(
      expect.objectContaining({
        check: 'handshake',
        upstream: 'u',
        message: expect.stringMatching(/^ready in .*, 3 tools$/),
      }),
    );
    await waitGone(processesWithEnvironment('MARK', mark));
    const shown = await run(['doctor', '--no-start'], { home });
    expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/✓ u: command {2}.*\n\nnothing is broken$/s) });
    expect(shown.out).not.toContain('handshake');
  });

  it('names what is wrong with each server, with the step to take; no secret is shown (F-P11, F-P13, F-H9)', async () => {
    const closed = await listening();
    await new Promise((done) => servers.pop()?.close(done));
    const plain = await listening();
    await writeFile(join(home, 'script.sh'), '#!/bin/sh\n', { mode: 0o600 });
    await writeFile(
      config,
      JSON.stringify({
        server: { port: 0 },
        upstreams: {
          missing: { command: 'no-such-program' },
          denied: { command: './script.sh', cwd: home },
          variable: { command: 'node', env: { TOKEN: '${env:NOT_SET_HERE}' } },
          required: { command: 'node', requiredEnv: ['NEEDED'] },
          refused: { url: `http://127.0.0.1:${closed}/mcp`, headers: { Authorization: 'Bearer planted-secret-1' } },
          unknown: { url: 'http://no-such-host.invalid/mcp' },
          tls: { url: `https://127.0.0.1:${plain}/mcp` },
          off: { command: 'x', enabled: false },
          crash: faulty('crashes-at-every-start'),
          good: faulty('healthy'),
        },
      }),
      { mode: 0o644 },
    );
    const { code, findings } = await doctor();
    expect(code).toBe(1);
    const of = (upstream: string) => findings.find((one) => one.upstream === upstream && one.level !== 'ok');
    expect(of('missing')).toMatchObject({
      check: 'command',
      level: 'error',
      fix: expect.stringContaining('absolute path'),
    });
    expect(of('denied')).toMatchObject({ check: 'command', fix: expect.stringContaining('chmod +x') });
    expect(of('variable')).toMatchObject({ check: 'variables', fix: expect.stringContaining('NOT_SET_HERE') });
    expect(of('required')).toMatchObject({ check: 'variables', message: expect.stringContaining('NEEDED') });
    expect(of('refused')).toMatchObject({ check: 'tcp', message: expect.stringContaining('ECONNREFUSED') });
    expect(of('unknown')).toMatchObject({ check: 'dns', fix: expect.any(String) });
    expect(of('tls')).toMatchObject({ check: 'tls', level: 'error' });
    expect(of('off')).toMatchObject({ level: 'note', fix: 'holdfast enable off' });
    expect(of('crash')).toMatchObject({ check: 'handshake', level: 'error' });
    expect(of('good')).toBeUndefined();
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'permissions', level: 'warning', fix: expect.stringContaining('chmod 600') }),
    );
    expect(JSON.stringify(findings)).not.toContain('planted-secret-1');
    for (const one of findings) if (one.level === 'error') expect(one.fix, one.message).toBeTypeOf('string');
  });

  it('asks the running gateway: states, a ping, a refused configuration, its own files (F-K1, 10.14)', async () => {
    await using gateway = await startGateway({
      config: { upstreams: { u: faulty('healthy'), gone: { command: '/no/such' } } },
    });
    await gateway.upstreamsIn(['u']);
    await gateway.upstreamsIn(['gone'], 'failed');
    await chmod(join(gateway.dataDir, 'admin-token'), 0o644);
    await gateway.writeConfig('{ "upstreams": { "u": 7 } }');
    const refused = async () => /"rejected"/.test(await (await fetch(`${gateway.url}/health`)).text());
    await waitFor(refused, { what: 'the broken file to be refused' });
    const onto = ['--config', gateway.configPath, '--data-dir', gateway.dataDir];
    const { findings } = await doctor(onto);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'config', level: 'error', message: expect.stringContaining(':1:') }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'permissions',
        level: 'error',
        message: expect.stringContaining('admin-token'),
      }),
    );
    await chmod(join(gateway.dataDir, 'admin-token'), 0o600);
    await gateway.writeConfig({ upstreams: { u: faulty('healthy') } });
    await waitFor(async () => !(await refused()), { what: 'the mended file to be read' });
    const again = await doctor(onto);
    expect(again.findings).toContainEqual(
      expect.objectContaining({
        check: 'ping',
        upstream: 'u',
        level: 'ok',
        message: expect.stringMatching(/answers in \d+ ms/),
      }),
    );
    expect(again.findings).toContainEqual(
      expect.objectContaining({ check: 'port', message: expect.stringContaining(gateway.url) }),
    );
    expect(again.findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(again.code).toBe(0);
  });

  it('tells a taken port, and what to do where nothing is configured', async () => {
    const port = await listening();
    await writeFile(config, JSON.stringify({ upstreams: {}, server: { port } }));
    const taken = await doctor();
    expect(taken.findings).toContainEqual(expect.objectContaining({ check: 'port', level: 'warning' }));
    const nothing = await run(['doctor'], { home, cwd: '/', env: {} });
    expect(nothing).toMatchObject({ code: 0, out: expect.stringContaining('holdfast import') });
  });
});
