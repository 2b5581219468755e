// What /health and the log say: derived from states, nothing secret, never two lines where one was meant.
import { describe, expect, it } from 'vitest';
import { ScriptedUpstream } from '../../test/support/scripted-upstream.ts';
import { EventStream, type GatewayEvent } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import type { UpstreamState } from '../core/upstream.ts';
import { allHealthy, healthReport } from './health.ts';
import { type LogLevel, writeLog } from './log.ts';

const cause = new GatewayFault('UPSTREAM_START_FAILED', 'cannot find /secret/path');
function report(states: Record<string, UpstreamState>, detailed = true) {
  const upstreams = Object.entries(states).map(([name, state]) => {
    const upstream = new ScriptedUpstream(name, ['a', 'b']);
    upstream.state = state;
    return upstream;
  });
  return healthReport({
    version: '1.2.3',
    startedAt: Date.now() - 2_000,
    config: { version: 4, rejected: { at: 'then', problems: ['/secret/file.json: bad'] } },
    upstreams,
    detailed,
    redact: (text) => text,
  });
}
const ready: UpstreamState = { state: 'ready', since: 0 };
const degraded: UpstreamState = { state: 'degraded', since: 0, cause: 'it does not answer checks' };
const failed: UpstreamState = { state: 'failed', since: 0, cause };

describe('healthReport (12.4)', () => {
  it.each([
    [{}, 'healthy', true],
    [{ a: ready }, 'healthy', true],
    [{ a: ready, b: failed }, 'degraded', false],
    [{ a: failed, b: failed }, 'unhealthy', false],
    [{ a: degraded }, 'degraded', false],
    [{ a: degraded, b: failed }, 'degraded', false],
    [{ a: ready, b: { state: 'disabled', since: 0 } }, 'healthy', true],
    [{ a: { state: 'starting', since: 0, attempt: 1, deadline: 0, phase: 'queued' } }, 'healthy', false],
    [{ a: { state: 'disabled', since: 0 } }, 'healthy', true],
  ] as [Record<string, UpstreamState>, string, boolean][])('%j is %s; strict: %s', (states, status, strict) => {
    const health = report(states);
    expect([health.status, allHealthy(health)]).toEqual([status, strict]);
    expect(health).toMatchObject({ version: '1.2.3', uptime: 2, config: { version: 4 } });
  });

  it('tells a caller who may read why, when next, and which attempt; others the state only', () => {
    const until = Date.parse('2026-01-01T00:00:00Z');
    const states = { a: { state: 'cooling_down', since: 0, attempt: 5, until, cause } as UpstreamState };
    expect(report(states).upstreams.a).toMatchObject({
      state: 'cooling_down',
      health: 'cooling_down',
      error: 'cannot find /secret/path',
      attempt: 5,
      nextTryAt: '2026-01-01T00:00:00.000Z',
      tools: 2,
      current_status: { status: 'cooling_down', error_count: 0, reconnect_attempts: 0, last_check: null },
    });
    expect(JSON.stringify(report(states, false))).not.toContain('/secret');
    expect(report(states, false).config.rejected).toEqual({ at: 'then', problems: [] });
  });

  it('has the top-level names of the old systems with exactly one upstream', () => {
    expect(report({ a: ready })).toMatchObject({ connection_name: 'a', current_status: { status: 'healthy' } });
    expect(report({ a: ready, b: ready })).not.toHaveProperty('connection_name');
  });
});

describe('writeLog (F-G12, reliability §4 Evidence)', () => {
  function logged(level: LogLevel, ...events: GatewayEvent[]): string[] {
    const stream = new EventStream();
    const lines: string[] = [];
    const stop = writeLog({
      events: stream,
      level,
      redact: (text) => text.replaceAll('hunter2', '***'),
      write: (line) => lines.push(line),
      now: () => new Date(0),
    });
    for (const event of events) stream.emit(event);
    stop();
    stream.emit({ type: 'log', level: 'error', text: 'after the end' });
    return lines;
  }

  it('writes one line per event, whatever a server puts into it', () => {
    const text = 'a\r\nFAKE line\u001b[2J\u0000\u2028\ttab';
    const [line, ...rest] = logged('info', { type: 'log', level: 'warn', text, upstream: 'u' });
    expect(rest).toEqual([]);
    expect(line).toBe(
      '1970-01-01T00:00:00.000Z warn  [u] a\\r\\nFAKE line\\u001b[2J\\u0000\u2028 tab\n'.replace(
        '\u2028',
        JSON.stringify('\u2028').slice(1, -1),
      ),
    );
  });

  it('removes secrets from texts and data', () => {
    const lines = logged('info', {
      type: 'log',
      level: 'error',
      text: 'pw hunter2',
      data: { deep: { pw: 'hunter2' } },
    });
    expect(lines.join()).not.toContain('hunter2');
    expect(lines.join()).toContain('***');
  });

  it('keeps to its level', () => {
    const events: GatewayEvent[] = (['debug', 'info', 'warn', 'error'] as const).map((level) => ({
      type: 'log',
      level,
      text: level,
    }));
    for (const [level, count] of [
      ['debug', 4],
      ['info', 3],
      ['warn', 2],
      ['error', 1],
      ['silent', 0],
    ] as const)
      expect(logged(level, ...events)).toHaveLength(count);
  });

  it('tells states, configurations, calls and refusals at the level they deserve', () => {
    const state = (
      from: 'starting' | 'ready' | 'backoff',
      to: 'ready' | 'backoff' | 'starting',
      reason?: string,
    ): GatewayEvent => ({
      type: 'upstream.state',
      upstream: 'u',
      from,
      to,
      reason,
    });
    const lines = logged(
      'info',
      state('starting', 'ready'),
      state('ready', 'backoff', 'it exited'),
      state('backoff', 'starting'),
      state('starting', 'ready'),
      { type: 'config.applied', version: 2, added: ['a'], removed: ['b'], changed: ['c'] },
      { type: 'config.applied', version: 3, added: [], removed: [], changed: [] },
      { type: 'config.rejected', problems: ['p1', 'p2'] },
      { type: 'auth.refused', face: 'mcp', reason: 'a key is needed' },
      { type: 'process.exited', upstream: 'u', pid: 1, code: null, signal: 'SIGKILL' },
      { type: 'catalog.changed', view: 'u', kinds: ['tools'] },
    );
    expect(lines.map((line) => line.slice(25).trim())).toEqual([
      'warn  [u] ready → backoff: it exited',
      'info  [u] starting → ready',
      'info  configuration 2 applied: +a -b ~c',
      'info  configuration 3 applied, nothing changed',
      'error configuration refused, the running one stays: p1; p2',
    ]);
    const all = logged(
      'debug',
      { type: 'process.exited', upstream: 'u', pid: 1, code: 3, signal: null },
      { type: 'auth.refused', face: 'mcp', reason: 'r' },
    );
    expect(all.join()).toContain('exited with code 3');
    expect(all.join()).toContain('refused: r');
  });
});
