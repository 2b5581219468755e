import { readdirSync, readFileSync } from 'node:fs';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import { signatureOf } from './schema-signature.ts';
import { estimateTokens } from './tokens.ts';

const corpus = new URL('../../test/corpus/', import.meta.url).pathname;
const lists = readdirSync(`${corpus}servers`).map((file) =>
  JSON.parse(readFileSync(`${corpus}servers/${file}`, 'utf8')),
);
const tools: { description?: string; inputSchema: unknown }[] = lists
  .flatMap(({ tools: all }) => all)
  .filter((_: unknown, index: number) => index % 5 === 0);
const results: string[] = readdirSync(`${corpus}results`).flatMap((file) => {
  const { result } = JSON.parse(readFileSync(`${corpus}results/${file}`, 'utf8'));
  return (result.content ?? []).flatMap((item: { text?: string }) => item.text ?? []);
});

test.each<[string, string[]]>([
  ['schemas', tools.map(({ inputSchema }) => JSON.stringify(inputSchema))],
  ['signatures', tools.map(({ inputSchema }) => signatureOf(inputSchema))],
  ['descriptions', tools.map(({ description }) => description ?? '')],
  ['results', results],
])('10.35: the estimate for %s is at most 10 %% wrong', (_, texts) => {
  const real = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const estimate = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
  expect(Math.abs(estimate / real - 1)).toBeLessThan(0.1);
});

test('a large text is judged by samples', () => {
  const text = results.join('\n').repeat(30);
  const start = performance.now();
  const estimate = estimateTokens(text);
  expect(performance.now() - start).toBeLessThan(3_000);
  expect(Math.abs(estimate / countTokens(text) - 1)).toBeLessThan(0.15);
  expect(estimateTokens('')).toBe(0);
});
