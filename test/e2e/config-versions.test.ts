// Versions and single values of the configuration, as a person changes them: on a gateway that runs, and at rest.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { holdfast as run } from '../support/holdfast.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';

const FIRST = 'planted-first-secret';
const SECOND = 'planted-second-secret';

let home: string;
beforeEach(async () => {
  home = await makeTempDir('versions');
});
afterEach(() => removeDir(home));
const holdfast = (...args: string[]) => run(args, { home });

const text = (secret: string) =>
  `{\n  // mine\n  "upstreams": {\n    "u": ${JSON.stringify({ ...faulty('healthy'), env: { API_TOKEN: secret } })}\n  }\n}\n`;

describe('on a running gateway (C-61, C-62, 10.16)', () => {
  const onto = (gateway: Gateway) => ['--data-dir', gateway.dataDir];

  it('get, set and unset one value: comments stay, a dry run changes nothing, what is wrong is taught', async () => {
    await using gateway = await startGateway({ config: text(FIRST), configName: 'holdfast.jsonc' });
    const here = onto(gateway);
    const dry = await holdfast('config', 'set', 'upstreams.u.timeouts.call', '7s', '--dry-run', ...here);
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('~ u goes on with new settings') });
    expect(await readFile(gateway.configPath, 'utf8')).toBe(text(FIRST));
    const done = await holdfast('config', 'set', 'upstreams.u.timeouts.call', '7s', ...here);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('version 2') });
    const file = await readFile(gateway.configPath, 'utf8');
    expect(file).toContain('// mine');
    expect(file).toContain('"call": "7s"');
    expect(await holdfast('config', 'get', 'upstreams.u.timeouts.call', ...here)).toMatchObject({ out: '7s', err: '' });
    expect(await holdfast('config', 'get', 'log.level', ...here)).toMatchObject({
      out: 'info',
      err: expect.stringContaining('in force'),
    });
    const whole = await holdfast('config', 'get', 'upstreams', '--json', ...here);
    expect(JSON.parse(whole.out)).toMatchObject({ written: true, value: { u: { env: { API_TOKEN: '***' } } } });
    expect((await holdfast('config', 'unset', 'upstreams.u.timeouts', ...here)).code).toBe(0);
    expect(await readFile(gateway.configPath, 'utf8')).not.toContain('timeouts');

    const before = await readFile(gateway.configPath, 'utf8');
    const refused: [string[], RegExp][] = [
      [['set', 'log.levle', 'debug'], /log.*"level"/s],
      [['set', 'log.level', 'loud'], /log\.level/],
      [['set', 'log[', 'x'], /no path/],
      [['set', 'log.level', '{"a"'], /--text/],
      [['unset', 'log.level'], /nothing at log\.level/],
      [['get', 'upstreams.w'], /nothing at upstreams\.w; upstreams has u/],
    ];
    for (const [words, message] of refused) {
      const result = await holdfast('config', ...words, ...here);
      expect([words, result.code === 0, result.err]).toEqual([words, false, expect.stringMatching(message)]);
    }
    expect(await readFile(gateway.configPath, 'utf8')).toBe(before);
  });

  it('diff tells versions apart without their secrets; a version is exported and imported again', async () => {
    await using gateway = await startGateway({
      config: text(FIRST),
      configName: 'holdfast.jsonc',
      args: ['--no-watch'],
    });
    const here = onto(gateway);
    expect((await holdfast('config', 'diff', ...here)).out).toContain('nothing differs');
    const given = await run(['config', 'set', 'upstreams.u.env.API_TOKEN', '-', ...here], { home, stdin: SECOND });
    expect(given.code).toBe(0);
    expect((await holdfast('config', 'set', 'log.level', 'debug', ...here)).code).toBe(0);
    const outs = [
      await holdfast('config', 'diff', ...here),
      await holdfast('config', 'diff', '1', '--json', ...here),
      await holdfast('config', 'diff', '1', '2', ...here),
      await holdfast('config', 'export', '1', ...here),
      await holdfast('config', 'export', '--json', ...here),
    ];
    for (const { code, out } of outs) {
      expect([code, out]).toEqual([0, expect.not.stringContaining('planted')]);
    }
    expect(outs[0]?.out).toBe('version 2 → in force\n  ~ log.level: "info" → "debug"');
    expect(JSON.parse(outs[1]?.out as string)).toMatchObject({
      from: 1,
      to: 'applied',
      diff: { added: [], restarts: ['u'], modified: { u: { env: {} } }, settings: { 'log.level': {} } },
    });
    expect(outs[2]?.out).toContain('a secret has changed');
    expect(await holdfast('config', 'diff', '99', ...here)).toMatchObject({ code: 1 });
    expect(await holdfast('config', 'diff', 'new', ...here)).toMatchObject({ code: 2 });

    const whole = join(home, 'whole.json');
    expect((await holdfast('config', 'export', '1', '--write', whole, ...here)).code).toBe(0);
    expect(await readFile(whole, 'utf8')).toBe(text(FIRST));
    expect((await stat(whole)).mode & 0o777).toBe(0o600);
    expect(await holdfast('config', 'export', '1', '--write', whole, ...here)).toMatchObject({ code: 2 });
    const shown = join(home, 'shown.json');
    expect((await holdfast('config', 'export', '3', '--write', shown, '--redacted', ...here)).code).toBe(0);
    expect(await readFile(shown, 'utf8')).toContain('"API_TOKEN":"***"');

    const dry = await holdfast('config', 'import', whole, '--dry-run', ...here);
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('~ u restarts') });
    expect((await holdfast('config', 'import', whole, ...here)).out).toContain('version 4');
    expect(await readFile(gateway.configPath, 'utf8')).toBe(text(FIRST));
    // A *** keeps what stands there; where nothing stood it is refused.
    expect((await holdfast('config', 'import', shown, ...here)).code).toBe(0);
    expect(await readFile(gateway.configPath, 'utf8')).toContain(FIRST);
    await writeFile(shown, '{ "upstreams": { "new": { "command": "x", "env": { "API_TOKEN": "***" } } } }');
    const unknown = await holdfast('config', 'import', shown, ...here);
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('upstreams.new.env.API_TOKEN') });
    await writeFile(shown, '{ "mcpServers": { "a": { "command": "x" } } }');
    expect(await holdfast('config', 'import', shown, ...here)).toMatchObject({
      code: 2,
      err: expect.stringContaining('holdfast import'),
    });

    // What the file says is in force only once it is read.
    await gateway.writeConfig(text(SECOND).replace('"u"', '"v"'));
    const file = await holdfast('config', 'diff', ...here);
    expect(file.out).toMatch(/^in force → file\n {2}\+ upstreams\.v\n {2}- upstreams\.u/);
  });
});

