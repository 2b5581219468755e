// The log as lines of JSON in a file: structured, redacted, rotated, its level changed while it runs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EventStream } from '../../src/core/events.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { type LogLevel, writeLog, writeLogFile } from '../../src/operations/log.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { call } from './support/fixture.ts';

const redact = createRedactor(() => ['s3cret-value']);

describe('the log file', () => {
  it('holds one line of JSON per entry, with correlation id, without secrets', async () => {
    await withTempDir(async (folder) => {
      const events = new EventStream();
      let level: LogLevel = 'info';
      const path = join(folder, 'logs', 'holdfast.log');
      const file = writeLogFile({ events, level: () => level, redact, path, warn: () => undefined });
      events.emit({
        type: 'log',
        level: 'warn',
        text: 'has s3cret-value\nin it',
        upstream: 'a',
        data: { password: 'x', n: 1 },
      });
      events.emit(call());
      level = 'debug';
      events.emit(call({ fault: 'UPSTREAM_EXITED', outcome: 'fault' }));
      events.emit({ type: 'alert.raised', rule: 'r', subject: 'a', severity: 'critical', message: 'm' });
      events.emit({ type: 'alert.resolved', rule: 'r', subject: 'a', severity: 'critical', message: 'm' });
      events.emit({ type: 'admin.action', by: 'boss', action: 'restart', subject: 'a' });
      await file.close();
      events.emit({ type: 'log', level: 'error', text: 'too late' });
      const lines = readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string;
      expect(lines).toEqual([
        { time, level: 'warn', msg: 'has ***\nin it', upstream: 'a', data: { password: '***', n: 1 } },
        {
          time,
          level: 'debug',
          msg: 'tools/call echo fault 3.0 ms',
          upstream: 'a',
          id: expect.stringMatching(/^0{8}-/) as string,
          data: { client: 'inspector 1.0', fault: 'UPSTREAM_EXITED' },
        },
        { time, level: 'error', msg: 'alert r critical: m' },
        { time, level: 'info', msg: 'alert r resolved: m' },
        { time, level: 'info', msg: 'boss: restart a' },
      ]);
    });
  });

  it('is put aside at its size, and so many are kept', async () => {
    await withTempDir(async (folder) => {
      const events = new EventStream();
      const path = join(folder, 'h.log');
      const file = writeLogFile({ events, level: 'info', redact, path, maxSize: 500, files: 2, warn: () => undefined });
      for (let n = 0; n < 20; n++) {
        events.emit({ type: 'log', level: 'info', text: 'x'.repeat(200) });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await file.close();
      expect(readdirSync(folder).sort()).toEqual(expect.arrayContaining(['h.log.1', 'h.log.2']));
      expect(readdirSync(folder).length).toBeLessThanOrEqual(3);
    });
  });

  it('changes the level of the plain log too', () => {
    const events = new EventStream();
    const lines: string[] = [];
    let level: LogLevel = 'error';
    writeLog({ events, level: () => level, redact, write: (line) => lines.push(line) });
    events.emit({ type: 'log', level: 'info', text: 'one' });
    level = 'info';
    events.emit({ type: 'log', level: 'info', text: 'two' });
    expect(lines.map((line) => line.slice(25))).toEqual(['info  two\n']);
  });
});
