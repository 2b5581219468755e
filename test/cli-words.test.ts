// What the command line says has its Chinese, and a command speaks it where it is asked to (10.33).
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { widthOf } from '../src/cli/columns.ts';
import { commandsUnder } from '../src/cli/command-line.ts';
import { mcpoProgram } from '../src/cli/commands/mcpo.ts';
import { mcpxProgram } from '../src/cli/commands/mcpx.ts';
import { xiaozhiProgram } from '../src/cli/commands/xiaozhi.ts';
import { HELP_ZH } from '../src/cli/help-zh.ts';
import { createProgram } from '../src/cli/program.ts';
import { ZH } from '../src/cli/words-zh.ts';
import { startGateway } from './support/gateway.ts';
import { holdfast } from './support/holdfast.ts';
import { makeTempDir, removeDir } from './support/temp-dir.ts';

const CLI = new URL('../src/cli/', import.meta.url).pathname;
const HAN = /\p{Script=Han}/u;

/** The keys of every text behind the tag: `{0}` in place of the first value. */
function keysIn(source: string): string[] {
  return [...source.matchAll(/(?<![\w$])t`/g)].map((match) => literal(source, match.index + 2).key);
}

/** What is printed without the tag, although it is a sentence. */
function untagged(source: string): string[] {
  const printed = /(?:new Refused|\bsay|\bprint|std(?:out|err)\.write|notes\.push)\(\s*(?=['"`])/g;
  return [...source.matchAll(printed)].flatMap((match) => {
    const from = match.index + match[0].length;
    const plain = source[from] !== '`';
    const text = plain
      ? source.slice(from + 1, source.indexOf(source[from] as string, from + 1))
      : literal(source, from + 1).key;
    return /[a-z]{2,} [a-z]{2,} [a-z]{2,}/.test(text) ? [text] : [];
  });
}

function literal(source: string, from: number): { key: string; end: number } {
  let key = '';
  let count = 0;
  let at = from;
  while (source[at] !== '`') {
    if (source[at] === '\\') {
      key += source[at + 1] === 'n' ? '\n' : source[at + 1];
      at += 2;
    } else if (source.startsWith('${', at)) {
      at = behindBrace(source, at + 2);
      key += `{${count++}}`;
    } else key += source[at++];
  }
  return { key, end: at + 1 };
}

function behindBrace(source: string, from: number): number {
  let at = from;
  for (let depth = 1; depth > 0; ) {
    if (source[at] === '`') at = literal(source, at + 1).end;
    else {
      depth += source[at] === '{' ? 1 : source[at] === '}' ? -1 : 0;
      at++;
    }
  }
  return at;
}

describe('the words of the command line (10.33)', () => {
  const sources = readdirSync(CLI, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'words.ts')
    .map((name) => readFileSync(join(CLI, name), 'utf8'));
  const used = new Set(sources.flatMap(keysIn));

  it('every sentence that is printed is looked up', () => {
    expect(sources.flatMap(untagged)).toEqual([]);
  });

  it('every text has its Chinese, and no Chinese is left over', () => {
    expect(used.size).toBeGreaterThan(100);
    expect([...used].filter((key) => !Object.hasOwn(ZH, key))).toEqual([]);
    expect(Object.keys(ZH).filter((key) => !used.has(key))).toEqual([]);
  });

  it('the Chinese is Chinese, and has the same places to fill in', () => {
    const places = (text: string) => (text.match(/\{\d\}/g) ?? []).sort();
    const wrong = Object.entries(ZH).filter(([key, text]) => places(key).join() !== places(text).join());
    expect(wrong).toEqual([]);
    // What is a command, a name and a number is the same in both.
    const same = Object.entries(ZH).filter(([, text]) => !HAN.test(text));
    expect(same.filter(([key, text]) => key !== text && /[a-z]{3}/i.test(text.replace(/holdfast \w+/g, '')))).toEqual(
      [],
    );
  });
});

