import { chmod, mkdir, mkdtemp, realpath, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeDir } from '../../../test/support/temp-dir.ts';
import { findCommand } from './lookup.ts';

let directory: string;
beforeAll(async () => {
  directory = await realpath(await mkdtemp(path.join(tmpdir(), 'lookup-')));
  for (const folder of ['a', 'b', 'work/bin']) await mkdir(path.join(directory, folder), { recursive: true });
  const script = async (file: string, text: string, mode: number): Promise<void> => {
    await writeFile(path.join(directory, file), text);
    await chmod(path.join(directory, file), mode);
  };
  await script('a/plain', '#!/bin/sh\n', 0o644);
  await script('b/plain', '#!/bin/sh\n', 0o755);
  await script('a/denied', '#!/bin/sh\n', 0o644);
  await script('work/bin/tool', '#!/usr/bin/env -S node --flag\n', 0o755);
  await script('b/orphan', '#!/no/such/interpreter -x\n', 0o755);
  await script('b/enved', '#!/usr/bin/env python-that-is-not\n', 0o755);
  await script('b/found', '#!/usr/bin/env plain\n', 0o755);
  await script('b/shim.CMD', '@echo off', 0o755);
  await symlink('found', path.join(directory, 'b/link'));
  await mkdir(path.join(directory, 'a/folder'));
});
afterAll(() => removeDir(directory));

const find = (command: string, cwd = '', platform?: NodeJS.Platform): Promise<string> => {
  const PATH = [`${directory}/a`, `${directory}/b`, '/usr/bin', '/bin'].join(platform === 'win32' ? ';' : ':');
  return findCommand({ upstream: 'u', command, cwd: path.join(directory, cwd), env: { PATH } }, platform);
};
const refusal = (command: string): Promise<unknown> =>
  find(command).then(
    () => undefined,
    (thrown) => ({ ...thrown.data, message: thrown.message }),
  );

describe('findCommand (F-P11)', () => {
  it("searches the child's PATH in order and passes over what cannot be run", async () => {
    expect(await find('plain')).toBe(`${directory}/b/plain`);
    expect(await find('found')).toBe(`${directory}/b/found`);
    expect(await find('link')).toBe(`${directory}/b/link`);
  });

  it('takes a name with a slash from the working directory', async () => {
    expect(await find('./bin/tool', 'work')).toBe(`${directory}/work/bin/tool`);
    expect(await find(`${directory}/b/plain`)).toBe(`${directory}/b/plain`);
  });

  it('tells missing from not executable', async () => {
    expect(await refusal('nothing')).toMatchObject({ errno: 'ENOENT', permanent: true, command: 'nothing' });
    expect(await refusal('./nothing')).toMatchObject({ errno: 'ENOENT', searched: `${directory}/nothing` });
    expect(await refusal('denied')).toMatchObject({ errno: 'EACCES', searched: `${directory}/a/denied` });
    expect(await refusal('folder')).toMatchObject({ errno: 'EACCES' });
    expect(await refusal('')).toMatchObject({ permanent: true });
  });

  it('names the interpreter that is missing, not the script', async () => {
    expect(await refusal('orphan')).toMatchObject({ errno: 'ENOENT', searched: '/no/such/interpreter' });
    expect(await refusal('enved')).toMatchObject({ message: expect.stringContaining('"python-that-is-not"') });
  });

  it('tries the extensions of Windows', async () => {
    expect(await find('shim', '', 'win32')).toBe(`${directory}/b/shim.CMD`);
  });
});
