import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDir } from '../../test/support/temp-dir.ts';
import { findConfig, readConfigFile } from './find.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-find-'));
});
afterEach(() => removeDir(root));

describe('findConfig (12.2)', () => {
  it('goes through the places in their order', async () => {
    const env: Record<string, string> = {
      HOLDFAST_CONFIG: 'h.json',
      MCP_CONFIG: 'm.json',
      MCP_SERVERS_PATH: '/abs/s.json',
      XIAOZHI_CONFIG_DIR: 'x',
      XDG_CONFIG_HOME: join(root, 'xdg'),
    };
    for (const path of ['x/xiaozhi.config.json', 'holdfast.json', 'xdg/holdfast/holdfast.json']) {
      await mkdir(join(root, path, '..'), { recursive: true });
      await writeFile(join(root, path), '{}');
    }
    const find = (argument?: string) => findConfig({ argument, env, cwd: root });
    expect(find('c.json')).toEqual({ path: join(root, 'c.json'), by: '--config' });
    expect(find()).toEqual({ path: join(root, 'h.json'), by: 'HOLDFAST_CONFIG' });
    delete env.HOLDFAST_CONFIG;
    expect(find()).toEqual({ path: join(root, 'm.json'), by: 'MCP_CONFIG' });
    env.MCP_CONFIG = '';
    expect(find()).toEqual({ path: '/abs/s.json', by: 'MCP_SERVERS_PATH' });
    delete env.MCP_SERVERS_PATH;
    expect(find()).toEqual({ path: join(root, 'x/xiaozhi.config.json'), by: 'XIAOZHI_CONFIG_DIR' });
    await rm(join(root, 'x'), { recursive: true });
    expect(find()).toEqual({ path: join(root, 'holdfast.json'), by: 'search' });
    await rm(join(root, 'holdfast.json'));
    expect(find()).toEqual({ path: join(root, 'xdg/holdfast/holdfast.json'), by: 'search' });
    delete env.XDG_CONFIG_HOME;
    env.HOME = root;
    expect(find()).toBeUndefined();
    await mkdir(join(root, '.config/holdfast'), { recursive: true });
    await writeFile(join(root, '.config/holdfast/holdfast.json'), '{}');
    expect(find()?.path).toBe(join(root, '.config/holdfast/holdfast.json'));
  });
});

describe('readConfigFile (F-K1)', () => {
  const write = async (bytes: Buffer | string) => {
    const path = join(root, 'a.json');
    await writeFile(path, bytes);
    return readConfigFile(path);
  };

  it('reads UTF-8 and, with its mark, UTF-16', async () => {
    expect(await write('{"天":1}')).toEqual({ ok: true, text: '{"天":1}' });
    expect(await write(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('{"天":1}', 'utf16le')]))).toEqual({
      ok: true,
      text: '{"天":1}',
    });
  });

  it.each([
    ['Latin-1', Buffer.from('{"a":"é"}', 'latin1')],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff])],
    ['zeros', Buffer.alloc(100)],
  ])('refuses %s with a place', async (_, bytes) => {
    expect(await write(bytes)).toMatchObject({ ok: false, problems: [{ line: 1, column: 1 }] });
  });

  it('says what it found instead of a file', async () => {
    expect(await readConfigFile(join(root, 'no.json'))).toMatchObject({
      ok: false,
      problems: [{ file: join(root, 'no.json'), message: 'the file does not exist' }],
    });
    expect(await readConfigFile(root)).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining('directory') }],
    });
    await symlink('loop', join(root, 'loop'));
    expect(await readConfigFile(join(root, 'loop'))).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining('itself') }],
    });
  });
});