describe('the help texts (10.33)', () => {
  const programs = [
    createProgram(),
    mcpoProgram(),
    mcpxProgram('mcpx'),
    mcpxProgram('mcpx-sse'),
    xiaozhiProgram(() => {}),
  ];
  const commands = programs.flatMap(commandsUnder);
  const used = new Set(
    commands.flatMap((command) => {
      const help = command.createHelp();
      // Those that commander adds stand among the visible ones only.
      const options = [...command.options, ...help.visibleOptions(command)];
      const below = help.visibleCommands(command);
      const described = [...options, ...command.registeredArguments].map(({ description }) => description);
      return [command.description(), ...described, ...below.map((one) => one.description())];
    }),
  );
  const TITLES = ['Usage:', 'Arguments:', 'Options:', 'Commands:'];

  it('every text of a command, an option and an argument has its Chinese, and no Chinese is left over', () => {
    expect(used.size).toBeGreaterThan(200);
    // A list of names is the same in both.
    const texts = [...used].filter((text) => /\w \w/.test(text) || Object.hasOwn(HELP_ZH, text));
    expect(texts.filter((text) => !Object.hasOwn(HELP_ZH, text))).toEqual([]);
    expect(Object.keys(HELP_ZH).filter((key) => !used.has(key) && !TITLES.includes(key))).toEqual([]);
  });

  it('a help is Chinese throughout, and no line is wider than the terminal', async () => {
    const home = await makeTempDir('help');
    try {
      for (const words of [
        ['--help'],
        ['help', 'serve'],
        ['config', 'set', '-h'],
        ['mcpo', '--help'],
        ['xiaozhi', '--help'],
      ]) {
        const { code, out } = await holdfast(words, { home, env: { HOLDFAST_LOCALE: 'zh' } });
        expect([words, code, out.slice(0, 3)]).toEqual([words, 0, '用法：']);
        // Behind what is typed stands Chinese.
        const english = out.split('\n').filter((line) => /^ {2}\S.* {2,}\S/.test(line) && !HAN.test(line));
        expect(english).toEqual([]);
        // Beside the long list of commands there is no room to wrap anything, in English neither.
        if (words[0] !== '--help') expect(out.split('\n').filter((line) => widthOf(line) > 80)).toEqual([]);
      }
      const one = await holdfast(['key', '--help', '--locale', 'zh'], { home });
      expect(one.out).toContain('（可选："list", "add"');
      expect((await holdfast(['key', '--help'], { home })).out).not.toMatch(HAN);
    } finally {
      await removeDir(home);
    }
  });
});

describe('a command', () => {
  let home: string;
  beforeEach(async () => {
    home = await makeTempDir('words');
  });
  afterEach(() => removeDir(home));
  const config = { upstreams: { gone: { command: '/does/not/exist' } } };

  it('speaks by option, variable, file and terminal, in this order; JSON stays English (10.33)', async () => {
    await writeFile(join(home, 'holdfast.json'), JSON.stringify(config));
    const say = async (args: string[], env: Record<string, string> = {}) =>
      (await holdfast([...args, '--no-start'], { home, env })).out;
    const chinese = /没有发现故障|项需要修复/;
    const english = /to repair/;
    expect(await say(['doctor'])).toMatch(english);
    expect(await say(['--locale', 'zh', 'doctor'], { HOLDFAST_LOCALE: 'en' })).toMatch(chinese);
    expect(await say(['doctor', '--locale', 'zh'], { HOLDFAST_LOCALE: 'en' })).toMatch(chinese);
    expect(await say(['doctor', '--locale=zh'])).toMatch(chinese);
    expect(await say(['doctor'], { HOLDFAST_LOCALE: 'zh' })).toMatch(chinese);
    expect(await say(['doctor'], { LANG: 'zh_CN.UTF-8' })).toMatch(chinese);
    expect(await say(['doctor'], { LANG: 'zh_CN.UTF-8', LC_ALL: 'C' })).toMatch(english);
    await writeFile(join(home, 'holdfast.json'), JSON.stringify({ ...config, locale: 'zh' }));
    expect(await say(['doctor'])).toMatch(chinese);
    expect(await say(['doctor'], { HOLDFAST_LOCALE: 'en' })).toMatch(english);
    expect(await say(['doctor', '--json'])).not.toMatch(HAN);
    const wrong = await holdfast(['--locale', 'fr', 'doctor'], { home });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('auto, en or zh') });
  });

  it('says in Chinese what a running gateway said in English (10.33)', async () => {
    await using gateway = await startGateway({ config });
    await gateway.upstreamsIn(['gone'], 'failed');
    const say = (...args: string[]) =>
      holdfast([...args, '--data-dir', gateway.dataDir], { home, env: { HOLDFAST_LOCALE: 'zh' } });
    expect((await say('status')).out).toMatch(/已运行.*\n.*\n.*\n.*gone.*个工具/);
    expect((await say('call', 'gone', 'x')).err).toMatch(/请/);
    expect((await say('remove', 'gnoe')).err).toBe('没有名为“gnoe”的上游；您是否想写 "gone"？');
    expect((await say('top', '--once')).out).toContain('个上游');
    expect((await say('remove', 'gone', '--dry-run')).out).toMatch(/^将会：已移除 gone/);
    const none = await holdfast(['status'], { home, env: { HOLDFAST_LOCALE: 'zh' } });
    expect(none).toMatchObject({ code: 5, err: expect.stringContaining('没有运行中的网关') });
  });
});
