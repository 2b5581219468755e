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
    if (a !== undefined) a.known.pid = process.pid;
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
    const rows = face
      .operations()
      .map(({ method, path, needs, summary }) => `| \`${method} ${path}\` | ${needs} | ${summary} |`);
    await bench.operations.close();
    expect(rowsUnder(page('management-api.md'), 'Operations')).toEqual(rows);
  });

  it('management-api.md maps the old routes of every system to ours (10.23)', () => {
    const text = page('management-api.md');
    for (const old of [
      '/api/servers',
      '/api/invoke',
      '/api/health',
      '/mcp/status',
      '/mcp/cleanup/orphaned',
      '/api/mcp-servers',
      '/api/tools/list',
      '/api/endpoint/status',
      '/api/services/restart',
      '/api/tool-calls/logs',
    ])
      expect(text).toContain(`\`${old}`);
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
