// What the gateway says is found in the Chinese table of the dashboard, sentence by sentence, from its own sources.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STATE_ADVICE } from '../../src/core/advice.ts';
import { FAULTS } from '../../src/core/fault-table.ts';
import { describeEnding, type Ending } from '../../src/faces/xiaozhi/ending.ts';
import { SAID } from '../../src/language/said-zh.ts';
import { translator } from '../../src/language/translate.ts';
import { ADVICE } from '../../src/operations/diagnose.ts';
import { DEFAULT_RULES, METRICS } from '../../src/operations/rules.ts';

const translate = translator(SAID);
const SRC = new URL('../../src/', import.meta.url).pathname;
const HAN = /\p{Script=Han}/u;
const untold = (texts: readonly string[]): string[] => texts.filter((text) => !HAN.test(translate(text)));

/** The texts that stand behind each match in the sources of a folder, a 5 in place of what is put in. */
function literals(folder: string, before: RegExp): string[] {
  const files = folder.endsWith('.ts') ? [''] : readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name === '' || (name.endsWith('.ts') && !name.endsWith('.test.ts')))
    .flatMap((name) => {
      const source = readFileSync(join(SRC, folder, name), 'utf8');
      return [...source.matchAll(before)].flatMap((match) => literalAt(source, match.index + match[0].length));
    });
}

function literalAt(source: string, from: number): string[] {
  const quote = source[from];
  if (quote !== "'" && quote !== '"' && quote !== '`') return [];
  let text = '';
  for (let at = from + 1; source[at] !== quote; at++) {
    if (quote === '`' && source.startsWith('${', at)) {
      at = behindBrace(source, at + 2) - 1;
      text += '5';
    } else text += source[source[at] === '\\' ? ++at : at];
  }
  return [text];
}

function behindBrace(source: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; depth > 0; at++) depth += source[at] === '{' ? 1 : source[at] === '}' ? -1 : 0;
  return at;
}

describe('what the gateway says in Chinese (10.33)', () => {
  it('every hint of the fault table, and what to do about a state', () => {
    expect(untold(Object.values(FAULTS).map(({ hint }) => hint))).toEqual([]);
    expect(untold(Object.values(STATE_ADVICE))).toEqual([]);
  });

  it('every alert: its message, with and without a detail, and what to do about it', () => {
    const messages = DEFAULT_RULES.flatMap(({ metric }) => {
      const { title, unit } = METRICS[metric];
      const head = `files: ${title} 12.5${unit}, above 10`;
      return [head, `${head}: upstream "files" ended with exit code 1`, `${head} (no longer watched)`];
    });
    expect(messages.map(translate).filter((text) => /[a-z]{4,} |above|ended|watched/.test(text))).toEqual([]);
    const advice = Object.values(ADVICE).map((text) => `files: ${text}`);
    expect(untold(advice)).toEqual([]);
    expect(translate(advice[0] as string)).toMatch(/^files：/);
  });

  it('every recommendation of the diagnosis', () => {
    const found = literals('operations', /\brecommendation: (?=[`'])/g).filter((text) => text !== '5: 5');
    expect(found.length).toBeGreaterThanOrEqual(5);
    expect(untold(found)).toEqual([]);
  });

  it('every hint of its own that a fault carries on the way to an upstream', () => {
    const found = ['upstream', 'operations', 'resilience'].flatMap((folder) => literals(folder, /\bhint: (?=[`'])/g));
    expect(found.length).toBeGreaterThan(4);
    expect(untold(found)).toEqual([]);
  });

  it('every refusal of the management API', () => {
    const found = literals('faces/admin', /new Refusal\(\s*\w+,\s*(?=[`'])/g);
    expect(found.length).toBeGreaterThan(20);
    expect(untold(found.map((text) => text.replace(/(called|endpoint) 5/, '$1 "5"')))).toEqual([]);
  });

  it('every reason why an upstream does not start or cannot be reached', () => {
    const start = /new GatewayFault\(\s*'UPSTREAM_(?:START_FAILED|UNREACHABLE|EXITED|UNAUTHORIZED)',\s*(?=[`'])/g;
    const found = ['upstream', 'wire'].flatMap((folder) => literals(folder, start));
    expect(found.length).toBeGreaterThan(8);
    // Those that are put together of parts alone are looked up part by part.
    expect(untold(found.filter((text) => text !== 'upstream "5" 5'))).toEqual([]);
  });

  it('every problem that the reader of a configuration tells, and what to do about it', () => {
    const files = readdirSync(join(SRC, 'config'), { encoding: 'utf8' });
    const own = files.filter((name) => name.endsWith('.ts') && !/\.test\.ts$|^schema-custom|^custom-rules/.test(name));
    const said =
      /(?:\b(?:message|hint|error): |\b(?:fail|problem|ignored|tell)\(\s*|^ {2}(?:\d+|E[A-Z]+): )(?=['"`])/gm;
    const found = own.flatMap((name) => literals(join('config', name), said));
    expect(found.length).toBeGreaterThan(60);
    // Frames are looked up with what stands in them.
    const frames = ['is missing; 5', '5; this endpoint is ignored'];
    expect(untold(found.filter((text) => /[a-z]{2,} [a-z]{2,}/.test(text) && !frames.includes(text)))).toEqual([]);
    expect(translate('there is no address yet; this endpoint is ignored')).toBe('尚无地址；此接入点会被忽略');
    const typed = ['expected a text, found a number', 'is missing; expected a whole number', 'must be at least 1.5'];
    expect(untold([...typed, 'expected "eager" or "on-demand"', 'did you mean "url" or "urls"?'])).toEqual([]);
    expect(translate('is missing; expected a list')).toBe('缺少此项；应为列表');
    expect(translate('the file ends too early: expected a closing brace')).toBe('文件过早结束：此处应为右花括号');
  });

  it('every way in which the connection of an endpoint ends', () => {
    const closed = [...Array.from({ length: 16 }, (_, index) => 1000 + index), 4001, 4003, 4004, 4401, 4403, 4999];
    const endings: Ending[] = [
      { kind: 'unreachable', code: 'ECONNREFUSED' },
      { kind: 'refused', status: 401 },
      ...closed.map((code) => ({ kind: 'closed' as const, code, reason: '', open: 1, initialised: true })),
      ...(['no-pong', 'no-message', 'stuck'] as const).map((why) => ({ kind: 'deaf' as const, why, open: 1 })),
      { kind: 'ours', redial: true },
      { kind: 'ours', redial: false },
    ];
    expect(untold(endings.map(describeEnding))).toEqual([]);
    expect(translate('the connection broke (1006): bye')).toBe('连接中断（1006）：bye');
    expect(translate('something broke (1006): bye')).toBe('something broke (1006): bye');
  });
});

describe('a sentence of the gateway', () => {
  it('keeps what was put in, and what is not known stays as it came', () => {
    const reason = 'upstream "files" cannot start: ENOENT, the working directory /srv/a "b" does not exist';
    expect(translate(reason)).toBe('上游“files”无法启动：ENOENT，工作目录 /srv/a "b" 不存在');
    expect(translate('cannot connect to a.example:443: connection refused (ECONNREFUSED)')).toBe(
      '无法连接 a.example:443：连接被拒绝（ECONNREFUSED）',
    );
    expect(translate('something: quite else')).toBe('something: quite else');
    expect(translate('constructor')).toBe('constructor');
  });
});
