// Alerts on upstreams that really die, fail, are slow and grow: raised, made worse, over; and told to a webhook. Most of
// it is waiting for windows to pass, so they wait together.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { PlainHttp } from '../servers/plain/http.ts';
import { faulty, startUpstream } from '../support/upstream.ts';
import { startAdminHouse } from './support/admin-house.ts';
import { type Alert, admin, becomes, call, open, over, severityOf, startHook, told } from './support/real-faults.ts';

describe.concurrent('default rules on real faults, with short windows (C-52, X-46, 10.22)', () => {
  it('upstream_down and high_error_rate: a server that is gone and comes back', async ({ expect }) => {
    await using server = await startUpstream('healthy', {});
    await using hook = await startHook();
    await using house = await startAdminHouse({
      upstreams: { a: { url: server.url, timeouts: { ready: '200ms' } } },
      monitor: {
        rules: [
          { name: 'upstream_down', warning: 0.1, error: 3, critical: 6, window: '300ms' },
          { name: 'high_error_rate', window: '10s' },
        ],
        sinks: [{ type: 'webhook', url: hook.url }],
      },
    });
    await house.ready();
    expect(await open(house)).toEqual([]);
    await server.stop();
    void call(house, 'read', { nonce: 'first' });
    await becomes(house, 'upstream_down', 'warning');
    await Promise.all(Array.from({ length: 12 }, (_, n) => call(house, 'read', { nonce: `n${n}` })));
    await becomes(house, 'high_error_rate', 'critical');
    await becomes(house, 'upstream_down', 'critical');
    const [issue] = ((await house.get('/diagnostics')).json as { issues: { title: string; evidence: string }[] })
      .issues;
    expect(issue?.evidence).toContain('above');
    await using again = await startUpstream('healthy', { port: server.port });
    expect(again.port).toBe(server.port);
    // With nobody waiting the next dial may be half a minute away.
    await house.send('POST', '/api/v1/upstreams/a/restart', undefined, admin);
    await house.ready();
    await over(house, 'upstream_down');
    await over(house, 'high_error_rate');
    const sequence = (rule: string) =>
      hook.got.filter(({ alert }) => alert.rule === rule).map(({ event, alert }) => `${event} ${alert.severity}`);
    await expect.poll(() => sequence('high_error_rate')).toEqual(['alert.raised critical', 'alert.resolved critical']);
    expect(sequence('upstream_down')[0]).toBe('alert.raised warning');
    expect(sequence('upstream_down').at(-1)).toMatch(/^alert.resolved/);
    expect(sequence('upstream_down')).toContain('alert.changed critical');
    const { connection } = (await house.get('/metrics')).json as { connection: { reconnects_ok: number } };
    expect(connection.reconnects_ok).toBe(1);
  });

  it('slow_response_time: a tool that takes its time', async ({ expect }) => {
    await using house = await startAdminHouse({
      upstreams: { a: faulty('slow-tool', { set: { ms: 300 } }) },
      monitor: { rules: [{ name: 'slow_response_time', warning: 100, error: 200, critical: 30_000, window: '5s' }] },
    });
    await house.ready();
    await Promise.all([1, 2, 3, 4].map((n) => call(house, 'read', { nonce: `s${n}`, fault: true })));
    expect(await severityOf(house, 'slow_response_time')).toBe('error');
    const seconds = Date.now();
    await over(house, 'slow_response_time');
    expect(Date.now() - seconds).toBeGreaterThan(4000);
  });

  it('high_cpu_usage with action restart: a server that spins is started anew', async ({ expect }) => {
    await using house = await startAdminHouse({
      upstreams: { a: faulty('spins') },
      monitor: {
        rules: [{ name: 'high_cpu_usage', warning: 3, error: 6, critical: 9, window: '300ms', action: 'restart' }],
      },
    });
    await house.ready();
    const before = house.fleet.get('a')?.facts().pid;
    void call(house, 'write', { nonce: 'spin', fault: true }).catch(() => undefined);
    let seen: Alert | undefined;
    const end = Date.now() + 60_000;
    while (seen?.severity !== 'critical' && Date.now() < end) {
      seen = (await open(house)).find(({ rule }) => rule === 'high_cpu_usage') ?? seen;
      await sleep(100);
    }
    expect(seen).toMatchObject({ severity: 'critical', action: 'restarted' });
    await expect.poll(() => house.fleet.get('a')?.facts().pid).not.toBe(before);
    await over(house, 'high_cpu_usage');
  });

  it('restart_storm: a server that ends again and again', async ({ expect }) => {
    await using house = await startAdminHouse({
      upstreams: { a: faulty('healthy') },
      monitor: { rules: [{ name: 'restart_storm', error: 2, critical: 4, window: '10s' }] },
    });
    await house.ready();
    // Five are enough, where the machine is quick enough to have them all within the window.
    for (let n = 0; n < 50 && (await severityOf(house, 'restart_storm')) !== 'critical'; n++) {
      await call(house, 'write', { nonce: `e${n}` });
      const exits = house.seen.filter(({ type }) => type === 'process.exited').length;
      process.kill(house.fleet.get('a')?.facts().pid as number, 'SIGKILL');
      await expect.poll(() => house.seen.filter(({ type }) => type === 'process.exited').length).toBe(exits + 1);
      await house.ready();
    }
    await becomes(house, 'restart_storm', 'critical');
    expect(house.seen.filter(({ type }) => type === 'process.exited').length).toBeGreaterThanOrEqual(5);
    expect(told(house, 'restart_storm')[0]).toBe('raised error');
    expect(told(house, 'restart_storm')).toContain('changed critical');
    await over(house, 'restart_storm');
  });

  it('host_problem: four of five upstreams killed at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await using house = await startAdminHouse({
      upstreams: Object.fromEntries(names.map((name) => [name, faulty('healthy')])),
      monitor: { rules: [{ name: 'host_problem', window: '1s' }] },
    });
    await house.ready();
    for (const name of names.slice(1)) process.kill(house.fleet.get(name)?.facts().pid as number, 'SIGSTOP');
    for (const name of names.slice(1)) process.kill(house.fleet.get(name)?.facts().pid as number, 'SIGKILL');
    // A process that had answered nothing but its lists counts as a failed start: the upstream is in backoff for a moment.
    await becomes(house, 'host_problem', 'critical');
    await house.ready();
    await over(house, 'host_problem');
  });

  it('high_memory_usage: a server that grows towards its limit, until it is restarted', async ({ expect }) => {
    const limit = 2 ** 30;
    await using house = await startAdminHouse({
      upstreams: { a: { ...faulty('grows', { set: { mb: 150 } }), supervisor: { memoryLimit: limit } } },
      monitor: { rules: [{ name: 'high_memory_usage', warning: 15, error: 30, critical: 45, window: '300ms' }] },
    });
    await house.ready();
    expect(await severityOf(house, 'high_memory_usage')).toBeUndefined();
    for (const severity of ['warning', 'error', 'critical']) {
      await call(house, 'write', { nonce: severity, fault: true });
      await becomes(house, 'high_memory_usage', severity);
    }
    await house.send('POST', '/api/v1/upstreams/a/restart', undefined, admin);
    await house.ready();
    await over(house, 'high_memory_usage');
    expect(told(house, 'high_memory_usage')).toEqual([
      ...['raised warning', 'changed error', 'changed critical'],
      expect.stringMatching(/^resolved/),
    ]);
  });
});

