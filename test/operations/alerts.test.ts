// Every default rule on synthetic series: it fires, gets worse, gets better, is over; and what is around the rules.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventStream } from '../../src/core/events.ts';
import { GatewayFault } from '../../src/core/fault.ts';
import type { FaultName } from '../../src/core/fault-table.ts';
import { Alerts } from '../../src/operations/alerts.ts';
import { Metrics } from '../../src/operations/metrics.ts';
import { createReader } from '../../src/operations/readings.ts';
import { DEFAULT_RULES, rulesOf } from '../../src/operations/rules.ts';
import { type Sample, Series } from '../../src/operations/series.ts';
import { call, configOf, fakeUpstream, memoryDocuments, startBench } from './support/fixture.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 }));
afterEach(() => vi.useRealTimers());

/** A gateway in which only time and numbers pass. */
function simulation(rules = DEFAULT_RULES, names = ['a']) {
  const survivors: { upstream: string; pid: number }[] = [];
  const trouble: { now?: { seconds: number; reason: string } | undefined } = {};
  const events = new EventStream();
  const upstreams = names.map((name) => fakeUpstream(name));
  const series = new Map<string, Series>();
  const metrics = new Metrics({ events, knows: () => true, inFlight: () => 0, window: 300_000 });
  const told: string[] = [];
  const restarted: string[] = [];
  const documents = memoryDocuments();
  const now = () => Date.now();
  const alerts = new Alerts({
    rules,
    upstreams: () => upstreams.map(({ name }) => name),
    read: createReader({
      metrics,
      sampler: { series: (subject) => series.get(subject) },
      upstream: (name) => upstreams.find((one) => one.name === name),
      upstreams: () => upstreams,
      notWritten: () => trouble.now,
      survivors: () => survivors,
      now,
    }),
    told: (event) => void told.push(`${event.type.slice(6)} ${event.rule} ${event.severity}`),
    restart: (name) => void restarted.push(name),
    documents,
  });
  let second = 0;
  return {
    alerts,
    upstreams,
    events,
    told,
    restarted,
    documents,
    metrics,
    trouble,
    survivors,
    /** Lets time pass; `each` is called every second, samples are taken every ten. */
    pass(seconds: number, each: (second: number) => void = () => undefined, samples: Record<string, Sample> = {}) {
      for (let n = 0; n < seconds; n++) {
        second++;
        vi.setSystemTime(Date.now() + 1000);
        each(n);
        metrics.tick(1000);
        if (second % 10 === 0)
          for (const [subject, sample] of Object.entries(samples)) {
            if (!series.has(subject)) series.set(subject, new Series(1000));
            series.get(subject)?.add(Date.now(), sample);
          }
        if (second % 5 === 0) alerts.evaluate(Date.now());
      }
    },
    open: () => alerts.open().map(({ rule, subject, severity }) => `${rule} ${subject} ${severity}`),
    take: () => told.splice(0),
  };
}

