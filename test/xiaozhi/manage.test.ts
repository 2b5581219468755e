// Endpoints changed while the gateway runs, by API and command line, without touching the others; custom tools on them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts';
import { Program } from '../support/program.ts';
import { type CloudConnection, CloudSimulator, type Message, tokenFor } from './simulators/cloud.ts';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
const SERVER = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const upstreams = { plain: { command: process.execPath, args: [SERVER] } };

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function cloudOf(): Promise<CloudSimulator> {
  const cloud = await CloudSimulator.start({ deadline: 5_000, followsChanges: true });
  ends.push(() => cloud.stop());
  return cloud;
}

async function gatewayOf(options: GatewayOptions): Promise<Gateway> {
  const gateway = await startGateway(options);
  ends.push(() => gateway.stop());
  return gateway;
}

async function api(gateway: Gateway, method: string, path: string, body?: unknown) {
  const key = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
  const response = await fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Message };
}

async function holdfast(gateway: Gateway, ...args: string[]) {
  const program = new Program(process.execPath, {
    args: [MAIN, 'endpoint', ...args, '--data-dir', gateway.dataDir],
    env: { PATH: process.env.PATH ?? '', HOME: gateway.dataDir },
  });
  const { code } = await program.exited;
  return { code, out: program.lines.join('\n'), err: program.stderr };
}

const entries = async (gateway: Gateway) =>
  (JSON.parse(await readFile(gateway.configPath, 'utf8')) as { endpoints: unknown }).endpoints;
const secretParts = (...tokens: string[]) => tokens.flatMap((token) => token.split('.').slice(1));

/** Still the only connection of its token, open and answering. */
async function untouched(cloud: CloudSimulator, token: string, connection: CloudConnection): Promise<void> {
  expect(cloud.of(token)).toEqual([connection]);
  expect(connection.socket.readyState).toBe(1);
  expect(await connection.request('ping')).toMatchObject({ result: {} });
}

describe('endpoints by the management API (D-09, X-67)', () => {
  it('adds to a single address, replaces, disconnects, connects and removes; the other socket stays', async () => {
    const cloud = await cloudOf();
    const [one, two, three] = [tokenFor(1), tokenFor(2), tokenFor(3)];
    const opened = cloud.next();
    const gateway = await gatewayOf({ config: { upstreams, endpoints: cloud.url(one) } });
    const first = await opened;
    await first.message(({ id }) => id === 0);

    const addition = cloud.next();
    const added = await api(gateway, 'POST', '/endpoints', { url: cloud.url(two), name: 'kitchen', maxTools: 2 });
    expect(added).toMatchObject({ status: 201, body: { name: 'kitchen', endpoint: { name: 'kitchen' } } });
    const second = await addition;
    expect(await entries(gateway)).toEqual([cloud.url(one), { url: cloud.url(two), name: 'kitchen', maxTools: 2 }]);

    const again = await api(gateway, 'POST', '/endpoints', { url: cloud.url(one) });
    expect(again).toMatchObject({ status: 409, body: { detail: 'the endpoint "agent_1" has this address already' } });
    const wrong = await api(gateway, 'POST', '/endpoints', { url: `http://x.example/?token=${three}` });
    expect(wrong.status).toBe(422);

    // Settings alone need no new connection; an address does.
    const kept = await api(gateway, 'PUT', '/endpoints/kitchen', { maxTools: 1 });
    expect(kept).toMatchObject({ status: 200, body: { name: 'kitchen', endpoint: { tools: { listed: 1 } } } });
    await untouched(cloud, two, second);
    const replacement = cloud.next();
    const replaced = await api(gateway, 'PUT', '/endpoints/kitchen', { url: cloud.url(three) });
    expect(replaced).toMatchObject({ status: 200, body: { name: 'kitchen', endpoint: { agent: '3' } } });
    expect(await second.closed).toMatchObject({ code: 1000 });
    const third = await replacement;
    expect(third.url).toContain(three);
    expect(await entries(gateway)).toEqual([cloud.url(one), { name: 'kitchen', url: cloud.url(three) }]);

    expect((await api(gateway, 'POST', '/endpoints/kitchen/disconnect')).body).toEqual({ ok: true });
    expect(await third.closed).toMatchObject({ code: 1000 });
    const back = cloud.next();
    expect((await api(gateway, 'POST', '/endpoints/kitchen/connect')).body).toEqual({ ok: true });
    const fourth = await back;

    const listed = await api(gateway, 'GET', '/endpoints');
    expect((listed.body.endpoints as Message[]).map(({ name }) => name)).toEqual(['agent_1', 'kitchen']);
    const removed = await api(gateway, 'DELETE', '/endpoints/kitchen');
    expect(removed.status).toBe(200);
    expect(await fourth.closed).toMatchObject({ code: 1000 });
    expect(await entries(gateway)).toEqual([cloud.url(one)]);
    for (const path of ['/endpoints/kitchen', '/endpoints/kitchen/connect'])
      expect((await api(gateway, path.endsWith('connect') ? 'POST' : 'DELETE', path)).status).toBe(404);
    await untouched(cloud, one, first);
    const told = [added, again, wrong, kept, replaced, listed, removed].map(({ text }) => text).join('\n');
    for (const part of secretParts(one, two, three)) {
      expect(told).not.toContain(part);
      expect(gateway.stderr).not.toContain(part);
    }
  });

  it('keeps the endpoints of a foreign file beside added ones, and leaves those of a variable alone (10.16)', async () => {
    const cloud = await cloudOf();
    const [one, two, three] = [tokenFor(1), tokenFor(2), tokenFor(3)];
    const config = JSON.stringify({ mcpEndpoint: [cloud.url(one)], mcpServers: upstreams });
    const gateway = await gatewayOf({
      config,
      configName: 'xiaozhi.config.json',
      env: { MCP_ENDPOINT: cloud.url(two) },
    });
    await expect.poll(() => [...cloud.of(one), ...cloud.of(two)].length).toBe(2);
    const first = cloud.of(one)[0] as CloudConnection;
    expect(await api(gateway, 'POST', '/endpoints', { url: cloud.url(three) })).toMatchObject({
      status: 201,
      body: { name: 'agent_3' },
    });
    await expect.poll(() => cloud.of(three).length).toBe(1);
    const third = cloud.of(three)[0] as CloudConnection;
    expect(await api(gateway, 'DELETE', '/endpoints/agent_2')).toMatchObject({ status: 409 });
    expect(await api(gateway, 'DELETE', '/endpoints/agent_3')).toMatchObject({ status: 200 });
    expect(await third.closed).toMatchObject({ code: 1000 });
    await untouched(cloud, one, first);
    expect(await readFile(gateway.configPath, 'utf8')).toBe(config);
  });
});