describe.concurrent('step by step, on an upstream that gets worse and worse (C-53, X-46, 10.22)', () => {
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
    const house = await startAdminHouse({
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

  it('slow_response_time: warning, error, critical, and over', async ({ expect }) => {
    const rule = { name: 'slow_response_time', warning: 300, error: 900, critical: 2_000, window: '10s' };
    const { house: made, server, behaves, calls } = await worsening(rule);
    await using house = made;
    expect(await severityOf(house, 'slow_response_time')).toBeUndefined();
    // Each step is so many more calls that it is the slowest 5 % of all.
    for (const [ms, n, severity] of [
      [600, 10, 'warning'],
      [1_500, 20, 'error'],
      [3_000, 40, 'critical'],
    ] as const) {
      behaves.ms = ms;
      await calls(n);
      await becomes(house, 'slow_response_time', severity);
    }
    await over(house, 'slow_response_time');
    expect(told(house, 'slow_response_time')[0]).toMatch(/^raised/);
    expect(told(house, 'slow_response_time').at(-1)).toMatch(/^resolved/);
    await server.stop();
  });

  it('high_error_rate: warning, error, critical, and over', async ({ expect }) => {
    const { house: made, server, behaves, calls } = await worsening({ name: 'high_error_rate', window: '15s' });
    await using house = made;
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
    await over(house, 'high_error_rate');
    expect(told(house, 'high_error_rate').slice(0, 3)).toEqual(['raised warning', 'changed error', 'changed critical']);
    expect(told(house, 'high_error_rate').at(-1)).toMatch(/^resolved/);
    await server.stop();
  });
});

describe.concurrent('what an alert does (C-55, X-46)', () => {
  it('is not told while it is silenced; restarts a slow server, and no more than three times', async ({ expect }) => {
    await using hook = await startHook();
    const rule = {
      name: 'slow_response_time',
      warning: 20,
      error: 30,
      critical: 50,
      window: '120s',
      action: 'restart',
    };
    await using house = await startAdminHouse({
      upstreams: { a: faulty('slow-tool', { set: { ms: 200 } }) },
      monitor: {
        rules: [rule as { name: string }],
        sinks: [{ type: 'webhook', url: hook.url }],
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
        await expect.poll(() => house.fleet.get('a')?.facts().pid).not.toBe(before);
        await house.ready();
      } else expect(house.fleet.get('a')?.facts().pid).toBe(before);
      if (n === 0) {
        expect(alert).toMatchObject({ severity: 'critical', silenced: true });
        expect(hook.got).toEqual([]);
        await house.send('DELETE', `/api/v1/silences/${id}`, undefined, admin);
      }
      // The cause is still there: resolved by hand, it is raised again with the next look.
      await house.send('POST', `/api/v1/alerts/${alert?.id}/resolve`, undefined, admin);
    }
    expect(actions).toEqual(['restarted', 'restarted', 'restarted', expect.stringContaining('withheld')]);
    await expect.poll(() => hook.got.filter(({ event }) => event === 'alert.raised').length).toBe(3);
    expect(hook.got.findLast(({ event }) => event === 'alert.raised')?.alert.action).toContain('withheld');
  });
});
