// Upstreams and tools changed from the command line: on a running gateway, and in the file where none runs.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { holdfast as run } from '../support/holdfast.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';

const PLAIN = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;

let home: string;
beforeEach(async () => {
  home = await makeTempDir('upstreams');
});
afterEach(() => removeDir(home));

const holdfast = (...args: string[]) => run(args, { home });

describe('on a running gateway (A-54, C-63, X-07, X-50)', () => {
  const onto = (gateway: Gateway) => ['--data-dir', gateway.dataDir];

  it('adds, lists, switches and removes; comments stay, a dry run changes nothing', async () => {
    const text = `{\n  // mine\n  "upstreams": {\n    "u": ${JSON.stringify(faulty('healthy'))} // the one\n  }\n}\n`;
    await using gateway = await startGateway({ config: text, configName: 'holdfast.jsonc' });
    await gateway.upstreamsIn();
    const dry = await holdfast('add', 'plain', '--dry-run', ...onto(gateway), '--', process.execPath, PLAIN);
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('would have added plain:\n  + plain') });
    expect(await readFile(gateway.configPath, 'utf8')).toBe(text);
    const added = await holdfast('add', 'plain', '--env', 'MODE=x', ...onto(gateway), '--', process.execPath, PLAIN);
    expect(added).toMatchObject({
      code: 0,
      out: expect.stringContaining(`written to ${gateway.configPath}, version 2`),
    });
    await gateway.upstreamsIn(['plain']);
    const file = await readFile(gateway.configPath, 'utf8');
    expect(file).toContain('// mine');
    expect(file).toContain('// the one');
    expect(file).toContain('"MODE": "x"');
    const again = await holdfast('add', 'plain', ...onto(gateway), 'http://127.0.0.1:1/mcp');
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('--replace') });
    const listed = await holdfast('list', ...onto(gateway));
    expect(listed.out).toMatch(/^u +ready +stdio +3 tools\nplain +ready +stdio +\d+ tools$/);

    const tool = await holdfast('disable', 'u', 'write', ...onto(gateway), '--json');
    expect(JSON.parse(tool.out)).toMatchObject({ plan: { updated: ['u'], restarted: [] }, version: 3, dryRun: false });
    expect((await gateway.health()).upstreams.u).toMatchObject({ state: 'ready' });
    expect((await holdfast('call', 'u', 'write', ...onto(gateway))).code).toBe(4);
    expect((await holdfast('enable', 'u', 'write', ...onto(gateway))).code).toBe(0);
    expect((await holdfast('disable', 'u', ...onto(gateway))).code).toBe(0);
    await gateway.upstreamsIn(['u'], 'disabled');
    expect((await holdfast('remove', 'plain', ...onto(gateway))).out).toContain('  - plain');
    expect(Object.keys((await gateway.health()).upstreams)).toEqual(['u']);
  });

  it('tells near names, refuses what cannot be, and keeps the old configuration then', async () => {
    await using gateway = await startGateway({ config: { upstreams: { files: faulty('healthy') } } });
    await gateway.upstreamsIn();
    const before = await readFile(gateway.configPath, 'utf8');
    const cases: [string[], number, string][] = [
      [['remove', 'file'], 1, 'did you mean "files"?'],
      [['disable', 'files', 'raed'], 1, '"read"'],
      [['add', 'x'], 2, 'needs a URL'],
      [['add', 'x', 'ftp://h/'], 2, 'is not a URL that starts with'],
      [['add', 'docs', 'http://127.0.0.1:1/'], 1, 'reserved'],
      [['add', 'x', 'http://127.0.0.1:1/', '-e', 'A=b'], 2, '--env is for a server'],
    ];
    for (const [args, code, text] of cases) {
      const result = await holdfast(...args, ...onto(gateway));
      expect([args, result.code, result.err]).toEqual([args, code, expect.stringContaining(text)]);
      expect(result.err).not.toMatch(/\n {4}at /);
    }
    expect(await readFile(gateway.configPath, 'utf8')).toBe(before);
  });

  it('leaves the file of another program alone: its servers go by the overlay (10.16)', async () => {
    const foreign = { mcpServers: { u: faulty('healthy'), v: faulty('healthy') } };
    await using gateway = await startGateway({ config: foreign, configName: 'mcp.json' });
    await gateway.upstreamsIn();
    const before = await readFile(gateway.configPath, 'utf8');
    const removed = await holdfast('remove', 'v', ...onto(gateway));
    expect(removed.out).toContain('  - v');
    expect(removed.out).toMatch(/written to .*overlay\.json \(the file of the other program stays as it is\)/);
    expect(Object.keys((await gateway.health()).upstreams)).toEqual(['u']);
    expect(await readFile(gateway.configPath, 'utf8')).toBe(before);
    expect((await holdfast('add', 'w', 'http://127.0.0.1:1/', ...onto(gateway))).code).toBe(0);
    expect(Object.keys((await gateway.health()).upstreams)).toEqual(['u', 'w']);
  });
});