describe('default rules on sampled values (B-31, C-51, C-52, C-53, 10.22)', () => {
  it.each([
    ['high_cpu_usage', 'a', 'cpu_percent', [90, 160, 310]],
    ['high_memory_usage', 'a', 'memory_percent', [86, 93, 98]],
  ] as const)(
    '%s fires at more than half of its window, escalates, goes back, is over',
    (rule, subject, field, values) => {
      const sim = simulation();
      const at = (value: number, seconds: number) => sim.pass(seconds, undefined, { [subject]: { [field]: value } });
      at(values[0], 140);
      expect(sim.take()).toEqual([]);
      at(values[0], 60);
      expect(sim.take()).toEqual([`raised ${rule} warning`]);
      at(values[1], 300);
      expect(sim.take()).toEqual([`changed ${rule} error`]);
      at(values[2], 300);
      expect(sim.take()).toEqual([`changed ${rule} critical`]);
      // Just below its threshold nothing changes: hysteresis.
      at(values[2] * 0.9, 900);
      expect(sim.take()).toEqual([]);
      at(values[0] * 0.95, 400);
      expect(sim.take().length).toBeLessThanOrEqual(1);
      at(1, 280);
      expect(sim.open()).toHaveLength(1);
      at(1, 40);
      expect(sim.take().at(-1)).toMatch(new RegExp(`^resolved ${rule}`));
      expect(sim.open()).toEqual([]);
      sim.pass(600, undefined, { [subject]: { [field]: 1 } });
      expect(sim.take()).toEqual([]);
    },
  );

  it.each([
    ['gateway_cpu', 'cpu_percent', 85, 'warning'],
    ['gateway_memory', 'memory_percent', 92, 'critical'],
    ['event_loop_lag', 'event_loop_lag_ms', 300, 'warning'],
  ] as const)('%s judges the gateway itself (B-31)', (rule, field, value, severity) => {
    const sim = simulation();
    sim.pass(400, undefined, { gateway: { [field]: value } });
    expect(sim.take()).toEqual([`raised ${rule} ${severity}`]);
    sim.pass(400, undefined, { gateway: { [field]: 1 } });
    expect(sim.take()).toEqual([`resolved ${rule} ${severity}`]);
  });

  it('event_loop_stall: one stall is told, and over a minute after the last one (F-G11)', () => {
    const sim = simulation();
    sim.pass(60, undefined, { gateway: { event_loop_stall_ms: 20 } });
    expect(sim.take()).toEqual([]);
    sim.pass(10, undefined, { gateway: { event_loop_stall_ms: 1_900 } });
    expect(sim.take()).toEqual(['raised event_loop_stall warning']);
    sim.pass(180, undefined, { gateway: { event_loop_stall_ms: 20 } });
    expect(sim.take()).toEqual(['resolved event_loop_stall warning']);
  });

  it('gateway_heap: while calls are refused for want of memory (F-G8)', () => {
    const sim = simulation();
    sim.events.emit({ type: 'gateway.heap', full: true, used: 0.93 });
    sim.pass(20);
    expect(sim.take()).toEqual(['raised gateway_heap critical']);
    sim.events.emit({ type: 'gateway.heap', full: false, used: 0.79 });
    sim.pass(30);
    expect(sim.take()).toEqual(['resolved gateway_heap critical']);
    expect(sim.metrics).toMatchObject({ heapFull: undefined, heapFilled: 1 });
  });

  it('state_writes: as long as something cannot be written; a threshold of 0 is got below again (F-D1)', () => {
    const sim = simulation();
    sim.trouble.now = { seconds: 70, reason: 'versions: ENOSPC' };
    sim.pass(5);
    expect(sim.take()).toEqual(['raised state_writes error']);
    sim.trouble.now = undefined;
    sim.pass(30);
    expect(sim.take()).toEqual(['resolved state_writes error']);
  });

  it('surviving_processes: as long as one runs on that no signal has ended; it is named (C-33)', () => {
    const sim = simulation();
    sim.survivors.push({ upstream: 'a', pid: 41 });
    sim.pass(5);
    expect(sim.take()).toEqual(['raised surviving_processes warning']);
    expect(sim.alerts.show(Date.now()).open[0]?.message).toContain('a (pid 41)');
    sim.survivors.push(...Array.from({ length: 5 }, (_, pid) => ({ upstream: 'a', pid })));
    sim.pass(5);
    expect(sim.take()).toEqual(['changed surviving_processes error']);
    sim.survivors.splice(0);
    sim.pass(30);
    expect(sim.take().at(-1)).toBe('resolved surviving_processes error');
  });

  it('is not moved by a single peak', () => {
    const sim = simulation();
    for (let n = 0; n < 20; n++) sim.pass(10, undefined, { a: { cpu_percent: n % 5 === 0 ? 400 : 10 } });
    expect(sim.take()).toEqual([]);
  });

  it('is over when its process is gone', () => {
    const sim = simulation();
    sim.pass(300, undefined, { a: { cpu_percent: 200 } });
    expect(sim.take()).toEqual(['raised high_cpu_usage error']);
    sim.pass(700);
    expect(sim.take()).toEqual(['resolved high_cpu_usage error']);
  });
});

