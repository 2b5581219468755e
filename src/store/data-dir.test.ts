// The data directory: whose it is, what is done with files that cannot be used, and that no kill leaves half a file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { processInfo } from '../../test/support/processes.ts';
import { makeTempDir, removeDir } from '../../test/support/temp-dir.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { UpstreamLists } from '../core/upstream.ts';
import { chooseDataDir, DataDir, findGateway, writeDurably } from './data-dir.ts';
import { KeptLists } from './kept-lists.ts';

let path: string;
/** The module as plain JavaScript, for other processes. */
let built: string;
beforeAll(async () => {
  built = await makeTempDir('built');
  const bundle = await rolldown({ input: new URL('./data-dir.ts', import.meta.url).pathname, platform: 'node' });
  await bundle.write({ dir: built, entryFileNames: 'data-dir.mjs' });
  await bundle.close();
});
afterAll(() => removeDir(built));
const node = (script: string, stdio: 'pipe' | 'ignore') =>
  spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: [stdio, 'pipe', 'inherit'] });
let warnings: string[];
const open = (where = path) => DataDir.open(where, (text) => warnings.push(text));
const lock = (owner: object | string) =>
  writeFileSync(join(path, 'gateway.lock'), typeof owner === 'string' ? owner : JSON.stringify(owner));
beforeEach(async () => {
  path = await makeTempDir('data');
  warnings = [];
});
afterEach(async () => {
  chmodSync(path, 0o700);
  await removeDir(path);
});

describe('where (10.14)', () => {
  const env = { XDG_STATE_HOME: '/state' };
  it('is the flag, else the variable, else the configuration, else a place of its own per file', () => {
    expect(chooseDataDir({ flag: '/a', configured: '/c', env: { HOLDFAST_DATA_DIR: '/b' } })).toBe('/a');
    expect(chooseDataDir({ configured: '/c', env: { HOLDFAST_DATA_DIR: '/b' } })).toBe('/b');
    expect(chooseDataDir({ configured: '/c', env })).toBe('/c');
    expect(chooseDataDir({ env })).toBe('/state/holdfast/default');
    expect(chooseDataDir({ env: { HOME: '/h' } })).toMatch(/\.local\/state\/holdfast\/default$/);
    expect(chooseDataDir({ configFile: '/no/such.json', env })).toMatch(/^\/state\/holdfast\/[0-9a-f]{12}$/);
  });

  it('is the same for one file by any of its names', () => {
    const file = join(path, 'a.json');
    const link = join(path, 'b.json');
    writeFileSync(file, '{}');
    symlinkSync(file, link);
    expect(chooseDataDir({ configFile: link, env })).toBe(chooseDataDir({ configFile: file, env }));
    expect(chooseDataDir({ configFile: join(path, 'c.json'), env })).not.toBe(chooseDataDir({ configFile: file, env }));
  });
});