describe('without a gateway (10.16, F-K12)', () => {
  it('makes the file of the user where there is none, and goes on with it', async () => {
    const file = join(home, '.config/holdfast/holdfast.json');
    const empty = await holdfast('list');
    expect(empty).toMatchObject({ code: 0, out: '', err: expect.stringContaining('holdfast init') });
    expect((await holdfast('add', 'a', '--dry-run', '--', 'server')).out).toContain(`would be written to ${file}`);
    expect(existsSync(file)).toBe(false);
    expect((await holdfast('add', 'a', '--', 'server', '-y')).out).toBe(
      `added a\n  + a\n  written to ${file}, version 1`,
    );
    const header = 'Authorization: Bearer very-secret-1';
    expect((await holdfast('add', 'b', 'https://x.example/mcp', '-H', header, '-t', 'http')).code).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      upstreams: {
        a: { command: 'server', args: ['-y'] },
        b: {
          url: 'https://x.example/mcp',
          transport: 'streamable-http',
          headers: { Authorization: 'Bearer very-secret-1' },
        },
      },
    });
    const listed = await holdfast('upstreams', '--json');
    expect(JSON.parse(listed.out)).toMatchObject({
      file,
      upstreams: [{ name: 'a', target: 'server -y' }, { name: 'b' }],
    });
    expect(listed.out).not.toContain('very-secret-1');
    expect((await holdfast('disable', 'a')).out).toContain('  ~ a restarts');
    expect((await holdfast('remove', 'b')).code).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      upstreams: { a: { command: 'server', args: ['-y'], enabled: false } },
    });
  });

  it('keeps comments, changes the overlay of a foreign file, and touches no broken one', async () => {
    const native = join(home, 'holdfast.json');
    await writeFile(native, '{\n  // why\n  "upstreams": { "a": { "command": "x" } }, // end\n}\n');
    expect((await holdfast('disable', 'a', 'tool')).code).toBe(0);
    expect(await readFile(native, 'utf8')).toContain('// why');
    expect((await holdfast('enable', 'a', 'tool')).code).toBe(0);
    const foreign = join(home, 'mcp.json');
    await writeFile(foreign, '{ "mcpServers": { "a": { "command": "x" }, "b": { "command": "y" } } }');
    const removed = await holdfast('remove', 'b', '--config', foreign, '--json');
    const { file } = JSON.parse(removed.out) as { file: string };
    expect(file).toMatch(/overlay\.json$/);
    expect((await holdfast('list', '--config', foreign)).out).toMatch(/^a +enabled/);
    expect(await readFile(foreign, 'utf8')).toContain('"b"');
    await writeFile(native, '{ "upstreams": { ');
    const broken = await holdfast('add', 'c', '--', 'x');
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining('repair') });
    expect(await readFile(native, 'utf8')).toBe('{ "upstreams": { ');
    const nowhere = await holdfast('add', 'c', '--config', join(home, 'none.json'), '--', 'x');
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('does not exist') });
  });
});
