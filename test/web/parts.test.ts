// Parts of the dashboard that need no browser: forms from schemas, and differences of texts.
import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../web/difference.ts';
import { marks, nearest, timeMarks } from '../../web/plot-scale.ts';
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
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('the marks of a plot', () => {
  it('are round numbers within the scale', () => {
    expect(marks(0, 1, 4)).toEqual([0, 0.5, 1]);
    expect(marks(0, 0.35, 4)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(marks(0, 105, 4)).toEqual([0, 50, 100]);
    expect(marks(0, 0, 4)).toEqual([0]);
  });

  it('are round times of the clock of the reader', () => {
    const noon = Date.UTC(2026, 0, 1, 12) / 1000;
    expect(timeMarks(noon + 10, noon + 3600, 4, 0)).toEqual([900, 1800, 2700, 3600].map((after) => noon + after));
    // India is five and a half hours ahead: its half hours are whole hours elsewhere, but its days begin at 18:30.
    const day = timeMarks(noon, noon + 2 * 86_400, 2, -5.5 * 3600);
    expect(day.map((time) => new Date(time * 1000).toISOString().slice(11, 16))).toEqual(['18:30', '18:30']);
  });

  it('find the time that is nearest to the pointer', () => {
    const times = [10, 20, 30];
    expect([0, 14, 16, 24, 99].map((wanted) => times[nearest(times, wanted)])).toEqual([10, 10, 20, 20, 30]);
  });
});