describe('holdfast endpoint (D-50)', () => {
  it('lists, adds, disconnects, connects and removes, and prints no token', async () => {
    const cloud = await cloudOf();
    const [one, two] = [tokenFor(1), tokenFor(2)];
    const opened = cloud.next();
    const gateway = await gatewayOf({ config: { upstreams, endpoints: [cloud.url(one)] } });
    const first = await opened;
    const addition = cloud.next();
    const added = await holdfast(gateway, 'add', cloud.url(two), '--name', 'hall');
    expect(added).toMatchObject({ code: 0, out: 'added hall' });
    const second = await addition;
    const listed = await holdfast(gateway, 'list');
    expect(listed.code).toBe(0);
    expect(listed.out).toMatch(/^agent_1 .*token=\*\*\*.*\nhall .* tools /);
    const json = await holdfast(gateway, 'list', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ endpoints: [{ name: 'agent_1' }, { name: 'hall' }] });
    expect(await holdfast(gateway, 'disconnect', 'hall')).toMatchObject({ code: 0, out: 'disconnected hall' });
    expect(await second.closed).toMatchObject({ code: 1000 });
    const back = cloud.next();
    expect(await holdfast(gateway, 'connect', 'hall')).toMatchObject({ code: 0, out: 'connected hall' });
    const third = await back;
    expect(await holdfast(gateway, 'remove', 'hall')).toMatchObject({ code: 0, out: 'removed hall' });
    expect(await third.closed).toMatchObject({ code: 1000 });
    const gone = await holdfast(gateway, 'remove', 'hall');
    expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('no endpoint called "hall"') });
    expect(await holdfast(gateway, 'remove')).toMatchObject({ code: 2 });
    const wrong = await holdfast(gateway, 'add', `http://x.example/?token=${two}`);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('ws:// or wss://') });
    await untouched(cloud, one, first);
    for (const { out, err } of [added, listed, json, gone, wrong])
      for (const part of secretParts(one, two)) expect(out + err).not.toContain(part);
  });

  it('replaces the address or a setting of one, keeps the rest of it, and leaves the others alone (D-09)', async () => {
    const cloud = await cloudOf();
    const [one, two, three] = [tokenFor(1), tokenFor(2), tokenFor(3)];
    const opened = cloud.next();
    const gateway = await gatewayOf({
      config: { upstreams, endpoints: [cloud.url(one), { url: 'ws://127.0.0.1:1/', name: 'hall', maxTools: 7 }] },
    });
    const first = await opened;
    const moved = cloud.next();
    const replaced = await holdfast(gateway, 'replace', 'hall', cloud.url(two));
    expect(replaced).toMatchObject({ code: 0, out: 'replaced hall' });
    expect((await moved).url).toContain(two);
    expect(await entries(gateway)).toEqual([cloud.url(one), { url: cloud.url(two), name: 'hall', maxTools: 7 }]);
    const again = cloud.next();
    const set = await holdfast(gateway, 'set', 'hall', cloud.url(three), '--group', 'home', '--json');
    expect(JSON.parse(set.out)).toMatchObject({ name: 'hall', endpoint: { agent: '3', group: 'home' } });
    await again;
    expect(first.socket.readyState).toBe(1);
    const named = await holdfast(gateway, 'replace', 'agent_1', '--name', 'kitchen');
    expect(named).toMatchObject({ code: 0, out: 'replaced kitchen' });
    expect(await entries(gateway)).toEqual([
      { url: cloud.url(one), name: 'kitchen' },
      { url: cloud.url(three), name: 'hall', maxTools: 7, group: 'home' },
    ]);
    const taken = await holdfast(gateway, 'replace', 'hall', cloud.url(one));
    expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('"kitchen" has this address already') });
    expect(await holdfast(gateway, 'replace', 'hall')).toMatchObject({ code: 2 });
    for (const { out, err } of [replaced, set, taken])
      for (const part of secretParts(one, two, three)) expect(out + err).not.toContain(part);
  });

  it('reads an address from stdin, where no list of processes shows it (X-67)', async () => {
    const cloud = await cloudOf();
    const gateway = await gatewayOf({ config: { upstreams } });
    const program = new Program(process.execPath, {
      args: [MAIN, 'endpoint', 'add', '-', '--data-dir', gateway.dataDir],
      env: { PATH: process.env.PATH ?? '', HOME: gateway.dataDir },
    });
    const opened = cloud.next();
    program.child.stdin?.end(`${cloud.url(tokenFor(7))}\n`);
    expect(await program.exited).toMatchObject({ code: 0 });
    expect((await opened).url).toContain(tokenFor(7));
    expect(await entries(gateway)).toEqual([cloud.url(tokenFor(7))]);
  });

  it('ends with 5 where no gateway runs (12.1)', async () => {
    const gateway = await gatewayOf({ config: { upstreams } });
    const elsewhere = { ...gateway, dataDir: join(gateway.dataDir, 'elsewhere') };
    expect(await holdfast(elsewhere, 'list')).toMatchObject({ code: 5 });
  });
});

