// Every fault has one row, says enough to act on, and never invites to run something twice (requirements 8.3).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallAbort, platformSignal } from './call-signal.ts';
import { EventStream, type GatewayEvent } from './events.ts';
import { asFault, type Delivery, GatewayFault } from './fault.ts';
import { FAULTS, type FaultName } from './fault-table.ts';
import { healthOf, type StateName } from './upstream.ts';

const names = Object.keys(FAULTS) as FaultName[];

it('F-C15 a fault costs no stack, for a refusal must be cheap; a mistake of ours has one, and so have other errors', () => {
  const inFrame = (error: Error): boolean => error.stack?.includes('faults.test') === true;
  expect(inFrame(new GatewayFault('OVERLOADED', 'full').with({ upstream: 'u' }))).toBe(false);
  expect(inFrame(new GatewayFault('INTERNAL', 'ours'))).toBe(true);
  expect(inFrame(new Error('another'))).toBe(true);
});

describe('the fault table (8.3)', () => {
  it.each(names)('%s has a code outside what is reserved, a status and a hint', (name) => {
    const row = FAULTS[name];
    const shared = [-32602, -32600, -32603];
    expect(shared.includes(row.code) || row.code > -32000 || row.code < -32768).toBe(true);
    expect(row.http).toBeGreaterThanOrEqual(400);
    expect(row.http).toBeLessThan(600);
    expect(row.hint).toMatch(/^[A-Z].*\.$/);
    expect(row.converged).toMatch(/^[A-Z_]+$/);
  });

  it('codes of our own are each one fault only', () => {
    const own = names.map((name) => FAULTS[name].code).filter((code) => code > -32000);
    expect(new Set(own).size).toBe(own.length);
  });

  it('every row is raised somewhere in the source (C-10)', () => {
    const sources = (dir: string): string[] =>
      readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const path = join(dir, entry.name);
        if (entry.isDirectory()) return sources(path);
        return path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.endsWith('fault-table.ts')
          ? [readFileSync(path, 'utf8')]
          : [];
      });
    const text = sources(join(import.meta.dirname, '..')).join('\n');
    const unused = names.filter((name) => !text.includes(`'${name}'`) && !('reserved' in FAULTS[name]));
    expect(unused).toEqual([]);
  });
});

describe('GatewayFault', () => {
  it.each(names)('%s is never called repeatable when it may have run', (name) => {
    expect(new GatewayFault(name, 'x', { delivery: 'maybe-sent' }).retryable).toBe(false);
    expect(new GatewayFault(name, 'x').retryable).toBe(FAULTS[name].retryable);
  });

  it('says all a caller needs: fault, upstream, delivery, whether to repeat, when, and its id (C-13)', () => {
    const fault = new GatewayFault('OVERLOADED', 'too much', {
      upstream: 'u',
      retryAfterMs: 12.6,
      correlationId: 'c',
      data: { near: ['a'] },
    });
    expect(fault.toRpcError()).toEqual({
      code: -31002,
      message: 'too much',
      data: {
        fault: 'OVERLOADED',
        upstream: 'u',
        delivery: 'not-sent',
        retryable: true,
        retryAfterMs: 13,
        correlationId: 'c',
        hint: FAULTS.OVERLOADED.hint,
        near: ['a'],
      },
    });
    expect(new GatewayFault('INTERNAL', 'x', { retryAfterMs: -5 }).describe().retryAfterMs).toBe(0);
    expect(new GatewayFault('INTERNAL', 'x').correlationId).not.toBe(new GatewayFault('INTERNAL', 'x').correlationId);
  });

  it('keeps what it knew when more becomes known', () => {
    const cause = new Error('why');
    const first = new GatewayFault('UPSTREAM_TIMEOUT', 'late', { delivery: 'maybe-sent', cause, data: { a: 1 } });
    const more = first.with({ upstream: 'u', correlationId: 'c' });
    expect(more).toMatchObject({
      fault: 'UPSTREAM_TIMEOUT',
      delivery: 'maybe-sent' satisfies Delivery,
      upstream: 'u',
      correlationId: 'c',
      cause,
      data: { a: 1 },
    });
  });

  it('is made of anything that is thrown, once', () => {
    const fault = new GatewayFault('CANCELLED', 'x');
    expect(asFault(fault)).toBe(fault);
    expect(asFault(new Error('bug'), { upstream: 'u' })).toMatchObject({
      fault: 'INTERNAL',
      upstream: 'u',
      message: 'unexpected: bug',
    });
    for (const odd of ['text', undefined, null, 5, { a: 1 }]) expect(asFault(odd).fault).toBe('INTERNAL');
  });
});

describe('EventStream (F-G9)', () => {
  it('reaches every listener in order, until it leaves', () => {
    const stream = new EventStream();
    const seen: string[] = [];
    const stop = stream.subscribe(() => seen.push('a'));
    stream.subscribe(() => seen.push('b'));
    stream.emit({ type: 'config.rejected', problems: [] });
    stop();
    stream.emit({ type: 'config.rejected', problems: [] });
    expect(seen).toEqual(['a', 'b', 'b']);
  });

  it('a listener that throws harms nobody, is told to the others, and makes no loop', () => {
    const stream = new EventStream();
    const seen: GatewayEvent[] = [];
    stream.subscribe(() => {
      throw new Error('bad listener');
    });
    stream.subscribe((event) => seen.push(event));
    stream.emit({ type: 'config.rejected', problems: ['p'] });
    expect(seen.map(({ type }) => type).sort()).toEqual(['config.rejected', 'log']);
    expect(JSON.stringify(seen)).toContain('bad listener');
  });
});

describe('CallAbort', () => {
  it('tells each listener once, none after it left, and those of a platform signal too', () => {
    const abort = new CallAbort();
    const heard: string[] = [];
    const one = () => heard.push('one');
    const two = () => heard.push('two');
    abort.addEventListener('abort', one);
    abort.addEventListener('abort', one);
    abort.addEventListener('abort', two);
    abort.removeEventListener('abort', two);
    abort.removeEventListener('abort', () => undefined);
    const platform = platformSignal(abort);
    expect(() => abort.throwIfAborted()).not.toThrow();
    abort.abort('why');
    abort.abort('again');
    expect([heard, abort.aborted, abort.reason, platform.aborted, platform.reason]).toEqual([
      ['one'],
      true,
      'why',
      true,
      'why',
    ]);
    expect(() => abort.throwIfAborted()).toThrow('why');
    abort.addEventListener('abort', two);
    expect(heard).toEqual(['one']);
    expect(platformSignal(abort).aborted).toBe(true);
    const { signal } = new AbortController();
    expect(platformSignal(signal)).toBe(signal);
  });
});

describe('health (7)', () => {
  it.each([
    ['ready', 'healthy'],
    ['degraded', 'degraded'],
    ['starting', 'starting'],
    ['backoff', 'unhealthy'],
    ['cooling_down', 'cooling_down'],
    ['failed', 'failed'],
    ['needs_auth', 'failed'],
    ['disabled', 'disabled'],
    ['quarantined', 'disabled'],
    ['stopped', 'unknown'],
    ['draining', 'unknown'],
    ['stopping', 'unknown'],
  ] as [StateName, string][])('%s is %s', (state, health) => {
    expect(healthOf(state)).toBe(health);
  });
});