describe('default rules on rates (X-46)', () => {
  const failing =
    (share: number, fault: FaultName = 'UPSTREAM_FAILED') =>
    (sim: ReturnType<typeof simulation>) =>
    () => {
      for (let n = 0; n < 100; n++)
        sim.events.emit(n < share ? call({ outcome: 'fault', fault, attempts: 0 }) : call());
    };

  it('high_error_rate: 5, 15 and 30 percent, then over', () => {
    const sim = simulation();
    sim.pass(60, failing(4)(sim));
    expect(sim.take()).toEqual([]);
    sim.pass(120, failing(8)(sim));
    expect(sim.take()).toEqual(['raised high_error_rate warning']);
    sim.pass(120, failing(20)(sim));
    expect(sim.take()).toEqual(['changed high_error_rate error']);
    sim.pass(120, failing(60)(sim));
    expect(sim.take()).toEqual(['changed high_error_rate critical']);
    sim.pass(400, failing(0)(sim));
    expect(sim.take().at(-1)).toMatch(/^resolved/);
    expect(sim.open()).toEqual([]);
  });

  it('high_error_rate: says nothing about a handful of errors, nor about mistakes of callers', () => {
    const sim = simulation();
    for (let n = 0; n < 9; n++) sim.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_FAILED' }));
    sim.pass(60);
    expect(sim.take()).toEqual([]);
    sim.pass(60, failing(100, 'TOOL_UNKNOWN')(sim));
    sim.pass(60, failing(100, 'CANCELLED')(sim));
    expect(sim.take()).toEqual([]);
  });

  it('high_error_rate: is over when nobody calls any more', () => {
    const sim = simulation();
    sim.pass(60, failing(50)(sim));
    expect(sim.take()).toEqual(['raised high_error_rate critical']);
    sim.pass(260);
    expect(sim.take()).toEqual(['resolved high_error_rate critical']);
  });

  it('slow_response_time: p95 above 5, 7.5 and 10 s, then over', () => {
    const sim = simulation();
    const slow = (total: number) => () => void sim.events.emit(call({ total }));
    sim.pass(30, slow(4000));
    expect(sim.take()).toEqual([]);
    sim.pass(200, slow(6500));
    expect(sim.take()).toEqual(['raised slow_response_time warning']);
    sim.pass(200, slow(9000));
    expect(sim.take()).toEqual(['changed slow_response_time error']);
    sim.pass(200, slow(20_000));
    expect(sim.take()).toEqual(['changed slow_response_time critical']);
    sim.pass(600, slow(5));
    expect(sim.take().at(-1)).toMatch(/^resolved/);
  });

  it('restart_storm: more than 30 exits in a minute (10.3)', () => {
    const sim = simulation();
    const exit = () => void sim.events.emit({ type: 'process.exited', upstream: 'a', pid: 1, code: 1, signal: null });
    sim.pass(60, (n) => n % 3 === 0 && exit());
    expect(sim.take()).toEqual([]);
    sim.pass(45, exit);
    expect(sim.take()).toEqual(['raised restart_storm error']);
    sim.pass(60, () => {
      exit();
      exit();
    });
    expect(sim.take()).toEqual(['changed restart_storm critical']);
    sim.pass(200);
    expect(sim.take().at(-1)).toMatch(/^resolved restart_storm/);
  });
});

