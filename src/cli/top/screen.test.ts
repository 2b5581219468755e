import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cut, padded, widthOf } from '../columns.ts';
import type { Look, UpstreamLook } from './look.ts';
import { draw } from './screen.ts';
import { chosen, FIRST_VIEW, pressed, type View } from './view.ts';

const NOW = new Date('2026-01-02T03:04:05Z');

function upstream(name: string, of: Partial<UpstreamLook> = {}): UpstreamLook {
  return {
    name,
    state: 'ready',
    health: 'healthy',
    since: '2026-01-02T01:04:05Z',
    score: 100,
    trend: 'steady',
    failuresInRow: 0,
    calls: { perSecond: 0, errors: 0, errorPercent: null, p50: null, p95: null, p99: null },
    tools: 3,
    inFlight: 0,
    queued: 0,
    ...of,
  };
}

const calls = (p99: number, errorPercent: number, perSecond = 1) => ({
  calls: { perSecond, errors: errorPercent, errorPercent, p50: p99 / 2, p95: p99, p99 },
});
const down = upstream('搜索', {
  state: 'backoff',
  health: 'unhealthy',
  reason: '连接被拒绝\u001b[2J\nconnect ECONNREFUSED 127.0.0.1:1',
  attempt: 3,
  nextTryAt: '2026-01-02T03:04:09Z',
  ...calls(12_500, 40),
});

const look = (upstreams: UpstreamLook[]): Look => ({
  at: NOW,
  url: 'http://127.0.0.1:8000',
  overview: {
    score: 92,
    trend: 'worsening',
    version: '1.2.3',
    uptime: 11_520,
    calls: { perSecond: 3.44, inFlight: 2, limit: 1000, errorPercent: 0.4, p50: 3, p99: 120 },
    recovery: { attempts: 4, successRate: 0.75 },
    gateway: { cpuPercent: 3, rss: 96 * 1024 * 1024, eventLoopLag: 1 },
    rejected: { at: '2026-01-02T03:00:00Z', problems: ['upstreams.a: command is missing'] },
  },
  upstreams,
  alerts: [
    {
      id: '1',
      rule: 'upstream_down',
      subject: '搜索',
      metric: 'upstream_down',
      severity: 'critical',
      message: '搜索: not available 121 s',
      value: 121,
      threshold: 120,
      since: NOW.toISOString(),
      changed: NOW.toISOString(),
      silenced: true,
    },
  ],
  calls: [
    {
      id: 'x',
      at: NOW.toISOString(),
      face: 'mcp',
      client: 'inspector 1.0',
      upstream: '搜索',
      method: 'tools/call',
      subject: '查询天气',
      outcome: 'fault',
      fault: 'UPSTREAM_TIMEOUT',
      attempts: 2,
      queue: 0,
      upstreamTime: 60_000,
      total: 60_000,
      bytes: 0,
    },
  ],
});

describe('columns', () => {
  it('count a Chinese character as two, an emoji of several parts as two, an accent as none', () => {
    expect([widthOf('天气'), widthOf('👩‍💻'), widthOf('e\u0301')]).toEqual([4, 2, 1]);
    expect([cut('天气服务', 5), cut('天气服务', 8), cut('abcdef', 4), cut('x', 0)]).toEqual([
      '天气…',
      '天气服务',
      'abc…',
      '',
    ]);
    expect([padded('天气', 6), padded('7', 3, 'end'), padded('天气服务', 4)]).toEqual(['天气  ', '  7', '天… ']);
  });
});

