// Alerts on upstreams that really die, fail, are slow and grow: raised, made worse, over; and told to a webhook.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { memoryOfMachine } from '../../src/operations/sampler.ts';
import { PlainHttp } from '../servers/plain/http.ts';
import { startGateway } from '../support/gateway.ts';
import { NO_REDIS, startRedis } from '../support/redis.ts';
import { faulty, startUpstream } from '../support/upstream.ts';
import { CloudSimulator } from '../xiaozhi/simulators/cloud.ts';
import { ADMIN, type AdminHouse, startAdminHouse } from './support/admin-house.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const admin = { authorization: `Bearer ${ADMIN}` };
const houses: AdminHouse[] = [];
afterEach(() => Promise.all(houses.splice(0).map((house) => house.stop())));

async function start(config: Parameters<typeof startAdminHouse>[0]): Promise<AdminHouse> {
  const house = await startAdminHouse(config);
  houses.push(house);
  return house;
}

interface Alert {
  id: string;
  rule: string;
  subject: string;
  severity: string;
  message: string;
  action?: string;
}
const open = async (house: AdminHouse) => {
  await house.operations.look();
  return ((await house.get('/api/v1/alerts', admin)).json as { open: Alert[] }).open;
};
const severityOf = async (house: AdminHouse, rule: string) =>
  (await open(house)).find((one) => one.rule === rule)?.severity;
/** What the event stream was told of a rule, in order. */
const told = (house: AdminHouse, wanted: string) =>
  house.seen.flatMap((event) =>
    'rule' in event && event.rule === wanted ? [`${event.type.slice('alert.'.length)} ${event.severity}`] : [],
  );
/** The alert ends by itself. */
const over = (house: AdminHouse, rule: string, timeout = 30_000) =>
  expect.poll(() => severityOf(house, rule), { timeout, interval: 500 }).toBeUndefined();
const call = (house: AdminHouse, tool: string, args: object) =>
  house.send('POST', `/api/v1/tools/a/${tool}/call`, { arguments: args }, admin);

