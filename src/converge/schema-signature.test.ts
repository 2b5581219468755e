import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expressible } from '../../test/converge/schema-samples.ts';
import { signatureOf } from './schema-signature.ts';

const all = (schema: unknown) => signatureOf(schema, { budget: 10 });

describe('basic types', () => {
  test.each<[unknown, string]>([
    [{ type: 'string' }, 'string'],
    [{ type: 'integer' }, 'number'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'null' }, 'null'],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'number' }] } }, '(string | number)[]'],
    [{ type: 'array' }, 'unknown[]'],
    [{ type: 'object', properties: {} }, '{}'],
    [
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] },
      '{a: string; b?: number}',
    ],
    [{ type: 'object', additionalProperties: true }, 'Record<string, unknown>'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'Record<string, number>'],
    [
      { type: 'object', properties: { 'a b': { type: 'string' }, 名字: { type: 'string' } } },
      '{"a b"?: string; 名字?: string}',
    ],
  ])('A-40: %j → %s', (schema, signature) => {
    expect(signatureOf(schema)).toBe(signature);
  });

  test.each<[unknown, string]>([
    [{ enum: ['a', 'b"c', 1, null] }, '"a" | "b\\"c" | 1 | null'],
    [{ const: 'x' }, '"x"'],
    [{ oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'number' }] }, 'string | number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: 'string', nullable: true }, 'string | null'],
    [{ type: 'string', enum: ['a', 1] }, '"a"'],
    [
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false, minItems: 2 },
      '[string, number]',
    ],
    [
      { $schema: 'http://json-schema.org/draft-07/schema#', type: 'array', items: [{ type: 'string' }] },
      '[string?, ...unknown[]]',
    ],
  ])('A-41: %j → %s', (schema, signature) => {
    expect(signatureOf(schema)).toBe(signature);
  });

  test('A-42: an unresolved reference is its last segment, an empty or invalid schema is unknown', () => {
    expect(
      signatureOf({ type: 'object', properties: { a: { $ref: 'https://example.com/x#/definitions/Thing' } } }),
    ).toBe('{a?: Thing}');
    for (const nothing of [{}, null, undefined, 7, 'text', [], true]) expect(signatureOf(nothing)).toBe('unknown');
  });

  test('A-43: a description becomes a trailing comment, cut, on one line, and cannot end the comment', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string', description: 'The  name\nof */ the thing that is wanted' } },
    };
    expect(signatureOf(schema, { budget: 1, maxDescription: 20 })).toBe('{a?: string /* The name of * /... */}');
    expect(all(schema)).toBe('{a?: string /* The name of * / the thing that is wanted */}');
  });

  test('bounds, formats and defaults are comments', () => {
    const schema = {
      type: 'object',
      properties: {
        n: { type: 'integer', minimum: 1, maximum: 9, default: 5, description: 'How many.' },
        d: { type: ['string', 'null'], format: 'date' },
        l: { type: 'array', items: { type: 'string', format: 'email' }, maxItems: 3 },
        x: { type: 'number', exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      },
    };
    expect(all(schema)).toBe(
      '{n?: number /* int, 1..9, default 5. How many. */; d?: string | null /* date */; l?: string[] /* <=3 items, each email */; x?: number /* >0 */}',
    );
  });
});

describe('combined schemas', () => {
  test('X-13: allOf is merged, also through references', () => {
    const schema = {
      allOf: [
        { $ref: '#/$defs/base' },
        { type: 'object', properties: { b: { type: 'number' }, a: { title: 'A' } }, required: ['b'] },
      ],
      $defs: { base: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
    };
    expect(signatureOf(schema)).toBe('{a: string; b: number}');
  });

  test('alternatives beside properties become an intersection', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    };
    expect(signatureOf(schema)).toBe('{a?: string; b?: string} & ({a: unknown} | {b: unknown})');
  });

  test('a definition that is used often is a named type, a small one is not', () => {
    const address = {
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' }, zip: { type: 'string' } },
      required: ['street', 'city'],
    };
    const schema = {
      type: 'object',
      properties: {
        from: { $ref: '#/$defs/address' },
        to: { $ref: '#/$defs/address' },
        via: { $ref: '#/$defs/address' },
        id: { $ref: '#/$defs/id' },
        other: { $ref: '#/$defs/id' },
      },
      required: ['from'],
      $defs: { address, id: { type: 'string' } },
    };
    expect(signatureOf(schema)).toBe(
      '{from: Address; to?: Address; via?: Address; id?: string; other?: string}\ntype Address = {street: string; city: string; zip?: string}',
    );
  });

  test('recursion ends in a named type', () => {
    const schema = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
          required: ['name'],
        },
      },
    };
    expect(signatureOf(schema)).toBe('Node\ntype Node = {name: string; children?: Node[]}');
    expect(signatureOf({ type: 'object', properties: { self: { $ref: '#' } } })).toBe(
      'Root\ntype Root = {self?: Root}',
    );
    expect(signatureOf({ $ref: '#' })).toBe('unknown');
    expect(
      signatureOf({
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
      }),
    ).toMatch(/a\?: /);
  });

  test('draft-07: keywords beside $ref do not count; 2020-12: they do', () => {
    const schema = {
      properties: { a: { $ref: '#/definitions/s', enum: ['x'] } },
      definitions: { s: { type: 'string' } },
    };
    expect(signatureOf({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema })).toBe('{a?: string}');
    expect(signatureOf(schema)).toBe('{a?: "x"}');
  });
});

