import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withTempDir } from '../../test/support/temp-dir.ts';
import type { AuditConfig } from '../config/schema-monitor.ts';
import { type CallFinished, EventStream } from '../core/events.ts';
import { createRedactor } from '../core/redact.ts';
import { startAudit } from './audit.ts';
import { RotatedFile } from './rotated-file.ts';

const CALL: CallFinished = {
  type: 'call.finished',
  id: '00000000-0000-4000-8000-000000000001',
  face: 'mcp',
  principal: 'laptop',
  client: 'someone 1',
  upstream: 'files',
  method: 'tools/call',
  subject: 'read',
  outcome: 'result',
  attempts: 1,
  queue: 0,
  upstreamTime: 3,
  total: 4,
  bytes: 10,
  params: { name: 'read', arguments: { path: '/etc/planted-in-arguments' } },
};

type Line = Record<string, unknown>;

/** The lines that a run of the audit leaves. */
function lines(
  run: (events: EventStream) => void,
  calls: AuditConfig['calls'] = 'keyed',
): Promise<{ text: string; lines: Line[]; mode: number }> {
  return withTempDir(async (folder) => {
    const path = join(folder, 'audit.jsonl');
    const file = new RotatedFile({ path, maxSize: 1e6, files: 1, warn: () => undefined });
    const events = new EventStream();
    const config = { enabled: true, calls, maxSize: 1e6, files: 1 };
    const stop = startAudit({ config, file, events, redact: createRedactor(() => ['planted-secret']) });
    run(events);
    stop();
    await file.close();
    const text = await readFile(path, 'utf8').catch(() => '');
    const parsed = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
    return { text, lines: parsed, mode: text === '' ? 0 : (await stat(path)).mode & 0o777 };
  });
}

it('writes a line per change and per call with a key: who, what, how it ended, arguments as a hash (X-47)', async () => {
  const found = await lines((events) => {
    events.emit(CALL);
    events.emit({ ...CALL, principal: 'local' });
    events.emit({ type: 'admin.action', by: 'admin', action: 'restart', subject: 'files' });
    events.emit({
      type: 'config.applied',
      version: 2,
      added: ['a'],
      removed: [],
      changed: [],
      by: 'ann',
      reason: 'why',
    });
    events.emit({ type: 'log', level: 'info', text: 'not an act of anybody' });
  });
  expect(found.lines).toEqual([
    expect.objectContaining({
      type: 'call',
      principal: 'laptop',
      upstream: 'files',
      subject: 'read',
      outcome: 'result',
      attempts: 1,
      arguments: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    }),
    expect.objectContaining({ type: 'action', principal: 'admin', action: 'restart', subject: 'files' }),
    expect.objectContaining({ type: 'configuration', principal: 'ann', reason: 'why', version: 2 }),
  ]);
  expect(found.text).not.toContain('planted-in-arguments');
  expect(found.mode).toBe(0o600);
});

it.each([
  ['always', 2],
  ['never', 0],
] as const)('calls: %s', async (calls, count) => {
  const found = await lines((events) => {
    events.emit(CALL);
    events.emit({ ...CALL, principal: 'local' });
  }, calls);
  expect(found.lines).toHaveLength(count);
});

it('holds no secret and no line of anybody else: names are cleaned, control characters escaped (reliability §4)', async () => {
  const subject = 'x\n{"type":"action"}\r\u001b[2J planted-secret -----BEGIN PRIVATE KEY-----';
  const found = await lines((events) => {
    events.emit({ ...CALL, subject, client: 'planted-secret' });
    events.emit(CALL);
  });
  expect(found.lines).toHaveLength(2);
  for (const never of ['planted-secret', '\u001b', '\r']) expect(found.text).not.toContain(never);
});

it('is not flooded by whoever tries keys', async () => {
  const found = await lines((events) => {
    for (let tried = 0; tried < 500; tried++) events.emit({ type: 'auth.refused', face: 'mcp', reason: 'no' });
  });
  expect(found.lines).toHaveLength(30);
});
