// Counters from real events, their windows, the shapes of /metrics, /status and /diagnostics, and the exposition.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayFault } from '../../src/core/fault.ts';
import { type Bench, call, exposition, startBench } from './support/fixture.ts';
import { readExposition } from './support/lint.ts';

const TWO = { upstreams: { a: { command: 'x' }, b: { command: 'x' } } };
let bench: Bench;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date', 'performance', 'setTimeout', 'clearTimeout'] });
  bench = startBench(TWO);
  bench.operations.start();
});
afterEach(async () => {
  vi.useRealTimers();
  await bench.operations.close();
});

interface Json {
  [key: string]: Json;
}
setFlagsFromString('--expose-gc');
const metrics = () => bench.operations.metrics() as unknown as Json;

describe('/metrics as JSON (B-40, 12.4)', () => {
  it('has all seven keys also before the first call', () => {
    expect(Object.keys(metrics())).toEqual([
      'performance',
      'concurrency',
      'cache',
      'connection',
      'error_recovery',
      'system_health',
      'timestamp',
    ]);
    expect(metrics().performance?.a).toMatchObject({ endpoint: '/a', total_requests: 0, success_rate: 1 });
    expect(metrics().connection).toEqual({
      reconnect_attempts: 0,
      reconnects_ok: 0,
      reconnects_failed: 0,
      by_connection: {
        a: { reconnect_attempts: 0, reconnects_ok: 0, reconnects_failed: 0 },
        b: { reconnect_attempts: 0, reconnects_ok: 0, reconnects_failed: 0 },
      },
    });
  });

  it('counts calls, times and bytes per upstream and tool', async () => {
    for (const total of [10, 20, 60]) bench.events.emit(call({ total, bytes: 7 }));
    bench.events.emit(call({ subject: 'put', total: 30, outcome: 'tool-error' }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(metrics().performance?.a).toMatchObject({
      total_requests: 4,
      avg_duration: 0.03,
      min_duration: 0.01,
      max_duration: 0.06,
      success_rate: 1,
      qps_1s: 4,
      bytes: 121,
      tools: { echo: { total_requests: 3, avg_duration: 0.03 }, put: { total_requests: 1 } },
    });
    expect(metrics().performance?.b).toMatchObject({ total_requests: 0 });
    await vi.advanceTimersByTimeAsync(3000);
    expect(metrics().performance?.a).toMatchObject({ qps_1s: 0, qps_5s: 1 });
  });

  it('counts recoveries: answered after a repeat, and lost in the end (B-17)', () => {
    bench.events.emit(call({ attempts: 2 }));
    bench.events.emit(call({ attempts: 3 }));
    bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED', attempts: 0 }));
    bench.events.emit(call({ outcome: 'fault', fault: 'TOOL_UNKNOWN', attempts: 0 }));
    expect(metrics().error_recovery).toMatchObject({
      total_errors_last_hour: 2,
      error_types: { UPSTREAM_EXITED: 1, TOOL_UNKNOWN: 1 },
      total_recovery_attempts: 3,
      recovery_success_rate: 0.666667,
    });
  });

  it('tells how each upstream stands: last success, failures in a row, last error (A-51)', async () => {
    const stands = () => bench.operations.figuresOf('a');
    expect(stands()).toMatchObject({ failuresInRow: 0 });
    expect(stands()).not.toHaveProperty('lastSuccess');
    vi.setSystemTime('2026-01-02T03:04:05Z');
    bench.operations.start();
    bench.events.emit(call());
    await vi.advanceTimersByTimeAsync(1000);
    const { lastSuccess } = stands() ?? {};
    expect(lastSuccess).toMatch(/^2026-01-02T03:04:0[56]/);
    for (let n = 0; n < 3; n++) bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    await vi.advanceTimersByTimeAsync(5000);
    expect(stands()).toMatchObject({ lastSuccess, failuresInRow: 3, calls: { errors: 3, errorPercent: 75 } });
  });

  it('judges the rate of errors over five minutes (B-16)', () => {
    const status = () => metrics().error_recovery?.system_status;
    const fail = (times: number) => {
      for (let n = 0; n < times; n++) bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    };
    expect(status()).toBe('healthy');
    fail(16);
    expect([metrics().error_recovery?.current_error_rate, status()]).toEqual([0.053333, 'warning']);
    fail(15);
    expect(status()).toBe('degraded');
  });

  it('samples the machine: CPU, memory that is left, collections of garbage, time of answers (B-30)', async () => {
    vi.useRealTimers();
    const own = startBench(TWO);
    await own.operations.look();
    const gc = runInNewContext('gc') as () => void;
    gc();
    const performance = () =>
      (own.operations.metrics() as unknown as Json).system_health?.performance_metrics as unknown as Record<
        string,
        number
      >;
    await expect.poll(() => performance().gc_collections).toBeGreaterThan(0);
    expect(performance().memory_available).toBeGreaterThan(1e6);
    expect(performance().memory_usage).toBeGreaterThan(0);
    expect(Object.keys(performance())).toEqual(
      expect.arrayContaining(['cpu_usage', 'active_connections', 'cache_hit_rate', 'error_rate', 'response_time_avg']),
    );
    await own.operations.close();
  });

  it('counts reconnects from the states of the upstream', () => {
    const state = (from: 'ready' | 'backoff' | 'starting', to: 'ready' | 'backoff' | 'starting') =>
      bench.events.emit({ type: 'upstream.state', upstream: 'a', from, to });
    state('starting', 'ready');
    expect(metrics().connection?.by_connection?.a).toMatchObject({ reconnects_ok: 0 });
    state('ready', 'backoff');
    state('backoff', 'starting');
    state('starting', 'ready');
    if (bench.upstreams[0]) bench.upstreams[0].known.connects = 4;
    expect(metrics().connection?.by_connection?.a).toEqual({
      reconnect_attempts: 3,
      reconnects_ok: 1,
      reconnects_failed: 2,
    });
  });

  it('forgets what is older than its window, and errors after an hour (B-15)', async () => {
    bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_TIMEOUT', total: 40_000 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(metrics().performance?.a?.p95).toBeGreaterThan(10);
    expect(metrics().system_health?.performance_metrics).toMatchObject({ error_rate: 1 });
    await vi.advanceTimersByTimeAsync(300_000);
    expect(metrics().performance?.a?.p95).toBeNull();
    expect(metrics().system_health?.performance_metrics).toMatchObject({ error_rate: 0 });
    expect(metrics().error_recovery).toMatchObject({ total_errors_last_hour: 1 });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(metrics().error_recovery).toMatchObject({ total_errors_last_hour: 0 });
    expect(metrics().performance?.a).toMatchObject({ total_requests: 1 });
  });

  it('keeps its windows when rules ask for others', async () => {
    for (let n = 0; n < 20; n++) bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_FAILED' }));
    await vi.advanceTimersByTimeAsync(600_000);
    bench.reconfigure({ ...TWO, monitor: { rules: [{ name: 'high_error_rate', window: '30m' }] } });
    expect(metrics().system_health?.performance_metrics).toMatchObject({ error_rate: 0 });
    bench.events.emit(call());
    expect(metrics().system_health?.performance_metrics).toMatchObject({ error_rate: 0 });
  });

  it('asks the caches that there are', () => {
    const cached = startBench(TWO, {
      caches: () => ({ results: { hits: 3, misses: 1, size: 2, max: 10, memory: 99 } }),
    });
    expect((cached.operations.metrics() as Json).cache).toEqual({
      results: {
        hits: 3,
        misses: 1,
        total_requests: 4,
        hit_rate: 75,
        current_size: 2,
        max_size: 10,
        memory_usage: 99,
      },
    });
  });
});

describe('/status and /diagnostics (12.4)', () => {
  it('tells the status of every upstream (B-20, B-26)', () => {
    expect(bench.operations.status()).toEqual({
      connection: {
        a: { status: 'healthy', error_count: 0, reconnect_attempts: 0, last_check: null },
        b: { status: 'healthy', error_count: 0, reconnect_attempts: 0, last_check: null },
      },
      timestamp: expect.stringMatching(/^\d{4}-/) as string,
    });
  });

  it('is healthy without issues, and names evidence and what to do with them (B-32)', () => {
    expect(bench.operations.diagnostics()).toMatchObject({
      status: 'healthy',
      issues: [],
      recommendations: [],
      connection_health: { a: true, b: true },
    });
    const [a] = bench.upstreams;
    if (a === undefined) throw new Error('no upstream');
    a.state = {
      state: 'cooling_down',
      attempt: 4,
      since: Date.now(),
      until: Date.now() + 60_000,
      cause: new GatewayFault('UPSTREAM_START_FAILED', 'upstream "a" ended with code 1'),
    };
    a.known.stderr = ['Error: API_KEY is not set'];
    const report = bench.operations.diagnostics() as {
      status: string;
      issues: Record<string, unknown>[];
      recommendations: string[];
    };
    expect(report.status).toBe('critical');
    expect(report.issues).toEqual([
      {
        id: 'state:a',
        severity: 'critical',
        upstream: 'a',
        title: 'a is cooling_down',
        evidence: 'upstream "a" ended with code 1; stderr: Error: API_KEY is not set; next try in 60 s',
        since: expect.any(String) as string,
      },
    ]);
    expect(report.recommendations).toEqual(["a: Correct the upstream's configuration, then restart it."]);
  });

  it('shows no secret in what an upstream wrote', () => {
    const secret = startBench({ upstreams: { a: { command: 'x', env: { API_TOKEN: 'tok-1234567890' } } } });
    const [a] = secret.upstreams;
    if (a === undefined) throw new Error('no upstream');
    a.known.stderr = ['cannot log in with tok-1234567890'];
    a.state = {
      state: 'failed',
      since: 0,
      cause: new GatewayFault('UPSTREAM_START_FAILED', 'Bearer abcdefghijkl refused'),
    };
    const text = JSON.stringify(secret.operations.diagnostics());
    expect(text).toContain('cannot log in with ***');
    expect(text).not.toContain('abcdefghijkl');
  });
});

describe('the exposition (X-85, 10.4)', () => {
  const busy = async (): Promise<void> => {
    bench.events.emit(call({ total: 0.7 }));
    bench.events.emit(call({ subject: 'put', face: 'openapi', outcome: 'tool-error', total: 700 }));
    bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_TIMEOUT', total: 70_000 }));
    bench.events.emit(call({ method: 'resources/read', subject: 'file:///secret/path' }));
    await vi.advanceTimersByTimeAsync(2000);
  };

  it.each([false, true])('is well-formed, line by line (OpenMetrics: %s)', async (open) => {
    await busy();
    const { type, text } = await exposition(bench.operations, open);
    expect(type).toContain(open ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4');
    const { problems, families } = readExposition(text, open);
    expect(problems).toEqual([]);
    expect(families.size).toBeGreaterThan(35);
  });

  it('counts by upstream, tool, face and outcome', async () => {
    await busy();
    const { families } = readExposition((await exposition(bench.operations)).text, false);
    const calls = families
      .get('holdfast_calls_total')
      ?.samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]);
    expect(calls).toEqual([
      ['a echo mcp result', 1],
      ['a echo mcp fault', 1],
      ['a put openapi tool-error', 1],
      ['a resources/read mcp result', 1],
    ]);
    const sum = families
      .get('holdfast_call_duration_seconds')
      ?.samples.find(({ name, labels }) => name.endsWith('_sum') && labels.tool === 'echo');
    expect(sum?.value).toBeCloseTo(70.0007);
    expect((await exposition(bench.operations)).text).not.toContain('secret/path');
  });

  it('survives names that need escaping', async () => {
    const odd = startBench({ upstreams: { 'a"b\\c': { command: 'x' } } });
    odd.events.emit(call({ upstream: 'a"b\\c', subject: 'two\nlines "quoted"' }));
    const { problems, families } = readExposition((await exposition(odd.operations)).text, false);
    expect(problems).toEqual([]);
    expect(families.get('holdfast_calls_total')?.samples[0]?.labels.tool).toBe('two\\nlines \\"quoted\\"');
  });

  it('stays bounded whatever names callers invent (cardinality)', async () => {
    for (let n = 0; n < 5000; n++) {
      bench.events.emit(call({ upstream: `no-such-${n}`, outcome: 'fault', fault: 'UPSTREAM_UNKNOWN' }));
      bench.events.emit(call({ subject: `no-such-${n}`, outcome: 'fault', fault: 'TOOL_UNKNOWN' }));
      bench.events.emit(call({ subject: `real-${n}` }));
      bench.events.emit(call({ method: 'resources/read', subject: `file:///${n}` }));
    }
    const { families } = readExposition((await exposition(bench.operations)).text, false);
    const calls = families.get('holdfast_calls_total')?.samples ?? [];
    expect(calls.length).toBeLessThan(210);
    expect(calls.reduce((sum, { value }) => sum + value, 0)).toBe(20_000);
    expect(new Set(calls.map(({ labels }) => labels.upstream))).toEqual(new Set(['_unknown', 'a']));
    expect(calls.find(({ labels }) => labels.tool === '_other')?.value).toBeGreaterThan(4000);
  });

  it('stays bounded over many upstreams, and gives room back', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `u${n}`);
    const many = startBench({ upstreams: Object.fromEntries(names.map((name) => [name, { command: 'x' }])) });
    for (const upstream of names) for (let n = 0; n < 100; n++) many.events.emit(call({ upstream, subject: `t${n}` }));
    const series = async () =>
      readExposition((await exposition(many.operations)).text, false).families.get('holdfast_calls_total')?.samples ??
      [];
    expect((await series()).length).toBeLessThanOrEqual(2030);
    many.events.emit({ type: 'config.applied', version: 2, added: [], removed: ['u0'], changed: [] });
    many.events.emit(call({ upstream: 'u29', subject: 'late' }));
    expect((await series()).some(({ labels }) => labels.upstream === 'u29' && labels.tool === 'late')).toBe(true);
  });

  it('lets others have their turn while a page of 100 upstreams and 2,000 tools is written', async () => {
    vi.useRealTimers();
    const names = Array.from({ length: 100 }, (_, n) => `u${n}`);
    const many = startBench({ upstreams: Object.fromEntries(names.map((name) => [name, { command: 'x' }])) });
    for (const upstream of names) for (let n = 0; n < 20; n++) many.events.emit(call({ upstream, subject: `t${n}` }));
    let turns = 0;
    let done = false;
    const turn = (): void => {
      turns++;
      if (!done) setImmediate(turn);
    };
    setImmediate(turn);
    const { text } = await exposition(many.operations);
    done = true;
    expect(turns).toBeGreaterThan(1);
    const { families, problems } = readExposition(text, false);
    expect(problems).toEqual([]);
    expect(families.get('holdfast_call_duration_seconds')?.samples).toHaveLength(2000 * 19);
  });

  it('drops the series of an upstream that was removed', async () => {
    bench.events.emit(call());
    bench.upstreams.splice(0, 1);
    bench.events.emit({ type: 'config.applied', version: 2, added: [], removed: ['a'], changed: [] });
    expect((await exposition(bench.operations)).text).not.toContain('upstream="a"');
  });
});