describe('what strangers send', () => {
  test('a required parameter is never lost, however short the signature has to be', () => {
    const properties: Record<string, unknown> = {};
    for (let index = 0; index < 40; index++)
      properties[`p${index}`] = {
        type: 'object',
        properties: { inner: { enum: ['one', 'two', 'three'] } },
        description: 'x'.repeat(100),
      };
    const schema = { type: 'object', properties, required: ['p3', 'p17', 'absent'] };
    for (const maxLength of [2000, 500, 100, 10]) {
      const signature = signatureOf(schema, { maxLength });
      for (const name of schema.required) expect(signature).toMatch(new RegExp(`\\b${name}\\b`));
      if (maxLength >= 100) expect(signature.length).toBeLessThanOrEqual(maxLength);
    }
  });

  test('5 MB, 10,000 levels, 100,000 properties and exploding references are answered fast', () => {
    let deep: unknown = { type: 'string' };
    for (let index = 0; index < 10_000; index++)
      deep =
        index % 2 === 0 ? { type: 'array', items: deep } : { type: 'object', properties: { a: deep }, required: ['a'] };
    const wide = {
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 100_000 }, (_, index) => [
          `name_${index}`,
          { type: 'string', description: 'y'.repeat(20) },
        ]),
      ),
      required: ['name_99999'],
    };
    const bomb: Record<string, unknown> = { d40: { type: 'object', properties: { leaf: { type: 'string' } } } };
    for (let index = 0; index < 40; index++)
      bomb[`d${index}`] = {
        type: 'object',
        properties: { l: { $ref: `#/$defs/d${index + 1}` }, r: { $ref: `#/$defs/d${index + 1}` } },
        required: ['l'],
      };
    const alls: Record<string, unknown> = { d30: { type: 'string' } };
    for (let index = 0; index < 30; index++)
      alls[`d${index}`] = {
        allOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}`, minLength: index }],
      };
    for (const schema of [deep, wide, { $ref: '#/$defs/d0', $defs: bomb }, { $ref: '#/$defs/d0', $defs: alls }]) {
      // Of this process: what else the machine does is not counted.
      const start = process.cpuUsage();
      const signature = signatureOf(schema);
      const { user, system } = process.cpuUsage(start);
      expect((user + system) / 1000).toBeLessThan(20_000);
      expect(signature.length).toBeLessThan(6_000_000);
    }
    expect(signatureOf(wide)).toContain('name_99999: ');
  });

  test('whatever JSON it is: no exception, no loss of a required name, never longer than the JSON', () => {
    const key = fc.constantFrom(
      'type',
      'properties',
      'required',
      'items',
      '$ref',
      '$defs',
      'allOf',
      'anyOf',
      'enum',
      'const',
      'a',
      'additionalProperties',
      'not',
      'minItems',
      'prefixItems',
      'if',
      'then',
      'patternProperties',
      '__proto__',
      'constructor',
    );
    const value = fc.letrec<{ v: unknown }>((tie) => ({
      v: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom<unknown>(
          'object',
          'string',
          'array',
          '#',
          '#/$defs/a',
          '#/properties/a',
          'null',
          null,
          true,
          false,
          1,
          -1,
        ),
        fc.array(tie('v'), { maxLength: 3 }),
        fc.dictionary(key, tie('v'), { maxKeys: 5 }),
      ),
    })).v;
    fc.assert(
      fc.property(value, (schema) => {
        const signature = signatureOf(schema);
        const json = JSON.stringify(schema);
        if (json.length >= 16) expect(signature.length).toBeLessThanOrEqual(json.length);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(expressible, (schema) => {
        const signature = signatureOf(schema, { maxLength: 20 });
        for (const name of Array.isArray(schema.required) ? schema.required : []) expect(signature).toContain(name);
      }),
    );
  });
});
