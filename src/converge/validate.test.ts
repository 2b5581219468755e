import { expect, test } from 'vitest';
import { Validator } from './validate.ts';

const schema = {
  type: 'object',
  properties: {
    path: { type: 'string', minLength: 1 },
    count: { type: 'integer', minimum: 3 },
    mode: { enum: ['x', 'y'] },
    either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    day: { type: 'string', format: 'date' },
    nested: { type: 'object', properties: { 'a/b': { type: 'array', items: { type: 'number' } } } },
  },
  required: ['path', 'count'],
  additionalProperties: false,
};

test('X-08: every fault with its path, what was expected and what came', async () => {
  const validator = new Validator();
  expect(await validator.validate('h', schema, { path: 'p', count: 3, nested: { 'a/b': [1] } })).toEqual([]);
  expect(await validator.validate('h', schema, {})).toEqual([
    { path: '/path', expected: 'string (required)', got: 'nothing' },
    { path: '/count', expected: 'integer (required)', got: 'nothing' },
  ]);
  const { additionalProperties: _, ...lenient } = schema;
  expect(await validator.validate('l', lenient, { pth: 'p', count: 3 })).toEqual([
    { path: '/path', expected: 'string (required)', got: 'nothing, but an unknown "pth"' },
  ]);
  const wrong = await validator.validate('h', schema, {
    path: 'p',
    count: 1.5,
    mode: 'q',
    either: true,
    day: 'tomorrow',
    zz: 1,
    nested: { 'a/b': [1, 'x'] },
  });
  expect(wrong).toContainEqual({ path: '/zz', expected: 'no property of this name', got: '1' });
  expect(wrong).toContainEqual({ path: '/mode', expected: 'one of ["x","y"]', got: '"q"' });
  expect(wrong).toContainEqual({ path: '/either', expected: 'string or number', got: 'true' });
  expect(wrong).toContainEqual({ path: '/day', expected: 'format date', got: '"tomorrow"' });
  expect(wrong).toContainEqual({ path: '/nested/a~1b/1', expected: 'number', got: '"x"' });
  expect(wrong.find(({ path }) => path === '/count')?.expected).toContain('integer');
});

test('X-08: 2020-12 and draft-07 by what the schema says', async () => {
  const validator = new Validator();
  const old = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    properties: { t: { items: [{ type: 'number' }] } },
  };
  const now = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: { t: { prefixItems: [{ type: 'number' }] } },
  };
  expect(await validator.validate('old', old, { t: ['a'] })).toMatchObject([{ path: '/t/0', expected: 'number' }]);
  expect(await validator.validate('now', now, { t: ['a'] })).toMatchObject([{ path: '/t/0', expected: 'number' }]);
});

test.each<[string, unknown, unknown]>([
  [
    'a catastrophic pattern',
    { properties: { a: { type: 'string', pattern: '^(a+)+$' } }, required: ['b'] },
    { a: `${'a'.repeat(60)}!` },
  ],
  [
    'doubling references',
    {
      required: ['b'],
      properties: { a: { $ref: '#/$defs/d0' } },
      $defs: Object.fromEntries(
        Array.from({ length: 41 }, (_, i) => [
          `d${i}`,
          i === 40 ? { type: 'number' } : { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
        ]),
      ),
    },
    { a: 'x' },
  ],
  [
    '5 MB',
    {
      required: ['b'],
      properties: Object.fromEntries(
        Array.from({ length: 60_000 }, (_, i) => [`p${i}`, { type: 'string', description: 'd'.repeat(60) }]),
      ),
    },
    {},
  ],
  [
    'many subschemas',
    {
      required: ['b'],
      properties: Object.fromEntries(Array.from({ length: 1_900 }, (_, i) => [`p${i}`, { type: 'string' }])),
    },
    {},
  ],
  [
    'many unique items',
    { required: ['b'], properties: { a: { uniqueItems: true } } },
    { a: Array.from({ length: 50_000 }, (_, i) => ({ i })) },
  ],
  ['depth', { required: ['b'], properties: { a: nest(3000) } }, { a: [] }],
])('bounded: %s stalls nobody, and the required name is still missed', async (_, evil, value) => {
  const validator = new Validator();
  await validator.validate('warm', schema, {}); // loads the compiler
  for (let round = 0; round < 2; round++) {
    const start = process.cpuUsage();
    const found = await validator.validate('evil', evil, value);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(3_000); // milliseconds of work; the limits are 60 + 40, some of these take minutes
    expect(found).toContainEqual(expect.objectContaining({ path: '/b', got: 'nothing' }));
  }
});

test('what nobody can check is left out, the rest is checked', async () => {
  const validator = new Validator();
  const odd = {
    type: 'object',
    properties: {
      a: { pattern: '(?P<x>', type: 'string' },
      r: { $ref: 'http://127.0.0.1:1/x.json' },
      t: { type: 'wat' },
      p: { patternProperties: { '(': { type: 'string' } } },
      n: { type: 'number' },
    },
  };
  expect(await validator.validate('odd', odd, { a: '?', r: 1, t: 1, p: { x: 1 }, n: 1 })).toEqual([]);
  expect(await validator.validate('odd', odd, { a: 1, n: 'x' })).toMatchObject([{ path: '/a' }, { path: '/n' }]);
  for (const nothing of [null, undefined, true, 'x', []])
    expect(await validator.validate(`n${nothing}`, nothing, {})).toEqual([]);
  expect(await validator.validate('false', false, {})).toHaveLength(1);
});

test('lenient with formats: a date without a zone is a date', async () => {
  const validator = new Validator();
  const times = { properties: { t: { type: 'string', format: 'date-time' } } };
  for (const t of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05', '2026-01-02 03:04', '2026-01-02'])
    expect(await validator.validate('t', times, { t })).toEqual([]);
  expect(await validator.validate('t', times, { t: 'noon' })).toHaveLength(1);
});

function nest(depth: number): unknown {
  let inner: unknown = { type: 'string' };
  for (let index = 0; index < depth; index++) inner = { type: 'array', items: inner };
  return inner;
}
