import { expect, it } from 'vitest';
import { createRedactor, redactValue, withoutValues } from './redact.ts';

const redact = createRedactor(() => []);

it('a long text costs as much as it is long, whatever it is made of (X-51)', () => {
  const long = 200_000;
  const made = ['x', 'x-', '-eyJabcdefgh', 'eyJ', 'a://', 'Bearer ', '"a-', 'password ', '-----BEGIN A', 'sk-', 'a:b@'];
  for (const piece of made) {
    const text = piece.repeat(long / piece.length);
    const start = process.cpuUsage();
    redact(text);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000, piece).toBeLessThan(8_000);
  }
});

it.each([
  ['postgres://me:hunter22@db/x', 'postgres://me:***@db/x'],
  ['{"my_api_key": "abc"}', '{"my_api_key": "***"}'],
  ['Authorization: Bearer abcdefghijkl', 'Authorization: Bearer ***'],
  [`t ${'eyJhbGciOiJIUzI1NiJ9'}.eyJzdWIiOiIxIn0.abcdefghij`, 't ***'],
  ['https://a.example/?x=1&token=abc&y=2', 'https://a.example/?x=1&token=***&y=2'],
])('%s', (text, clean) => {
  expect(redact(text)).toBe(clean);
});

it('cleans a text of a secret that became one after the text was found clear (X-67)', () => {
  let secrets: string[] = [];
  const redact = createRedactor(() => secrets);
  expect([redact('call hunter2-of-mine'), redact('call hunter2-of-mine')]).toEqual(
    Array(2).fill('call hunter2-of-mine'),
  );
  secrets = ['hunter2-of-mine'];
  expect(redact('call hunter2-of-mine')).toBe('call ***');
  secrets = [];
  expect(redact('call hunter2-of-mine')).toBe('call hunter2-of-mine');
});

it('leaves counts of tokens, and takes tokens', () => {
  const value = { tokens: 12, tokens_saved: 3, maxTokens: 5, token: 12_345_678, access_token: 'abcdefgh' };
  const clean = { ...value, token: '***', access_token: '***' };
  expect(redactValue(value, (text) => text)).toEqual(clean);
});

it('shows names of variables and headers of a configuration, nothing of their values', () => {
  const upstream = {
    env: { A: 'x' },
    headers: { b: 'y' },
    secrets: ['x'],
    args: ['z'],
    replicas: [{ env: { C: 'w' } }],
  };
  expect(withoutValues({ upstreams: { u: upstream } })).toEqual({
    upstreams: { u: { env: { A: '***' }, headers: { b: '***' }, args: ['z'], replicas: [{ env: { C: '***' } }] } },
  });
});