describe('whose it is (10.14, F-G6)', () => {
  const started = processInfo(process.ppid)?.startTime;

  it('is made with mode 0700, its files 0600, and given up at the end', () => {
    const dir = open(join(path, 'new', 'dir'));
    dir.secret('key', 32);
    dir.save('x.json', () => 1);
    dir.announce('http://127.0.0.1:1');
    expect(statSync(dir.path).mode & 0o777).toBe(0o700);
    expect(findGateway(dir.path)).toEqual({ pid: process.pid, url: 'http://127.0.0.1:1' });
    dir.close();
    for (const name of readdirSync(dir.path))
      expect([name, statSync(join(dir.path, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(existsSync(join(dir.path, 'gateway.lock'))).toBe(false);
    expect(findGateway(dir.path)).toBeUndefined();
  });

  it('of a living gateway is not written, and says so', () => {
    lock({ pid: process.ppid, started: String(started), url: 'http://127.0.0.1:9' });
    const dir = open();
    expect(dir.writable).toBe(false);
    expect(dir.notes.join()).toContain(`pid ${process.ppid}`);
    dir.save('x.json', () => 1);
    dir.announce('http://127.0.0.1:1');
    dir.close();
    expect(readdirSync(path)).toEqual(['gateway.lock']);
    expect(findGateway(path)).toMatchObject({ pid: process.ppid });
  });

  it.each([
    ['a dead gateway', { pid: 2 ** 22 - 3, started: '1' }],
    ['another process that got its pid', { pid: process.ppid, started: '1' }],
    ['nobody: the lock is empty', ''],
    ['nobody: the lock is damaged', '{"pid":'],
    ['nobody: the lock is strange', 'null'],
    ['nobody: the lock names no process', '{"pid":"x"}'],
    ['nobody: the lock names every process', '{"pid":-1}'],
    ['nobody: the lock names our group', '{"pid":0}'],
  ])('of %s is taken over', (_name, owner) => {
    lock(owner);
    expect(findGateway(path)).toBeUndefined();
    const dir = open();
    expect([dir.writable, dir.notes]).toEqual([true, []]);
    dir.close();
  });

  it('opened by two at the same moment belongs to one', async () => {
    const script = `import { DataDir } from ${JSON.stringify(join(built, 'data-dir.mjs'))};
      const dir = DataDir.open(${JSON.stringify(path)}, () => undefined);
      process.stdout.write(String(dir.writable)); process.stdin.resume(); process.stdin.on('end', () => dir.close());`;
    for (let round = 0; round < 3; round++) {
      const both = Array.from({ length: 4 }, () => node(script, 'pipe'));
      const said = await Promise.all(
        both.map(async (child) => String((await once(child.stdout as Readable, 'data'))[0])),
      );
      expect(said.filter((one) => one === 'true')).toHaveLength(1);
      await Promise.all(
        both.map(async (child) => {
          const exit = once(child, 'exit');
          child.stdin?.end();
          await exit;
        }),
      );
    }
  });
});

describe('a directory that cannot be written (F-D3, F-K12)', () => {
  it('means memory only, said once', () => {
    const file = join(path, 'file');
    writeFileSync(file, '');
    const dir = open(join(file, 'below'));
    expect([dir.writable, dir.notes.length]).toEqual([false, 1]);
    expect(dir.notes[0]).toContain('memory only');
    dir.save('x.json', () => 1);
    expect(dir.secret('key', 32)).toHaveLength(32);
    dir.announce('x');
    dir.close();
  });

  it('that fills up later is told once per document, and again after it was well', async () => {
    const dir = open();
    mkdirSync(join(path, 'x.json'));
    for (let round = 0; round < 3; round++) {
      dir.save('x.json', () => round, 1);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('calls go on');
    dir.close();
  });
});

describe('documents (F-D2)', () => {
  it('are written a moment later, once, with what changed until then', async () => {
    const dir = open();
    let value = 1;
    for (let index = 0; index < 10; index++) dir.save('x.json', () => value, 20);
    value = 2;
    await waitFor(() => existsSync(join(path, 'x.json')));
    expect(dir.read('x.json')).toBe(2);
    dir.save('y.json', () => 3, 60_000);
    dir.close();
    expect(open().read('y.json')).toBe(3);
  });

  it('that are damaged are moved aside, and said', () => {
    const dir = open();
    for (const text of ['', '{"version":1,"da', 'null', '[]', '\u0000\u0000']) {
      warnings = [];
      writeFileSync(join(path, 'x.json'), text);
      expect(dir.read('x.json')).toBeUndefined();
      expect([text, warnings.length, existsSync(join(path, 'x.json'))]).toEqual([text, 1, false]);
      expect(readFileSync(join(path, 'x.json.damaged'), 'utf8')).toBe(text);
    }
    expect(dir.read('never.json')).toBeUndefined();
    expect(warnings).toHaveLength(1);
    dir.close();
  });

  it('of a newer version are refused, named, and never written over', async () => {
    const text = '{"version":99,"writtenBy":"9.9.9","data":{"a":1}}';
    writeFileSync(join(path, 'x.json'), text);
    const dir = open();
    expect(dir.read('x.json')).toBeUndefined();
    expect(warnings.join()).toContain('9.9.9');
    dir.save('x.json', () => 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    dir.close();
    expect(readFileSync(join(path, 'x.json'), 'utf8')).toBe(text);
  });

  it('of an older version are kept as a copy', () => {
    writeFileSync(join(path, 'x.json'), '{"version":0,"data":{"a":1}}');
    const dir = open();
    dir.read('x.json');
    dir.save('x.json', () => 1);
    dir.close();
    expect(readFileSync(join(path, 'x.json.v0'), 'utf8')).toContain('"a":1');
  });

  it('say who wrote them', () => {
    const dir = open();
    dir.save('x.json', () => ({ a: 1 }));
    dir.close();
    expect(JSON.parse(readFileSync(join(path, 'x.json'), 'utf8'))).toEqual({
      version: 1,
      writtenBy: expect.any(String),
      data: { a: 1 },
    });
  });

  it('are whole after any kill -9 in the middle of writing (figure 16)', async () => {
    const script = `import { writeDurably } from ${JSON.stringify(join(built, 'data-dir.mjs'))};
      let n = 0; const pad = 'x'.repeat(200_000);
      process.stdout.write('.');
      for (;;) writeDurably(${JSON.stringify(join(path, 'doc.json'))}, JSON.stringify({ version: 1, n: n++, pad }));`;
    const rounds = 50;
    const one = async (round: number) => {
      const child = node(script, 'ignore');
      await once(child.stdout as Readable, 'data');
      await new Promise((resolve) => setTimeout(resolve, 1 + ((round * 7) % 23)));
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      const file = join(path, 'doc.json');
      if (existsSync(file)) expect((JSON.parse(readFileSync(file, 'utf8')) as { version: number }).version).toBe(1);
    };
    for (let round = 0; round < rounds; round++) await one(round);
    expect(existsSync(join(path, 'doc.json'))).toBe(true);
    // What the kills left of temporary files goes when a gateway takes the directory.
    const dir = open();
    expect(readdirSync(path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    dir.close();
  });
});

describe('secrets (10.9, 12.3)', () => {
  it('are made once, and the same for whoever shares the directory', () => {
    const first = open();
    const secret = first.secret('session-key', 32);
    expect(secret).toHaveLength(32);
    expect(open().secret('session-key', 32)).toEqual(secret);
    first.close();
    for (const bad of ['', 'short', '!!!!']) {
      writeFileSync(join(path, 'session-key'), bad);
      expect(open().secret('session-key', 32)).toHaveLength(32);
    }
  });
});

describe('kept lists (10.14, 10.17)', () => {
  const lists: UpstreamLists = {
    revision: 4,
    confirmed: true,
    tools: [{ name: 't' }],
    resources: [],
    resourceTemplates: [],
    prompts: [],
    excluded: [],
  };

  it('are given back unconfirmed, to the same upstream under the same fingerprint only', () => {
    const dir = open();
    const kept = new KeptLists(dir);
    kept.keepLists('u', 'print', lists);
    kept.keepVerdict('u', 'print', { era: 'modern' });
    dir.close();
    const again = new KeptLists(open());
    expect(again.lists('u', 'print')).toMatchObject({ tools: [{ name: 't' }], confirmed: false });
    expect(again.verdict('u', 'print')).toEqual({ era: 'modern' });
    for (const [name, print] of [
      ['u', 'other'],
      ['v', 'print'],
    ] as const) {
      expect([again.lists(name, print), again.verdict(name, print)]).toEqual([undefined, undefined]);
    }
    again.keepVerdict('u', 'changed', 1);
    expect([again.lists('u', 'changed'), again.verdict('u', 'changed')]).toEqual([undefined, 1]);
  });

  it.each([
    'null',
    '5',
    '[]',
    '{"u":null}',
    '{"u":5}',
    '{"u":{"fingerprint":"print","lists":{"tools":"x"}}}',
    '{"u":{"fingerprint":"print","lists":null}}',
  ])('that are strange (%s) are none', (data) => {
    writeFileSync(join(path, 'catalog.json'), `{"version":1,"data":${data}}`);
    expect(new KeptLists(open()).lists('u', 'print')).toBeUndefined();
  });

  it('are not written durably twice when nothing can be written', () => {
    expect(() => writeDurably(join(path, 'no', 'such', 'place'), 'x')).toThrow(/ENOENT/);
  });
});
