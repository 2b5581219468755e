// Parts of the dashboard that need no browser: forms from schemas, and differences of texts.
import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../web/difference.ts';
import { argumentsOf, partsOf } from '../../web/schema.ts';

describe('a form made from a schema (A-70)', () => {
  const schema = {
    type: 'object',
    required: ['name', 'deep'],
    $defs: { unit: { enum: ['c', 'f'], default: 'c' } },
    properties: {
      name: { type: 'string', description: 'who' },
      count: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      unit: { $ref: '#/$defs/unit' },
      loud: { type: 'boolean' },
      list: { type: 'array', items: { type: 'string' } },
      deep: { type: 'object', properties: { one: { type: 'number' } } },
    },
  };

  it('knows each kind', () => {
    const kinds = partsOf(schema).map(({ name, kind, required }) => [name, kind, required]);
    expect(kinds).toEqual([
      ['name', 'text', true],
      ['count', 'integer', false],
      ['unit', 'choice', false],
      ['loud', 'boolean', false],
      ['list', 'json', false],
      ['deep', 'group', true],
    ]);
  });

  it('gives arguments of the right types, and leaves out what was left empty', () => {
    const parts = partsOf(schema);
    const given = { name: 'x', count: '3', unit: '1', loud: true, list: '["a"]', deep: { one: '1.5' } };
    expect(argumentsOf(parts, given)).toEqual({
      name: 'x',
      count: 3,
      unit: 'f',
      loud: true,
      list: ['a'],
      deep: { one: 1.5 },
    });
    expect(argumentsOf(parts, { name: 'x', count: '' })).toEqual({ name: 'x', deep: {} });
    expect(() => argumentsOf(parts, { list: '[' })).toThrow('list');
  });

  it('ends on schemas that hold themselves', () => {
    const loop = { type: 'object', properties: { again: { $ref: '#' } } };
    expect(partsOf(loop)[0]?.kind).toBe('group');
    expect(partsOf({ $ref: '#' })).toEqual([]);
  });
});

describe('the difference of two texts (C-62)', () => {
  it.each([
    ['', 'a', '+a'],
    ['a', '', '-a'],
    ['a\nb\nc', 'a\nc', ' a-b c'],
    ['a\nb', 'b\na', '-a b+a'],
    ['x', 'x', ' x'],
  ])('from %j to %j is %j', (before, after, wanted) => {
    const signs = { same: ' ', gone: '-', come: '+' };
    expect(
      differenceOf(before, after)
        .map(({ kind, text }) => signs[kind] + text)
        .join(''),
    ).toBe(wanted);
  });

  it('is quick for long texts', () => {
    const long = Array.from({ length: 5000 }, (_, index) => `line ${index}`);
    const began = performance.now();
    expect(differenceOf(long.join('\n'), long.toReversed().join('\n'))).toHaveLength(10_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