describe('samples (C-50, B-30)', () => {
  it('rests when monitoring is switched off; counters go on', async () => {
    const off = startBench({ ...TWO, monitor: { enabled: false, interval: '1s' } });
    off.operations.start();
    off.events.emit(call());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(off.operations.samples('a', 10)).toEqual([]);
    expect((off.operations.metrics() as unknown as Json).performance?.a).toMatchObject({ total_requests: 1 });
    off.reconfigure({ ...TWO, monitor: { interval: '1s' } });
    await vi.advanceTimersByTimeAsync(3000);
    expect(off.operations.samples('a', 10).length).toBeGreaterThan(1);
    await off.operations.close();
  });

  it('keeps CPU, memory and scores of each upstream', async () => {
    const [a] = bench.upstreams;
    if (a === undefined) throw new Error('no upstream');
    a.known.pid = process.pid;
    bench.usage.set(process.pid, { rss: 50e6, cpu: 1000, frozen: false, processes: 2 });
    await bench.operations.look();
    await vi.advanceTimersByTimeAsync(10_000);
    bench.usage.set(process.pid, { rss: 60e6, cpu: 6000, frozen: false, processes: 2 });
    await bench.operations.look();
    const rows = bench.operations.samples('a', 100);
    expect(rows.at(-1)).toMatchObject({ memory_bytes: 60e6, processes: 2, score: 100, restart_count: 0 });
    expect(rows.at(-1)?.cpu_percent).toBeCloseTo(50, 0);
    expect(bench.operations.samples('gateway', 100).at(-1)).toHaveProperty('event_loop_lag_ms');
    const { families } = readExposition((await exposition(bench.operations)).text, false);
    expect(families.get('holdfast_upstream_cpu_seconds_total')?.samples).toEqual([
      { name: 'holdfast_upstream_cpu_seconds_total', labels: { upstream: 'a' }, value: 6 },
    ]);
  });
});
