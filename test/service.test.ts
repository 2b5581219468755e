// The recipes for service managers are held to what those managers read.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { withTempDir } from './support/temp-dir.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/how-to/run-as-a-service.md'), 'utf8');
const block = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] as string;

describe('recipes of docs/how-to/run-as-a-service.md (E-24)', () => {
  it.skipIf(!existsSync('/usr/bin/systemd-analyze'))('systemd finds nothing wrong with the unit', async () => {
    await withTempDir(async (folder) => {
      const program = join(folder, 'holdfast');
      await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
      const unit = join(folder, 'holdfast.service');
      await writeFile(unit, block('ini').replace('/usr/local/bin/holdfast', program));
      const runtime = join(folder, 'run');
      await mkdir(runtime, { mode: 0o700 });
      const verify = promisify(execFile)('systemd-analyze', ['--user', 'verify', '--man=no', unit], {
        env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: runtime },
      });
      const { stdout, stderr } = await verify.catch((error: { stdout: string; stderr: string }) => error);
      expect((stdout + stderr).split('\n').filter((line) => line.includes('holdfast.service'))).toEqual([]);
    });
  });

  it('the unit waits longer than the gateway needs, and does not repeat a wrong configuration', () => {
    const unit = block('ini');
    expect(unit).toMatch(/^TimeoutStopSec=30$/m);
    expect(unit).toMatch(/^RestartPreventExitStatus=2$/m);
    expect(unit).toMatch(/^KillMode=mixed$/m);
  });

  it('the property list of launchd is well formed, with every key its value', () => {
    const tags: string[] = [];
    for (const [, close, name = '', self] of block('xml').matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (self === '/') continue;
      if (close === '/') expect(tags.pop()).toBe(name);
      else tags.push(name);
    }
    expect(tags).toEqual([]);
    for (const key of ['Label', 'ProgramArguments', 'RunAtLoad', 'KeepAlive', 'ExitTimeOut'])
      expect(block('xml')).toMatch(new RegExp(`<key>${key}</key>\\s*<(string|array|true|dict|integer)`));
  });
});