describe('at rest (10.16, C-60)', () => {
  it('edits the file, keeps the state before as a version, and a dry run leaves nothing behind', async () => {
    const file = join(home, 'holdfast.json');
    const data = join(home, 'data');
    const here = ['--data-dir', data];
    await writeFile(file, text(FIRST));
    expect((await holdfast('config', 'set', 'log.level', 'debug', '--dry-run', ...here)).code).toBe(0);
    await expect(stat(data)).rejects.toThrow();
    expect((await holdfast('config', 'set', 'log.level', 'debug', ...here)).out).toContain('version 2');
    expect(await readFile(file, 'utf8')).toContain('// mine');
    expect((await holdfast('config', 'diff', ...here)).out).toContain('~ log.level: "info" → "debug"');
    expect((await holdfast('config', 'rollback', '1', ...here)).code).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(text(FIRST));
    await writeFile(file, text(SECOND));
    const changed = await holdfast('config', 'diff', ...here);
    expect(changed.out).toMatch(/^in force → file\n.*a secret has changed/);
    const old = await holdfast('config', 'export', '1', ...here);
    expect(old.out).not.toContain('planted');
    expect(await holdfast('config', 'export', '9', '--write', join(home, 'x'), ...here)).toMatchObject({ code: 1 });
  });

  it('changes the overlay where the file is of another program', async () => {
    const file = join(home, 'mcp.json');
    const foreign = '{ "mcpServers": { "a": { "command": "x", "args": ["1"] } } }';
    await writeFile(file, foreign);
    const here = ['--config', file, '--data-dir', join(home, 'data')];
    expect((await holdfast('config', 'set', 'upstreams.a.timeouts.call', '9s', ...here)).out).toContain('overlay.json');
    expect((await holdfast('config', 'get', 'upstreams.a.timeouts.call', ...here)).out).toBe('9s');
    expect((await holdfast('config', 'get', 'upstreams.a.args[0]', ...here)).out).toBe('1');
    expect((await holdfast('config', 'unset', 'upstreams.a.args', ...here)).code).toBe(0);
    expect((await holdfast('config', 'show', ...here)).out).not.toContain('"1"');
    expect(await readFile(file, 'utf8')).toBe(foreign);
  });
});