describe('custom tools on an endpoint (10.12, D-40)', () => {
  const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
  const handler = { type: 'mcp', config: { serviceName: 'plain', toolName: 'echo' } };
  const tool = (name: string) => ({ name, description: name, inputSchema, handler });

  it('have no prefix, win a name, and are all that the view custom shows', async () => {
    const cloud = await cloudOf();
    const [one, two] = [tokenFor(1), tokenFor(2)];
    const gateway = await gatewayOf({
      config: {
        upstreams,
        naming: { prefix: 'never' },
        customTools: { tools: [tool('say'), tool('echo')] },
        endpoints: [cloud.url(one), { url: cloud.url(two), view: 'custom' }],
      },
    });
    await gateway.upstreamsIn(['plain']);
    await expect.poll(() => [...cloud.of(one), ...cloud.of(two)].length).toBe(2);
    const [all, own] = [cloud.of(one)[0], cloud.of(two)[0]] as [CloudConnection, CloudConnection];
    await expect.poll(() => own.list(), { timeout: 10_000 }).toEqual(['say', 'echo', 'get_result']);
    const names = await all.list();
    expect(names).toEqual(expect.arrayContaining(['say', 'echo', expect.stringMatching(/^echo_[0-9a-f]{6}$/)]));
    expect(names.filter((name) => name.startsWith('custom'))).toEqual([]);
    for (const connection of [all, own]) expect(await connection.text('say', { text: 'hi' })).toContain('hi');
    expect(gateway.stderr).not.toContain('there is no view');
  });
});