describe('default rules on states', () => {
  const down = (sim: ReturnType<typeof simulation>, index: number, state: 'backoff' | 'failed' = 'backoff') => {
    const one = sim.upstreams[index];
    if (one === undefined) throw new Error('no upstream');
    const cause = new GatewayFault('UPSTREAM_EXITED', 'the process ended');
    const since = Date.now();
    one.state = state === 'failed' ? { state, since, cause } : { state, since, attempt: 1, until: since, cause };
    sim.events.emit({ type: 'upstream.state', upstream: one.name, from: 'ready', to: state });
    return () => {
      one.state = { state: 'ready', since: Date.now() };
      sim.events.emit({ type: 'upstream.state', upstream: one.name, from: state, to: 'ready' });
    };
  };

  it('upstream_down: a warning, an error, critical; over when it stays up', () => {
    const sim = simulation();
    const up = down(sim, 0);
    sim.pass(9);
    expect(sim.take()).toEqual([]);
    sim.pass(8);
    expect(sim.take()).toEqual(['raised upstream_down warning']);
    sim.pass(20);
    expect(sim.take()).toEqual(['changed upstream_down error']);
    sim.pass(100);
    expect(sim.take()).toEqual(['changed upstream_down critical']);
    up();
    sim.pass(20);
    expect(sim.take()).toEqual(['resolved upstream_down critical']);
  });

  it('upstream_down: counts an outage from its beginning, whatever it is tried meanwhile', () => {
    const sim = simulation();
    down(sim, 0);
    const [a] = sim.upstreams;
    if (a === undefined) throw new Error('no upstream');
    const { cause } = a.state as { cause: GatewayFault };
    sim.pass(60, (n) => {
      const since = Date.now();
      a.state = n % 2 ? { state: 'backoff', since, attempt: n, until: since, cause } : { ...a.state, since };
    });
    expect(sim.open()).toEqual(['upstream_down a error']);
  });

  it('upstream_down: what does not heal by itself is an error at once', () => {
    const sim = simulation();
    down(sim, 0, 'failed');
    sim.pass(5);
    expect(sim.take()).toEqual(['raised upstream_down error']);
    const [alert] = sim.alerts.open();
    expect(alert?.message).toMatch(/^a: not available 5 s, and it does not come back by itself: /);
  });

  it('host_problem: many upstreams at one moment are one alert (10.3)', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const sim = simulation(DEFAULT_RULES, names);
    const ups = [0, 1, 2].map((index) => down(sim, index));
    sim.pass(5);
    expect(sim.take()).toEqual([]);
    ups.push(down(sim, 3));
    sim.pass(5);
    expect(sim.take()).toEqual(['raised host_problem critical']);
    for (const up of ups) up();
    sim.pass(30);
    expect(sim.take()).toEqual(['resolved host_problem critical']);
  });
});

describe('endpoints', () => {
  it('endpoint_down: counted from when it was last well, over when it is; cold standbys are no matter', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const endpoint = {
      name: 'e',
      role: 'active' as const,
      connected: false,
      initialised: true,
      healthScore: 0,
      reconnectAttempts: 3,
      calls: 0,
      lastError: 'closed with 4004',
    };
    const standby = { ...endpoint, name: 's', role: 'standby' as const, initialised: false };
    const bench = startBench({}, { endpoints: () => [endpoint, standby] });
    const told = () =>
      bench.seen.flatMap((event) =>
        event.type.startsWith('alert.') && 'rule' in event ? [`${event.type} ${event.subject} ${event.severity}`] : [],
      );
    bench.operations.start();
    await vi.advanceTimersByTimeAsync(20_000);
    endpoint.initialised = false;
    await vi.advanceTimersByTimeAsync(45_000);
    expect(told()).toEqual(['alert.raised e warning']);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(told().at(-1)).toBe('alert.changed e error');
    expect(bench.operations.alerts().open[0]?.message).toMatch(
      /^e: endpoint not connected \d+ s, above 120: closed with 4004$/,
    );
    endpoint.initialised = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(told().at(-1)).toBe('alert.resolved e error');
    await bench.operations.close();
  });
});

