import { chmod, lstat, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDir } from '../../test/support/temp-dir.ts';
import { parseJson } from './document.ts';
import { editText, etagOf, saveConfigFile } from './edit.ts';

function value(text: string): unknown {
  const result = parseJson(text, 'f');
  if (!result.ok) throw new Error(`${JSON.stringify(result.problems)}\n${text}`);
  return result.document.value;
}

const FILE = `// My servers.
{
  "upstreams": {
    // the files
    "files": {
      "command": "node", // of the system
      "args": ["a", "b",],
    },
    /* the web */
    "web": { "url": "http://h/" },
  },
  "log": { "level": "warn" }, // quiet
}
`;

describe('editText (E-05, 10.16)', () => {
  it('changes one value and nothing else', () => {
    expect(editText(FILE, [{ path: ['log', 'level'], value: 'info' }])).toBe(FILE.replace('"warn"', '"info"'));
  });

  it('adds keys, with their parents, in the layout of the file', () => {
    const text = editText(FILE, [
      { path: ['upstreams', 'new'], value: { command: 'x', args: ['1'] } },
      { path: ['upstreams', 'web', 'timeouts', 'call'], value: '5m' },
      { path: ['server', 'port'], value: 9 },
    ]);
    expect(value(text)).toMatchObject({
      upstreams: { new: { command: 'x', args: ['1'] }, web: { url: 'http://h/', timeouts: { call: '5m' } } },
      server: { port: 9 },
    });
    for (const comment of ['// My servers.', '// the files', '// of the system', '/* the web */', '// quiet'])
      expect(text).toContain(comment);
    expect(text).toContain('\n    "new": {\n      "command": "x"');
  });

  it.each([
    ['{"a":1}', '{}'],
    ['{"a":1,}', '{}'],
    ['{"a":1,"b":2}', '{"b":2}'],
    ['{"b":2,"a":1}', '{"b":2}'],
    ['{"b":2 /* two */ , /* one */ "a":1 /* end */}', '{"b":2 /* two */  /* one */  /* end */}'],
    ['{\n  "b": 2,\n  "a": 1\n}', '{\n  "b": 2\n}'],
    ['{\n  "a": 1, // one\n  "b": 2,\n}', '{\n   // one\n  "b": 2,\n}'],
  ])('takes "a" out of %j', (text, expected) => {
    expect(editText(text, [{ path: ['a'], value: undefined }])).toBe(expected);
  });

  it('takes keys away, and does nothing where there is none', () => {
    expect(value(editText(FILE, [{ path: ['upstreams', 'files'], value: undefined }]))).toMatchObject({
      upstreams: { web: { url: 'http://h/' } },
    });
    expect(editText(FILE, [{ path: ['views', 'a', 'tools'], value: undefined }])).toBe(FILE);
  });

  it('begins a file that is empty and keeps a byte order mark and line ends', () => {
    expect(value(editText('', [{ path: ['upstreams', 'a'], value: { command: 'x' } }]))).toEqual({
      upstreams: { a: { command: 'x' } },
    });
    const text = editText('\uFEFF{\r\n\t"version": 1\r\n}\r\n', [{ path: ['locale'], value: 'en' }]);
    expect(text).toBe('\uFEFF{\r\n\t"version": 1,\r\n\t"locale": "en"\r\n}\r\n');
  });

  it('gives what was asked for, whatever the edits are', () => {
    const id = fc.constantFrom('files', 'web', 'new', 'a b', '天气');
    const edit = fc.oneof(
      fc.record({ path: fc.tuple(fc.constant('upstreams'), id), value: fc.constantFrom(undefined, { command: 'y' }) }),
      fc.record({
        path: fc.tuple(fc.constant('upstreams'), id, fc.constantFrom('env', 'args')),
        value: fc.constantFrom(undefined, { A: '1' }, ['x', 'y']),
      }),
      fc.record({ path: fc.tuple(fc.constantFrom('log', 'locale')), value: fc.constantFrom(undefined, 'en') }),
    );
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 6 }), (edits) => {
        const text = editText(FILE, edits);
        const expected = structuredClone(value(FILE)) as Record<string, unknown>;
        for (const { path, value: wanted } of edits) set(expected, path, wanted);
        expect(value(text)).toEqual(expected);
        expect(text).toContain('// My servers.');
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

function set(root: Record<string, unknown>, path: readonly string[], wanted: unknown): void {
  let here = root;
  for (const key of path.slice(0, -1)) {
    if (here[key] === undefined) {
      if (wanted === undefined) return;
      here[key] = {};
    }
    here = here[key] as Record<string, unknown>;
  }
  const last = path.at(-1) as string;
  if (wanted === undefined) delete here[last];
  else here[last] = structuredClone(wanted);
}

describe('saveConfigFile', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-edit-'));
  });
  afterEach(() => removeDir(directory));

  it('writes only what nobody has changed meanwhile', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, 'mine');
    const etag = etagOf('mine');
    expect(await saveConfigFile(path, 'new', etag)).toEqual({ saved: true, etag: etagOf('new') });
    expect(await saveConfigFile(path, 'other', etag)).toEqual({
      saved: false,
      reason: 'changed-meanwhile',
      etag: etagOf('new'),
    });
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it('keeps the mode and a symbolic link, and leaves nothing behind', async () => {
    const path = join(directory, 'real.json');
    const link = join(directory, 'link.json');
    await writeFile(path, 'old');
    await chmod(path, 0o640);
    await symlink('real.json', link);
    await saveConfigFile(link, 'new', etagOf('old'));
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(directory)).toEqual(['link.json', 'real.json']);
  });

  it('fails without touching the file where it cannot be written (F-K12)', async () => {
    // A name so long that the temporary file beside it cannot be made: it fails for root as well.
    const path = join(directory, `${'a'.repeat(250)}.json`);
    await writeFile(path, 'old');
    await expect(saveConfigFile(path, 'new', etagOf('old'))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});
