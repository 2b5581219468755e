// The texts of the dashboard: the same keys in both languages, and each of them used.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULE_METRICS } from '../../src/config/schema-monitor.ts';
import { rulesOf } from '../../src/operations/rules.ts';
import { en } from '../../web/i18n/en.ts';
import { zh } from '../../web/i18n/zh.ts';

const WEB = new URL('../../web/', import.meta.url).pathname;
const sources = readdirSync(WEB, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n/'))
  .map((name) => readFileSync(join(WEB, name), 'utf8'))
  .join('\n');

describe('the words of the dashboard (10.33)', () => {
  it('have every key in both languages, in one order', () => {
    expect(Object.keys(zh)).toEqual(Object.keys(en));
    expect(Object.keys(en).length).toBeGreaterThan(300);
  });

  it('have the same places to fill in', () => {
    const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    const other = Object.entries(en).filter(
      ([key, text]) => places(text).join() !== places(zh[key as keyof typeof en]).join(),
    );
    expect(other).toEqual([]);
  });

  it('are Chinese in the Chinese table, but for names', () => {
    const same = Object.entries(zh).filter(([, text]) => !/\p{Script=Han}/u.test(text));
    expect(same.map(([key]) => key)).toEqual(['plot.cpu', 'session.sse']);
  });

  it('name every default alert rule and what rules can look at', () => {
    const wanted = [...RULE_METRICS.map((name) => `metric.${name}`), ...rulesOf([]).map(({ name }) => `rule.${name}`)];
    expect(wanted.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
  });

  it('name every state of an upstream', () => {
    const source = readFileSync(new URL('../../src/core/upstream.ts', import.meta.url), 'utf8');
    const states = [...source.matchAll(/\{ state: '(\w+)'/g)].map(([, state]) => `state.${state}`);
    expect(states.length).toBeGreaterThan(10);
    expect(states.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
  });

  it('are all used', () => {
    // `t('state.ready')`, or put together: t(`state.${state}`).
    const made = [...sources.matchAll(/`([\w.]+\.)\$\{/g)].map(([, start]) => start as string);
    const unused = Object.keys(en).filter(
      (key) => !sources.includes(`'${key}'`) && !made.some((start) => key.startsWith(start)),
    );
    expect(unused).toEqual([]);
  });
});
