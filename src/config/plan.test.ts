import { describe, expect, it } from 'vitest';
import { parseConfig } from './load.ts';
import { fingerprint, planChange } from './plan.ts';
import type { Config, ConfigInput, UpstreamConfig, UpstreamInput } from './schema.ts';

function config(input: ConfigInput): Config {
  const result = parseConfig(input, { env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const one = (upstream: UpstreamInput) => config({ upstreams: { a: upstream } });
const action = (old: UpstreamInput, next: UpstreamInput) => planChange(one(old), one(next)).steps[0];

describe('planChange', () => {
  it('keeps an upstream whose variables stand in another order or whose durations are written otherwise (F-K8)', () => {
    const plan = planChange(
      one({ command: 'x', env: { A: '1', B: '2' }, timeouts: { call: '60s' } }),
      one({ timeouts: { call: '1m' }, env: { B: '2', A: '1' }, command: 'x' }),
    );
    expect(plan).toMatchObject({ steps: [{ upstream: 'a', action: 'keep' }], empty: true, rebind: false });
  });

  it.each<[string, UpstreamInput]>([
    ['command', { command: 'y' }],
    ['args', { command: 'x', args: ['1'] }],
    ['cwd', { command: 'x', cwd: '/' }],
    ['env', { command: 'x', env: { A: '1' } }],
    ['inheritEnv', { command: 'x', inheritEnv: 'all' }],
    ['session.mode', { command: 'x', session: { mode: 'pooled' } }],
    ['enabled', { command: 'x', enabled: false }],
    ['supervisor.nice', { command: 'x', supervisor: { nice: 5 } }],
  ])('restarts when %s differs', (key, next) => {
    expect(action({ command: 'x' }, next)).toMatchObject({ action: 'restart', changed: [key] });
  });

  it.each<[string, UpstreamInput]>([
    ['timeouts.call', { command: 'x', timeouts: { call: 5 } }],
    ['limits.inFlight', { command: 'x', limits: { inFlight: 1 } }],
    ['tools.disabled', { command: 'x', tools: { disabled: ['t'] } }],
    ['tools.overrides', { command: 'x', tools: { overrides: { t: { name: 'u' } } } }],
    ['description', { command: 'x', description: 'what it does' }],
    ['recovery.breaker.failures', { command: 'x', recovery: { breaker: { failures: 9 } } }],
  ])('updates in place when only %s differs', (key, next) => {
    expect(action({ command: 'x' }, next)).toMatchObject({ action: 'update', changed: [key] });
  });

  it('adds, removes, and sees another order', () => {
    const old = config({ upstreams: { a: { command: 'x' }, b: { command: 'x' }, c: { command: 'x' } } });
    const next = config({ upstreams: { c: { command: 'x' }, d: { command: 'x' }, a: { command: 'x' } } });
    const plan = planChange(old, next);
    expect(plan.steps.map(({ upstream, action }) => `${action} ${upstream}`)).toEqual([
      'keep c',
      'add d',
      'keep a',
      'remove b',
    ]);
    expect(plan).toMatchObject({ reordered: true, empty: false });
  });

  it('tells settings apart from upstreams, and what needs another listener', () => {
    const old = config({ server: { port: 1 }, log: { level: 'info' } });
    expect(planChange(old, config({ server: { port: 1 }, log: { level: 'warn' } }))).toMatchObject({
      settings: ['log.level'],
      rebind: false,
    });
    expect(planChange(old, config({ server: { port: 2 } }))).toMatchObject({ settings: ['server.port'], rebind: true });
  });

  it('carries a change of `defaults` to every upstream', () => {
    const old = config({ upstreams: { a: { command: 'x' } } });
    const next = config({ upstreams: { a: { command: 'x' } }, defaults: { env: { R: '1' } } });
    expect(planChange(old, next).steps).toMatchObject([{ action: 'restart', changed: ['env'] }]);
  });

  it('never shows values', () => {
    const plan = planChange(
      one({ command: 'x', env: { T: 'old-secret' } }),
      one({ command: 'x', env: { T: 'new-secret' } }),
    );
    expect(JSON.stringify(plan)).not.toContain('secret');
  });
});

describe('fingerprint (10.14)', () => {
  const of = (upstream: UpstreamInput) => fingerprint(one(upstream).upstreams.a as UpstreamConfig);
  it('ignores the order of variables, the case of header names, and everything but the target', () => {
    const base = of({ command: 'x', env: { A: '1', B: '2' } });
    expect(of({ env: { B: '2', A: '1' }, command: 'x', timeouts: { call: 1 }, description: 'd' })).toBe(base);
    expect(of({ url: 'http://h/', headers: { 'X-A': '1' } })).toBe(of({ url: 'http://h/', headers: { 'x-a': '1' } }));
  });
  it('differs with command, args, cwd, env, url and headers', () => {
    const all = [
      of({ command: 'x' }),
      of({ command: 'y' }),
      of({ command: 'x', args: ['a', 'b'] }),
      of({ command: 'x', args: ['a b'] }),
      of({ command: 'x', cwd: '/' }),
      of({ command: 'x', env: { A: '1' } }),
      of({ url: 'http://h/' }),
      of({ url: 'http://h/', headers: { A: '1' } }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