describe('the screen of holdfast top', () => {
  const many = Array.from({ length: 60 }, (_, n) => upstream(`server-${String(n).padStart(2, '0')}`));

  it.each([40, 60, 80, 120, 200])('keeps within %i columns, whatever stands in it', (columns) => {
    for (const colour of [false, true]) {
      const { lines } = draw(look([...many, down]), FIRST_VIEW, { columns, rows: 24, colour }, true);
      expect(lines.length).toBe(24);
      for (const line of lines) expect(widthOf(stripVTControlCharacters(line)), line).toBeLessThanOrEqual(columns);
    }
  });

  it('says everything without colour, in lines that no server can break (B-34)', () => {
    const { lines } = draw(
      look([upstream('files'), down]),
      FIRST_VIEW,
      { columns: 150, rows: 40, colour: false },
      false,
    );
    const text = lines.join('\n');
    expect(text).not.toMatch(/\p{Cc}(?<!\n)/u);
    expect(text).toContain('up 3 h   score 92 worsening');
    expect(text).toContain('2 upstreams: 1 ready, 1 backoff   3.4 calls/s   2 in flight   p50 3 ms   p99 120 ms');
    expect(text).toContain('recovered 75 %');
    expect(text).toContain('configuration refused at 2026-01-02T03:00:00Z: upstreams.a: command is missing');
    const row = lines.find((line) => line.startsWith('搜索'));
    expect(row).toMatch(
      /^搜索 {6}backoff .*6250 ms +12.5 s +40 % .*next try 4 s, attempt 3, 连接被拒绝\\u001b\[2J\\nconnect/,
    );
    expect(text).toMatch(/critical {2}\d\d:04:05 {2}upstream_down \(silenced\) {2}搜索: not available 121 s/);
    expect(text).toMatch(/UPSTREAM_TIMEOUT {2}搜索\/查询天气 {2}60 s after 2 attempts {2}inspector 1.0/);
    const painted = draw(look([down]), FIRST_VIEW, { columns: 150, rows: 40, colour: true }, false).lines.join('\n');
    expect(painted).toContain('\u001b[31m');
  });

  it('scrolls through more upstreams than fit, and leaves them room', () => {
    const screen = { columns: 80, rows: 20, colour: false };
    const first = draw(look(many), FIRST_VIEW, screen, true);
    expect(first.page).toBeGreaterThanOrEqual(4);
    const last = draw(look(many), { ...FIRST_VIEW, above: 1_000 }, screen, true);
    expect(last.above).toBe(60 - last.page);
    expect(last.lines.join('\n')).toContain('server-59');
    expect(draw(look([]), FIRST_VIEW, screen, true).lines.join('\n')).toContain('no upstreams');
    expect(() => draw(look(many), FIRST_VIEW, { columns: 3, rows: 2, colour: true }, true)).not.toThrow();
  });
});

describe('keys', () => {
  const keys = (...names: string[]): View | 'quit' =>
    names.reduce<View | 'quit'>(
      (view, name) => (view === 'quit' ? view : pressed(view, { name, sequence: name }, 10)),
      FIRST_VIEW,
    );

  it('sort, reverse, filter, scroll and quit', () => {
    const rows = [upstream('b', calls(5, 0, 9)), upstream('a', calls(50, 0, 1)), down];
    const names = (view: View | 'quit') => (view === 'quit' ? view : chosen(rows, view).map(({ name }) => name));
    expect(names(keys())).toEqual(['搜索', 'b', 'a']);
    // Which script comes first is the user's language to say.
    expect(names(keys('s'))).toEqual(['b', 'a', '搜索'].toSorted((one, other) => one.localeCompare(other)));
    expect(names(keys('s', 's'))?.[0]).toBe('b');
    expect(names(keys('s', 's', 'r'))?.[2]).toBe('b');
    expect(names(keys('s', 's', 's', 's', 's'))).toEqual(['b', 'a', '搜索']);
    expect(names(keys('/', 'R', 'E', 'F', 'U'))).toEqual(['搜索']);
    expect(names(keys('/', 'x', 'backspace', '搜', 'return', 'q'))).toBe('quit');
    expect(keys('/', 'q', 'escape')).toMatchObject({ typing: false, filter: '' });
    expect(keys('pagedown', 'down', 'up', 'up')).toMatchObject({ above: 9 });
    expect(pressed(FIRST_VIEW, { name: 'c', ctrl: true }, 1)).toBe('quit');
  });
});
