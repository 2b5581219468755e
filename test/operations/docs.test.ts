// The reference pages list exactly what there is: metrics, default rules, operations of the management API.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAdminFace } from '../../src/faces/admin/index.ts';
import { METRICS, rulesOf } from '../../src/operations/rules.ts';
import { call, exposition, startBench } from './support/fixture.ts';
import { readExposition } from './support/lint.ts';

const page = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs/reference', name), 'utf8');
/** The rows of the first table behind a heading. */
function rowsUnder(text: string, heading: string): string[] {
  const [, behind = ''] = text.split(`## ${heading}\n`);
  const [section = ''] = behind.split('\n## ');
  return section.split('\n').filter((line) => line.startsWith('| `'));
}

/** Rows of the tables of operations. */
function apiRows(text: string): string[] {
  return text.split('\n').filter((line) => /^\| `(?:GET|POST|PUT|PATCH|DELETE) \//.test(line));
}

describe('docs/reference', () => {
  it('metrics.md lists every exposed metric with its type and help', async () => {
    const bench = startBench(
      { upstreams: { a: { command: 'x' } } },
      {
        caches: () => ({ results: { hits: 1, misses: 1, size: 1, max: 1, memory: 1 } }),
        endpoints: () => [
          {
            name: 'e',
            role: 'active',
            connected: true,
            initialised: true,
            healthScore: 100,
            reconnectAttempts: 0,
            calls: 1,
          },
        ],
        clients: () => ({ sessions: 0, streams: 0 }),
      },
    );
    const [a] = bench.upstreams;
    if (a !== undefined) Object.assign(a.known, { pid: process.pid, pool: { inUse: 1, idle: 1, waiting: 0 } });
    bench.usage.set(process.pid, { rss: 1, cpu: 1, frozen: false, processes: 1 });
    bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    bench.operations.start();
    // An alert, so that its family is there.
    for (let n = 0; n < 20; n++) bench.events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    await bench.operations.look();
    const { families } = readExposition((await exposition(bench.operations)).text, false);
    await bench.operations.close();
    const rows = [...families].map(([name, { type, help }]) => `| \`${name}\` | ${type} | ${help} |`);
    expect(rowsUnder(page('metrics.md'), 'Prometheus and OpenMetrics')).toEqual(rows);
  });

  it('alerts.md lists the default rules', () => {
    const rows = rulesOf([]).map(({ name, metric, levels, window, minCalls, minErrors }) => {
      const least = minErrors > 0 ? `${minErrors} errors` : minCalls > 0 ? `${minCalls} calls` : '';
      const [warning, error, critical] = levels.map((level) => level ?? '–');
      const { title, unit } = METRICS[metric];
      return `| \`${name}\` | ${title}${unit.trim() === '' ? '' : `, ${unit.trim()}`} | ${warning} | ${error} | ${critical} | ${window / 1000} s | ${least} |`;
    });
    expect(rowsUnder(page('alerts.md'), 'Default rules')).toEqual(rows);
  });

  it('management-api.md lists every operation with the role it needs', async () => {
    const bench = startBench({});
    const face = createAdminFace({ version: '0', views: bench.operations } as never);
    expect(face.route('/api/v1/status')).toBeDefined();
    const operations = await face.operations();
    const rows = operations.map(
      ({ method, path, needs, summary }) => `| \`${method} ${path}\` | ${needs} | ${summary} |`,
    );
    await bench.operations.close();
    expect(rowsUnder(page('management-api.md'), 'Operations')).toEqual(rows);
  });

  it('management-api.md maps the old routes of every system to ours (10.23)', () => {
    const text = page('management-api.md');
    const [, tables = ''] = text.split('## Old routes');
    // Requirements 1.7, 3.8 and 4.5, whole.
    const old = [
      ...['/api/servers', '/api/servers/{name}', '/api/servers/{name}/toggle', '/api/tools?server='],
      ...['/api/tools/{server}/{tool}', '/api/tools/{server}/{tool}/toggle', '/api/invoke', '/api/resources?server='],
      ...['/api/read', '/api/health', '/api/health/{s}', '/api/health/{s}/check', '/api/config', '/api/mcpx-tools'],
      ...['/api/events', '/mcp/health', '/mcp/status', '/mcp/status/{s}', '/mcp/start/{s}', '/mcp/stop/{s}'],
      ...['/mcp/restart/{s}', '/mcp/cleanup/orphaned', '/mcp/cleanup/zombies', '/mcp', '/api/config/*'],
      ...['mcp-endpoint', 'mcp-endpoints', 'mcp-servers', 'connection', 'reload', 'path', 'exists', 'prompts'],
      ...['/api/endpoint/status', 'connect', 'disconnect', 'add', 'remove', '/api/mcp-servers'],
      ...['/api/mcp-servers/{name}', '/api/mcp-servers/{name}/status', '/api/tools/list', '/api/tools/call'],
      ...['/api/tools/custom', '/api/tools/mcp/manage', '/api/tools/mcp/list', '/api/tool-calls/logs'],
      ...['/api/services/restart', 'stop', 'start', '/api/services/status', '/api/services/health', '/api/restart'],
      ...['/api/status', '/api/version*', '/api/update', '/api/install/logs', '/api/coze/*', '/api/tts*'],
      ...['POST /', '/xiaozhi/ota/', '/ws'],
    ];
    const first = tables.split('\n').map((line) => line.split(' | ')[0] ?? '');
    const named = new Set(first.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name)));
    expect(old.filter((one) => !named.has(one))).toEqual([]);
    // And what stands beside them is there.
    const ours = new Set(apiRows(text).map((row) => /^\| `[A-Z]+ (\S+)`/.exec(row)?.[1] ?? ''));
    const told = [...tables.matchAll(/\/api\/v1(\/[^\s`?]+)/g)].map(([, path]) => path as string);
    expect(told.length).toBeGreaterThan(20);
    expect(told.filter((path) => !ours.has(path))).toEqual([]);
  });

  it('management-api.md maps old envelopes and events to ours, which exist (D-51, D-52)', () => {
    const text = page('management-api.md');
    expect(text).toContain('`{success, data, message}`');
    const rows =
      text
        .split('| Old event | New |')[1]
        ?.split('\n')
        .filter((line) => line.startsWith('| `')) ?? [];
    const old = rows.map((row) => row.split(' | ')[0]).join();
    for (const name of ['config:updated', 'status:updated', 'endpoint:status:changed', 'mcp:server:tools:updated'])
      expect(old).toContain(name);
    const ours = rows.flatMap((row) => row.split(' | ')[1]?.match(/(?<=`)[\w.]+(?=`)/g) ?? []);
    expect(ours.length).toBeGreaterThan(8);
    const events = rowsUnder(page('management-api.md'), 'Events').join();
    for (const name of ours) expect(events).toContain(`\`${name}\``);
  });
});