describe('default rules on real faults, with short windows (C-52, X-46, 10.22)', () => {
  it('upstream_down and high_error_rate: a server that is gone and comes back', async () => {
    await using server = await startUpstream('healthy', {});
    const told: { event: string; alert: Alert }[] = [];
    const hook = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => {
        told.push(JSON.parse(body) as (typeof told)[number]);
        response.end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const house = await start({
      upstreams: { a: { url: server.url, timeouts: { ready: '200ms' } } },
      monitor: {
        rules: [
          { name: 'upstream_down', warning: 0.1, error: 0.5, critical: 1, window: '300ms' },
          { name: 'high_error_rate', window: '5s' },
        ],
        sinks: [{ type: 'webhook', url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` }],
      },
    });
    await house.ready();
    expect(await open(house)).toEqual([]);
    await server.stop();
    void call(house, 'read', { nonce: 'first' });
    await expect.poll(() => severityOf(house, 'upstream_down'), { timeout: 8000, interval: 20 }).toBe('warning');
    for (let n = 0; n < 12; n++) await call(house, 'read', { nonce: `n${n}` });
    await expect.poll(() => severityOf(house, 'upstream_down'), { timeout: 8000 }).toBe('critical');
    expect(await severityOf(house, 'high_error_rate')).toBe('critical');
    const [issue] = ((await house.get('/diagnostics')).json as { issues: { title: string; evidence: string }[] })
      .issues;
    expect(issue?.evidence).toContain('above');
    await using again = await startUpstream('healthy', { port: server.port });
    expect(again.port).toBe(server.port);
    // With nobody waiting the next dial may be half a minute away.
    await house.send('POST', '/api/v1/upstreams/a/restart', undefined, admin);
    await house.ready();
    await expect.poll(() => severityOf(house, 'upstream_down'), { timeout: 8000 }).toBeUndefined();
    await expect.poll(() => severityOf(house, 'high_error_rate'), { timeout: 25_000, interval: 500 }).toBeUndefined();
    const sequence = (rule: string) =>
      told.filter(({ alert }) => alert.rule === rule).map(({ event, alert }) => `${event} ${alert.severity}`);
    await expect.poll(() => sequence('high_error_rate')).toEqual(['alert.raised critical', 'alert.resolved critical']);
    expect(sequence('upstream_down')[0]).toBe('alert.raised warning');
    expect(sequence('upstream_down').at(-1)).toMatch(/^alert.resolved/);
    expect(sequence('upstream_down')).toContain('alert.changed critical');
    const { connection } = (await house.get('/metrics')).json as { connection: { reconnects_ok: number } };
    expect(connection.reconnects_ok).toBe(1);
    await new Promise((resolve) => hook.close(resolve));
  }, 60_000);

  it('slow_response_time: a tool that takes its time', async () => {
    const house = await start({
      upstreams: { a: faulty('slow-tool', { set: { ms: 300 } }) },
      monitor: { rules: [{ name: 'slow_response_time', warning: 100, error: 200, critical: 1000, window: '5s' }] },
    });
    await house.ready();
    await Promise.all([1, 2, 3, 4].map((n) => call(house, 'read', { nonce: `s${n}`, fault: true })));
    expect(await severityOf(house, 'slow_response_time')).toBe('error');
    const seconds = Date.now();
    await expect
      .poll(() => severityOf(house, 'slow_response_time'), { timeout: 25_000, interval: 500 })
      .toBeUndefined();
    expect(Date.now() - seconds).toBeGreaterThan(4000);
  }, 40_000);

  it('high_cpu_usage with action restart: a server that spins is started anew', async () => {
    const house = await start({
      upstreams: { a: faulty('spins') },
      monitor: {
        rules: [{ name: 'high_cpu_usage', warning: 8, error: 16, critical: 24, window: '300ms', action: 'restart' }],
      },
    });
    await house.ready();
    const before = house.fleet.get('a')?.facts().pid;
    void call(house, 'write', { nonce: 'spin', fault: true }).catch(() => undefined);
    let seen: Alert | undefined;
    const end = Date.now() + 15_000;
    while (seen?.severity !== 'critical' && Date.now() < end) {
      seen = (await open(house)).find(({ rule }) => rule === 'high_cpu_usage') ?? seen;
      await sleep(100);
    }
    expect(seen).toMatchObject({ severity: 'critical', action: 'restarted' });
    await expect.poll(() => house.fleet.get('a')?.facts().pid, { timeout: 20_000 }).not.toBe(before);
    await over(house, 'high_cpu_usage');
  }, 60_000);

  it('restart_storm: a server that ends again and again', async () => {
    const house = await start({
      upstreams: { a: faulty('healthy') },
      monitor: { rules: [{ name: 'restart_storm', error: 2, critical: 4, window: '5s' }] },
    });
    await house.ready();
    for (let n = 0; n < 5; n++) {
      await call(house, 'write', { nonce: `e${n}` });
      const exits = house.seen.filter(({ type }) => type === 'process.exited').length;
      process.kill(house.fleet.get('a')?.facts().pid as number, 'SIGKILL');
      await expect.poll(() => house.seen.filter(({ type }) => type === 'process.exited').length).toBe(exits + 1);
      await house.ready();
      await severityOf(house, 'restart_storm');
    }
    await expect.poll(() => severityOf(house, 'restart_storm'), { timeout: 5000 }).toBe('critical');
    expect(house.seen.filter(({ type }) => type === 'process.exited').length).toBeGreaterThanOrEqual(5);
    expect(told(house, 'restart_storm').slice(0, 2)).toEqual(['raised error', 'changed critical']);
    await over(house, 'restart_storm');
  }, 60_000);

  it('host_problem: four of five upstreams killed at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const house = await start({ upstreams: Object.fromEntries(names.map((name) => [name, faulty('healthy')])) });
    await house.ready();
    for (const name of names.slice(1)) process.kill(house.fleet.get(name)?.facts().pid as number, 'SIGSTOP');
    for (const name of names.slice(1)) process.kill(house.fleet.get(name)?.facts().pid as number, 'SIGKILL');
    // A process that had answered nothing but its lists counts as a failed start: the upstream is in backoff for a moment.
    await expect.poll(() => severityOf(house, 'host_problem'), { timeout: 5000 }).toBe('critical');
    await house.ready();
    await over(house, 'host_problem');
  }, 60_000);

  it('high_memory_usage: a server that grows towards its limit, until it is restarted', async () => {
    const limit = 2 ** 30;
    const house = await start({
      upstreams: { a: { ...faulty('grows', { set: { mb: 150 } }), supervisor: { memoryLimit: limit } } },
      monitor: { rules: [{ name: 'high_memory_usage', warning: 15, error: 30, critical: 45, window: '300ms' }] },
    });
    await house.ready();
    expect(await severityOf(house, 'high_memory_usage')).toBeUndefined();
    for (const severity of ['warning', 'error', 'critical']) {
      await call(house, 'write', { nonce: severity, fault: true });
      await expect.poll(() => severityOf(house, 'high_memory_usage'), { timeout: 8000, interval: 100 }).toBe(severity);
    }
    await house.send('POST', '/api/v1/upstreams/a/restart', undefined, admin);
    await house.ready();
    await over(house, 'high_memory_usage');
    expect(told(house, 'high_memory_usage')).toEqual([
      ...['raised warning', 'changed error', 'changed critical'],
      expect.stringMatching(/^resolved/),
    ]);
  }, 60_000);

  it('gateway_cpu and event_loop_lag: a gateway that is kept busy, then in bursts', async () => {
    const house = await start({
      upstreams: { a: faulty('healthy') },
      monitor: {
        rules: [
          { name: 'gateway_cpu', warning: 8, error: 16, window: '4s' },
          { name: 'event_loop_lag', warning: 100, error: 400, critical: 60_000, window: '6s' },
        ],
      },
    });
    await house.ready();
    const seen = new Set<string>();
    /** Blocks the loop again and again, and looks now and then. */
    const busyIn = async (block: number, until: () => boolean) => {
      for (let n = 1; !until() && n < 100; n++) {
        const stop = performance.now() + block;
        while (performance.now() < stop);
        await sleep(20);
        if (n % 4 === 0) for (const { rule, severity } of await open(house)) seen.add(`${rule} ${severity}`);
      }
    };
    await busyIn(250, () => seen.has('gateway_cpu error') && seen.has('event_loop_lag warning'));
    await busyIn(700, () => seen.has('event_loop_lag error'));
    expect([...seen]).toEqual(
      expect.arrayContaining(['gateway_cpu error', 'event_loop_lag warning', 'event_loop_lag error']),
    );
    await over(house, 'event_loop_lag');
    await over(house, 'gateway_cpu');
  }, 90_000);

  it('gateway_memory: a gateway that fills the memory, then gives it back', async () => {
    const used = () => (100 * process.memoryUsage.rss()) / memoryOfMachine();
    const share = (bytes: number) => (100 * bytes) / memoryOfMachine();
    // So much that giving it back leaves the gateway below 80 % of the threshold.
    const size = Math.ceil(0.8 * process.memoryUsage.rss());
    const critical = used() + 0.9 * share(size);
    const house = await start({
      upstreams: { a: faulty('healthy') },
      monitor: { rules: [{ name: 'gateway_memory', warning: used() + 0.45 * share(size), critical, window: '300ms' }] },
    });
    await house.ready();
    const kept = [Buffer.alloc(size / 2, 1)];
    await expect.poll(() => severityOf(house, 'gateway_memory'), { timeout: 8000, interval: 100 }).toBe('warning');
    kept.push(Buffer.alloc(size / 2 + size / 4, 1));
    await expect.poll(() => severityOf(house, 'gateway_memory'), { timeout: 8000, interval: 100 }).toBe('critical');
    kept.length = 0;
    collectGarbage();
    await over(house, 'gateway_memory');
  }, 60_000);

  it('endpoint_down: a cloud that is gone and comes back, on the whole gateway', async () => {
    let away = false;
    const cloud = await CloudSimulator.start({ refuse: () => (away ? 503 : undefined) });
    await using gateway = await startGateway({
      config: {
        upstreams: { a: faulty('healthy') },
        endpoints: [{ name: 'robot', url: cloud.url() }],
        monitor: { rules: [{ name: 'endpoint_down', warning: 1, error: 6, critical: 600, window: '1s' }] },
      },
    });
    const severity = async () => {
      const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
      const answer = await fetch(`${gateway.url}/api/v1/alerts`, { headers: { authorization: `Bearer ${token}` } });
      const { open: alerts } = (await answer.json()) as { open: Alert[] };
      return alerts.find(({ rule, subject }) => rule === 'endpoint_down' && subject === 'robot')?.severity;
    };
    await expect.poll(() => cloud.connections.length, { timeout: 10_000 }).toBeGreaterThan(0);
    away = true;
    for (const connection of cloud.connections) connection.break();
    await expect.poll(severity, { timeout: 20_000, interval: 250 }).toBe('warning');
    await expect.poll(severity, { timeout: 20_000, interval: 250 }).toBe('error');
    away = false;
    await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBeUndefined();
    await gateway.stop();
    await cloud.stop();
  }, 120_000);
});

describe('step by step, on an upstream that gets worse and worse (C-53, X-46, 10.22)', () => {
  /** An upstream whose calls take `ms` and of which those fail that `fails` says. */
  async function worsening(rule: object) {
    const server = new PlainHttp();
    const behaves = { ms: 0, fails: false };
    server.afterwards = ({ message }, response) => {
      if (behaves.fails) response.writeHead(500).end();
      else
        setTimeout(() => {
          const result = { content: [{ type: 'text', text: 'done' }] };
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
        }, behaves.ms);
      return true;
    };
    await server.start();
    const house = await start({
      upstreams: {
        a: { url: server.url, transport: 'streamable-http', recovery: { breaker: { failures: 1000, ratio: 1 } } },
      },
      monitor: { rules: [rule as { name: string }] },
    });
    await house.ready();
    return {
      house,
      server,
      behaves,
      calls: (n: number) => Promise.all(Array.from({ length: n }, () => call(house, 'write', {}))),
    };
  }

  it('slow_response_time: warning, error, critical, and over', async () => {
    const rule = { name: 'slow_response_time', warning: 200, error: 600, critical: 1100, window: '10s' };
    const { house, server, behaves, calls } = await worsening(rule);
    await calls(5);
    expect(await severityOf(house, 'slow_response_time')).toBeUndefined();
    // Each step is so many more calls that it is the slowest 5 % of all.
    for (const [ms, n, severity] of [
      [400, 10, 'warning'],
      [800, 20, 'error'],
      [1500, 40, 'critical'],
    ] as const) {
      behaves.ms = ms;
      await calls(n);
      expect(await severityOf(house, 'slow_response_time')).toBe(severity);
    }
    await over(house, 'slow_response_time', 45_000);
    expect(told(house, 'slow_response_time').slice(0, 3)).toEqual([
      'raised warning',
      'changed error',
      'changed critical',
    ]);
    expect(told(house, 'slow_response_time').at(-1)).toMatch(/^resolved/);
    await server.stop();
  }, 90_000);

  it('high_error_rate: warning, error, critical, and over', async () => {
    const { house, server, behaves, calls } = await worsening({ name: 'high_error_rate', window: '10s' });
    await calls(90);
    behaves.fails = true;
    // The thresholds are the default ones: above 5 % with at least ten, above 15 %, above 30 %.
    await calls(9);
    expect(await severityOf(house, 'high_error_rate')).toBeUndefined();
    for (const [n, severity] of [
      [1, 'warning'],
      [10, 'error'],
      [30, 'critical'],
    ] as const) {
      await calls(n);
      expect(await severityOf(house, 'high_error_rate')).toBe(severity);
    }
    behaves.fails = false;
    await calls(5);
    await over(house, 'high_error_rate', 45_000);
    expect(told(house, 'high_error_rate').slice(0, 3)).toEqual(['raised warning', 'changed error', 'changed critical']);
    expect(told(house, 'high_error_rate').at(-1)).toMatch(/^resolved/);
    await server.stop();
  }, 90_000);

  it('event_loop_stall: a gateway that stands still for longer and longer (F-G11)', async () => {
    const house = await start({
      upstreams: { a: faulty('healthy') },
      monitor: { rules: [{ name: 'event_loop_stall', warning: 250, error: 700, critical: 1500, window: '3s' }] },
    });
    await house.ready();
    await house.operations.look();
    for (const [ms, severity] of [
      [400, 'warning'],
      [900, 'error'],
      [1900, 'critical'],
    ] as const) {
      const stall = async () => {
        // The clock of the loop counts from its first turn after a look.
        await sleep(100);
        const stop = performance.now() + ms;
        while (performance.now() < stop);
        // The clock of the loop has its turn before anybody looks, as it has when a timer does.
        await sleep(150);
        return await severityOf(house, 'event_loop_stall');
      };
      await expect.poll(stall, { timeout: 15_000, interval: 20 }).toBe(severity);
    }
    await over(house, 'event_loop_stall');
    expect(told(house, 'event_loop_stall').slice(0, 3)).toEqual([
      'raised warning',
      'changed error',
      'changed critical',
    ]);
    expect(told(house, 'event_loop_stall').at(-1)).toMatch(/^resolved/);
  }, 60_000);

  it.skipIf(NO_REDIS !== undefined)(
    `shared_store: a store that is gone, for longer and longer, and comes back (F-R6)${NO_REDIS ? `: ${NO_REDIS}` : ''}`,
    async () => {
      await using redis = await startRedis();
      await using gateway = await startGateway({
        config: {
          upstreams: { a: faulty('healthy') },
          storage: { shared: { url: redis.url } },
          monitor: { rules: [{ name: 'shared_store', warning: 1, error: 8, critical: 14, window: '2s' }] },
        },
        args: ['--admin-key', ADMIN],
      });
      await gateway.upstreamsIn();
      const alerts = async () => {
        const answer = await fetch(`${gateway.url}/api/v1/alerts`, { headers: admin });
        return (await answer.json()) as { open: Alert[]; history: Alert[] };
      };
      const severity = async () => (await alerts()).open.find(({ rule }) => rule === 'shared_store')?.severity;
      expect(await severity()).toBeUndefined();
      await redis.kill();
      for (const wanted of ['warning', 'error', 'critical'])
        await expect.poll(severity, { timeout: 30_000, interval: 100 }).toBe(wanted);
      // Calls go on without it.
      const headers = { ...admin, 'content-type': 'application/json' };
      const answer = await fetch(`${gateway.url}/a/read`, { method: 'POST', headers, body: '{"nonce":"alone"}' });
      expect(answer.status).toBe(200);
      await redis.start();
      await expect.poll(severity, { timeout: 30_000, interval: 250 }).toBeUndefined();
      expect((await alerts()).history.find(({ rule }) => rule === 'shared_store')).toHaveProperty('resolved');
    },
    120_000,
  );

  it('gateway_heap: calls that hold more than the heap has are refused, and taken again when they are gone (F-G8)', async () => {
    await using gateway = await startGateway({
      config: {
        upstreams: { a: { ...faulty('hangs'), limits: { inFlight: 1000 } }, b: faulty('healthy') },
        monitor: { rules: [{ name: 'gateway_heap', window: '1s' }] },
      },
      args: ['--admin-key', ADMIN],
      env: { NODE_OPTIONS: '--max-old-space-size=72' },
    });
    await gateway.upstreamsIn();
    const headers = { ...admin, 'content-type': 'application/json' };
    const post = (path: string, body: string, signal?: AbortSignal) =>
      fetch(gateway.url + path, { method: 'POST', headers, body, ...(signal !== undefined && { signal }) });
    const severity = async () => {
      const answer = await fetch(`${gateway.url}/api/v1/alerts`, { headers: admin });
      const { open: alerts } = (await answer.json()) as { open: Alert[] };
      return alerts.find(({ rule }) => rule === 'gateway_heap')?.severity;
    };
    const leave = new AbortController();
    // Many small texts: as values they take several times what they took as bytes.
    const held = JSON.stringify({
      nonce: 'held',
      fault: true,
      always: true,
      many: Array.from({ length: 20_000 }, (_, n) => `text ${n}`),
    });
    let refused = false;
    const waiting: Promise<unknown>[] = [];
    for (let n = 0; n < 1000 && !refused; n++) {
      waiting.push(
        post('/a/write', held, leave.signal)
          .then((answer) => {
            if (answer.status === 503) refused = true;
          })
          .catch(() => undefined),
      );
      await sleep(50);
    }
    expect(refused).toBe(true);
    await expect.poll(severity, { timeout: 15_000, interval: 250 }).toBe('critical');
    const answer = await post('/b/read', '{"nonce":"refused"}');
    expect([answer.status, await answer.json()]).toMatchObject([503, { detail: { fault: 'OVERLOADED' } }]);
    leave.abort();
    await Promise.all(waiting);
    await expect
      .poll(async () => (await post('/b/read', '{"nonce":"again"}')).status, { timeout: 30_000, interval: 500 })
      .toBe(200);
    await expect.poll(severity, { timeout: 30_000, interval: 250 }).toBeUndefined();
  }, 180_000);
});

describe('what an alert does (C-55, X-46)', () => {
  it('is not told while it is silenced; restarts a slow server, and no more than three times', async () => {
    const told: { event: string; alert: Alert }[] = [];
    const hook = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        told.push(JSON.parse(Buffer.concat(pieces).toString()) as (typeof told)[number]);
        response.end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const rule = {
      name: 'slow_response_time',
      warning: 20,
      error: 30,
      critical: 50,
      window: '120s',
      action: 'restart',
    };
    const house = await start({
      upstreams: { a: faulty('slow-tool', { set: { ms: 200 } }) },
      monitor: {
        rules: [rule as { name: string }],
        sinks: [{ type: 'webhook', url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` }],
      },
    });
    await house.ready();
    const silence = { rule: 'slow_response_time', subject: 'a', minutes: 5, reason: 'upgrade' };
    const { id } = (await house.send('POST', '/api/v1/silences', silence, admin)).json as { id: string };
    await Promise.all([1, 2, 3, 4].map((n) => call(house, 'read', { nonce: `s${n}`, fault: true })));
    const actions: (string | undefined)[] = [];
    for (let n = 0; n < 4; n++) {
      const before = house.fleet.get('a')?.facts().pid;
      const [alert] = (await open(house)).filter(({ rule: name }) => name === 'slow_response_time');
      actions.push(alert?.action);
      if (n < 3) {
        await expect.poll(() => house.fleet.get('a')?.facts().pid, { timeout: 15_000 }).not.toBe(before);
        await house.ready();
      } else expect(house.fleet.get('a')?.facts().pid).toBe(before);
      if (n === 0) {
        expect(alert).toMatchObject({ severity: 'critical', silenced: true });
        expect(told).toEqual([]);
        await house.send('DELETE', `/api/v1/silences/${id}`, undefined, admin);
      }
      // The cause is still there: resolved by hand, it is raised again with the next look.
      await house.send('POST', `/api/v1/alerts/${alert?.id}/resolve`, undefined, admin);
    }
    expect(actions).toEqual(['restarted', 'restarted', 'restarted', expect.stringContaining('withheld')]);
    await expect.poll(() => told.filter(({ event }) => event === 'alert.raised').length).toBe(3);
    expect(told.findLast(({ event }) => event === 'alert.raised')?.alert.action).toContain('withheld');
    await new Promise((resolve) => hook.close(resolve));
  }, 90_000);
});

describe('what is seen of processes (C-50, C-72)', () => {
  it('counts descriptors and TCP connections of a real server, and says when they only grow', async () => {
    const sockets = new Set<Socket>();
    const target = createTcpServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const { port } = target.address() as AddressInfo;
    const server = new URL('./support/connecting-server.mjs', import.meta.url).pathname;
    const house = await start({
      upstreams: {
        a: { command: process.execPath, args: [server, '--transport', 'stdio', '--set', `port=${port}`] },
        b: faulty('healthy'),
      },
    });
    await house.ready();
    const newest = async (name: string) => {
      await house.operations.look();
      const { samples } = (await house.get(`/api/v1/upstreams/${name}/samples?limit=1`, admin)).json as {
        samples: Record<string, number>[];
      };
      return samples[0];
    };
    const before = await newest('a');
    expect(before?.connections).toBe(0);
    for (let n = 1; n <= 30; n++) {
      await call(house, 'write', { nonce: `c${n}`, fault: true });
      await house.operations.look();
    }
    expect(sockets.size).toBe(30);
    const after = await newest('a');
    expect(after?.connections).toBe(30);
    expect((after?.open_files ?? 0) - (before?.open_files ?? 0)).toBe(30);
    const { growth } = (await house.get('/api/v1/upstreams/a', admin)).json as {
      growth: { field: string; leak: boolean; perHour: number }[];
    };
    expect(growth.find(({ field }) => field === 'connections')).toMatchObject({ leak: true });
    const leaks = async () =>
      ((await house.get('/diagnostics')).json as { issues: { id: string; evidence: string }[] }).issues.filter(
        ({ id }) => id.startsWith('leak:'),
      );
    expect((await leaks()).map(({ id }) => id)).toEqual(['leak:a:open_files', 'leak:a:connections']);
    expect((await leaks())[1]?.evidence).toMatch(/^from [0-3] to (29|3\d) in /);
    // A process that was started anew has not grown.
    await house.send('POST', '/api/v1/upstreams/a/restart', undefined, admin);
    await house.ready();
    await house.operations.look();
    expect(await leaks()).toEqual([]);
    expect((await newest('a'))?.connections).toBe(0);
    target.close();
    for (const socket of sockets) socket.destroy();
  }, 60_000);

  it('says that the memory of a real server only grows', async () => {
    const house = await start({ upstreams: { a: faulty('grows', { set: { mb: 8 } }) } });
    await house.ready();
    for (let n = 1; n <= 25; n++) {
      await call(house, 'write', { nonce: `g${n}`, fault: true });
      await house.operations.look();
    }
    const { issues } = (await house.get('/diagnostics')).json as { issues: { id: string; evidence: string }[] };
    expect(issues.find(({ id }) => id === 'leak:a:memory_bytes')?.evidence).toMatch(/MiB in \d+ min, \d+ MiB an hour/);
  }, 60_000);
});