describe('around the rules', () => {
  const hot = { a: { cpu_percent: 400 } };

  it('keeps one open alert per rule and subject (C-54), and a history that outlives the gateway', () => {
    const sim = simulation(DEFAULT_RULES, ['a', 'b']);
    sim.pass(400, undefined, { ...hot, b: { cpu_percent: 400 } });
    expect(sim.open()).toEqual(['high_cpu_usage a critical', 'high_cpu_usage b critical']);
    const next = new Alerts({
      rules: DEFAULT_RULES,
      upstreams: () => [],
      read: () => undefined,
      told: () => undefined,
      restart: () => undefined,
      documents: sim.documents,
    });
    expect(next.open()).toEqual([]);
    expect(next.show(Date.now()).history).toHaveLength(2);
  });

  it('can be silenced by rule and subject, for a while', () => {
    const sim = simulation();
    const silence = sim.alerts.silence(
      { rule: 'high_cpu_usage', subject: '*', minutes: 10, by: 'op', reason: 'load test' },
      Date.now(),
    );
    sim.pass(300, undefined, hot);
    expect(sim.alerts.show(Date.now()).open[0]?.silenced).toBe(true);
    sim.pass(400, undefined, hot);
    expect(sim.alerts.show(Date.now()).open[0]?.silenced).toBe(false);
    expect(sim.alerts.silences(Date.now())).toEqual([]);
    expect(sim.alerts.unsilence(silence.id)).toBe(true);
    expect(sim.alerts.unsilence(silence.id)).toBe(false);
  });

  it('can be resolved by hand, and comes back if its cause does', () => {
    const sim = simulation();
    sim.pass(300, undefined, hot);
    expect(sim.alerts.resolve('no such', Date.now())).toBe(false);
    expect(sim.alerts.resolve(sim.alerts.open()[0]?.id as string, Date.now())).toBe(true);
    expect(sim.open()).toEqual([]);
    sim.pass(10, undefined, hot);
    expect(sim.open()).toEqual(['high_cpu_usage a critical']);
  });

  it('restarts where the rule says so, three times at most in a quarter of an hour (C-55, storm limit)', () => {
    const rules = rulesOf([{ name: 'high_cpu_usage', action: 'restart', window: 10_000 }]);
    const sim = simulation(rules);
    for (let n = 0; n < 5; n++) {
      sim.pass(40, undefined, hot);
      sim.pass(40, undefined, { a: { cpu_percent: 1 } });
    }
    expect(sim.restarted).toEqual(['a', 'a', 'a']);
    const history = sim.alerts.show(Date.now()).history.map(({ action }) => action);
    expect(history.slice(0, 2)).toEqual([
      'restart withheld: 3 in 15 min are enough',
      'restart withheld: 3 in 15 min are enough',
    ]);
    expect(history[4]).toBe('restarted');
    expect(simulation().restarted).toEqual([]);
  });

  it('takes rules that are changed while it runs; an alert of a rule that rests is over', () => {
    const sim = simulation();
    sim.pass(300, undefined, hot);
    sim.alerts.setRules(rulesOf([{ name: 'high_cpu_usage', enabled: false }]));
    sim.pass(5, undefined, hot);
    expect(sim.take()).toEqual(['raised high_cpu_usage critical', 'resolved high_cpu_usage critical']);
    sim.alerts.setRules(rulesOf([{ name: 'high_cpu_usage', upstreams: ['b*'] }]));
    sim.pass(60, undefined, hot);
    expect(sim.take()).toEqual([]);
  });

  it('has rules of its own beside the defaults, and says which can do nothing', () => {
    const config = configOf({
      monitor: { rules: [{ name: 'mine', metric: 'error_count', critical: 3, window: '1m' }, { name: 'idle' }] },
    });
    const mine = rulesOf(config.monitor.rules).find(({ name }) => name === 'mine');
    expect(mine).toMatchObject({ metric: 'error_count', levels: [undefined, undefined, 3], window: 60_000 });
    expect(rulesOf(config.monitor.rules).map(({ name }) => name)).not.toContain('idle');
    const bench = startBench({});
    expect(bench.seen).toHaveLength(0);
    bench.reconfigure({ monitor: { rules: [{ name: 'idle' }] } });
    expect(bench.seen[0]).toMatchObject({ level: 'warn', text: expect.stringContaining('"idle"') as string });
  });
});

describe('scores (10.1, B-33)', () => {
  it('falls with failures and open alerts and comes back with good calls', async () => {
    const bench = startBench({ upstreams: { a: { command: 'x' }, b: { command: 'x' } } });
    const score = () => (bench.operations.overview() as { score: number }).score;
    expect(bench.operations.figuresOf('a')).toMatchObject({
      score: 100,
      trend: 'steady',
      calls: { errorPercent: null },
    });
    expect(score()).toBe(100);
    for (let n = 0; n < 9; n++) bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    expect(bench.operations.figuresOf('a')?.score).toBe(0);
    expect(bench.operations.figuresOf('b')?.score).toBe(100);
    expect(score()).toBeCloseTo(9.1);
    for (let n = 0; n < 40; n++) bench.events.emit(call({ total: 5 }));
    expect(bench.operations.figuresOf('a')?.score).toBe(100);
    expect(bench.operations.figuresOf('nobody')).toBeUndefined();
    await bench.operations.close();
  });
});
