// Rules and secrets of a configuration that is changed over the management API, and mcpo's own file served as it is.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { processesUnder } from '../support/processes.ts';
import { faulty } from '../support/upstream.ts';

async function api(gateway: Gateway, method: string, path: string, body?: object) {
  const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
  const response = await fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

it('a rule about variables is added and read while the gateway runs; what it wants is named (C-20, C-21)', async () => {
  await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy'), v: faulty('healthy') } } });
  await gateway.upstreamsIn();
  const set = (key: string, value: unknown) =>
    api(gateway, 'PUT', '/config', { edits: [{ path: ['upstreams', 'u', key], value }] });
  expect(await set('requiredEnv', ['NEEDED_HERE'])).toMatchObject({
    status: 200,
    body: { plan: { restarted: ['u'] } },
  });
  const { upstreams } = await gateway.upstreamsIn(['u'], 'failed');
  expect(JSON.stringify(upstreams.u?.error)).toContain('NEEDED_HERE');
  expect(upstreams.v?.state).toBe('ready');
  const effective = await api(gateway, 'GET', '/config/effective');
  expect(effective.body).toMatchObject({ upstreams: { u: { requiredEnv: ['NEEDED_HERE'] } } });
  expect(await set('env', { NEEDED_HERE: 'x' })).toMatchObject({ status: 200 });
  await gateway.upstreamsIn(['u']);
});

it('secrets are masked when the configuration is read, and kept when it is written back (X-12)', async () => {
  const secret = 'planted-Zu66-in-the-file';
  const u = { ...faulty('healthy'), env: { API_TOKEN: secret }, description: 'before' };
  await using gateway = await startGateway({ config: { upstreams: { u } } });
  await gateway.upstreamsIn();
  const shown = (await api(gateway, 'GET', '/config')).body as { text: string; etag: string };
  expect(shown.text).toContain('"***"');
  expect(shown.text).not.toContain(secret);
  const [before] = processesUnder(gateway.pid);
  const text = shown.text.replace('before', 'after');
  expect(await api(gateway, 'PUT', '/config', { text, etag: shown.etag })).toMatchObject({
    status: 200,
    body: { plan: { restarted: [], updated: ['u'] } },
  });
  expect(JSON.parse(await readFile(gateway.configPath, 'utf8'))).toMatchObject({
    upstreams: { u: { description: 'after', env: { API_TOKEN: secret } } },
  });
  expect(processesUnder(gateway.pid)[0]?.pid).toBe(before?.pid);
  expect(await api(gateway, 'PUT', '/config', { text, etag: shown.etag })).toMatchObject({ status: 409 });
});

it("mcpo's file with comments, disabledTools and headers to forward is served as it is (E-02, U-02)", async () => {
  const { command, args } = faulty('healthy');
  await using gateway = await startGateway({
    config: `{
  // Copied from the README, comments included.
  "mcpServers": {
    "one": {
      "command": ${JSON.stringify(command)}, "args": ${JSON.stringify(args)},
      "disabledTools": ["put"], /* not this one */
    },
    "two": { "type": "sse", "url": "http://127.0.0.1:9/sse", "client_header_forwarding": { "enabled": true, "whitelist": ["X-User-*"] } },
  },
}`,
  });
  await gateway.upstreamsIn(['one']);
  const { paths } = (await (await fetch(`${gateway.url}/one/openapi.json`)).json()) as { paths: object };
  expect(Object.keys(paths)).toEqual(['/read', '/write']);
  const effective = await api(gateway, 'GET', '/config/effective');
  expect(effective.body).toMatchObject({
    upstreams: { two: { transport: 'sse', forwardHeaders: { enabled: true, allow: ['X-User-*'] } } },
  });
});
