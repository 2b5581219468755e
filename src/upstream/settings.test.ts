import { afterEach, describe, expect, test } from 'vitest';
import { PLAIN, plain, type UnderTest, upstreamConfig } from '../../test/support/upstream-under-test.ts';
import { needsRestart } from './settings.ts';

const base = { command: process.execPath, args: [PLAIN] };
const running: UnderTest[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((made) => made.stop()));
});

describe('a change of settings', () => {
  test.each([
    [{ limits: { inFlight: 3 } }, false],
    [{ timeouts: { call: '5s', ready: '1s' } }, false],
    [{ recovery: { enabled: false }, health: { enabled: false } }, false],
    [{ tools: { disabled: ['x'] }, enabled: false, stopWhenIdle: '1m' }, false],
    [{ pool: { max: 3 } }, false],
    [{ args: [PLAIN, 'x'] }, true],
    [{ env: { A: '1' } }, true],
    [{ inheritEnv: ['A'] }, true],
    [{ session: { mode: 'pooled' } }, true],
    [{ session: { declare: ['roots'] } }, true],
    [{ limits: { message: '1MB' } }, true],
    [{ forwardHeaders: { allow: ['x-*'], debug: true } }, false],
    [{ forwardHeaders: { enabled: true } }, true],
  ])('%j needs a restart: %s', (change, expected) => {
    expect(needsRestart(upstreamConfig(base), upstreamConfig({ ...base, ...change }))).toBe(expected);
  });

  test('F-K6 is taken while it runs: same process, calls in flight untouched', async () => {
    const made = plain();
    running.push(made);
    await made.reached('ready');
    const { pid } = made.upstream.facts();
    const call = made.text('late', { after: 200 });
    made.upstream.reconfigure(
      upstreamConfig({ ...base, limits: { inFlight: 1, queue: 0 }, timeouts: { call: '300ms' } }),
    );
    await expect(made.tool('echo')).rejects.toMatchObject({ fault: 'OVERLOADED' });
    expect(await call).toBe('late');
    const began = performance.now();
    await expect(made.tool('hang')).rejects.toMatchObject({ fault: 'UPSTREAM_TIMEOUT' });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(made.upstream.facts().pid).toBe(pid);
  });

  test('`enabled` stops it and starts it again', async () => {
    const made = plain();
    running.push(made);
    await made.reached('ready');
    made.upstream.reconfigure(upstreamConfig({ ...base, enabled: false }));
    await made.reached('disabled');
    await expect(made.tool('echo')).rejects.toMatchObject({ fault: 'UPSTREAM_NOT_READY' });
    made.upstream.reconfigure(upstreamConfig(base));
    expect(await made.text('echo')).toBe('{}');
  });
});
