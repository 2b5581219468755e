import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ, runs } from '../../test/support/fuzz.ts';
import {
  decodeHeaderValue,
  encodeHeaderValue,
  isHeaderValue,
  isToken,
  paramHeaders,
  readParamHeaders,
} from './headers.ts';

describe('header values of 2026-07-28', () => {
  it('leaves plain visible ASCII alone', () => {
    for (const value of ['echo', 'file:///a b', 'a=?b', '~!@#']) expect(encodeHeaderValue(value)).toBe(value);
  });

  it('wraps what a header would change or end (F-C12)', () => {
    for (const value of ['', ' a', 'a ', 'a\tb', 'a\r\nx-evil: 1', '工具', '\0', '=?base64?literal?=']) {
      const encoded = encodeHeaderValue(value);
      expect(encoded).toMatch(/^=\?base64\?[A-Za-z0-9+/]*={0,2}\?=$/);
      expect(decodeHeaderValue(encoded)).toBe(value);
    }
    expect(encodeHeaderValue('=?base64?literal?=')).toBe('=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=');
  });

  it('says that a broken sentinel is broken', () => {
    expect(decodeHeaderValue('=?base64?a?=')).toBeUndefined();
    expect(decodeHeaderValue('=?base64?_-_-?=')).toBeUndefined();
    expect(decodeHeaderValue('=?base64?/w==?=')).toBeUndefined();
    expect(decodeHeaderValue('=?BASE64?YQ==?=')).toBe('=?BASE64?YQ==?=');
    expect(decodeHeaderValue('=?base64?=')).toBe('=?base64?=');
  });

  it(
    'brings every text back, and every encoded text is a legal header value (fuzz)',
    () => {
      fc.assert(
        fc.property(
          fc.string({ unit: 'grapheme' }),
          ends((value) => {
            const encoded = encodeHeaderValue(value);
            expect(isHeaderValue(encoded)).toBe(true);
            expect(encoded).toBe(encoded.trim());
            expect(decodeHeaderValue(encoded)).toBe(value);
          }),
        ),
        { numRuns: runs(2000) },
      );
    },
    FUZZ,
  );

  it('never throws on what it decodes (fuzz)', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        decodeHeaderValue(text);
        decodeHeaderValue(`=?base64?${text}?=`);
      }),
    );
  });

  it('knows a token', () => {
    expect(isToken('Region-1')).toBe(true);
    for (const text of ['', 'a b', 'a:', 'ä', 'a\n', '(x)']) expect(isToken(text)).toBe(false);
  });
});

const schema = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
const header = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name });

describe('x-mcp-header', () => {
  it('finds annotations at any depth of properties', () => {
    const { map, problem } = readParamHeaders(
      schema({
        region: header('Region'),
        deep: schema({ flag: header('Flag', 'boolean'), n: header('N', 'integer') }),
        other: { type: 'number' },
      }),
    );
    expect(problem).toBeUndefined();
    expect([...map]).toEqual([
      ['Region', ['region']],
      ['Flag', ['deep', 'flag']],
      ['N', ['deep', 'n']],
    ]);
  });

  it('takes a schema without annotations, and anything that is no schema', () => {
    for (const value of [schema({ a: { type: 'string' } }), {}, null, true, 'x', undefined]) {
      const { map, problem } = readParamHeaders(value);
      expect(problem).toBeUndefined();
      expect(map.size).toBe(0);
    }
  });

  it.each([
    ['empty', schema({ a: header('') })],
    ['no text', schema({ a: header(5) })],
    ['no token', schema({ a: header('My Region') })],
    ['a line break', schema({ a: header('A\r\nB') })],
    ['twice in other case', schema({ a: header('Region'), b: header('REGION') })],
    ['type number', schema({ a: header('A', 'number') })],
    ['type object', schema({ a: header('A', 'object') })],
    ['no type', schema({ a: { 'x-mcp-header': 'A' } })],
    ['a list of types', schema({ a: header('A', ['string', 'null']) })],
    ['on the schema itself', { ...schema({}), 'x-mcp-header': 'A' }],
    ['items', schema({ a: { type: 'array', items: header('A') } })],
    ['prefixItems', schema({ a: { prefixItems: [header('A')] } })],
    ['oneOf', schema({}, { oneOf: [schema({ a: header('A') })] })],
    ['anyOf', schema({ a: { anyOf: [header('A')] } })],
    ['allOf', schema({}, { allOf: [schema({ a: header('A') })] })],
    ['not', schema({}, { not: schema({ a: header('A') }) })],
    ['if', schema({}, { if: schema({ a: header('A') }) })],
    ['then', schema({}, Object.fromEntries([['then', schema({ a: header('A') })]]))],
    ['else', schema({}, { else: schema({ a: header('A') }) })],
    ['additionalProperties', schema({}, { additionalProperties: header('A') })],
    ['patternProperties', schema({}, { patternProperties: { '^a': header('A') } })],
    ['$defs behind $ref', schema({ a: { $ref: '#/$defs/A' } }, { $defs: { A: header('A') } })],
  ])('F-L14: makes the tool invalid: %s', (_, value) => {
    const { map, problem } = readParamHeaders(value);
    expect(problem).toContain('x-mcp-header');
    expect(map.size).toBe(0);
  });

  it('is not misled by values, nor by properties that are called like keywords', () => {
    const { map, problem } = readParamHeaders(
      schema(
        { items: header('Items'), 'x-mcp-header': { type: 'string' }, properties: header('Props') },
        { default: { 'x-mcp-header': 'no' }, examples: [{ 'x-mcp-header': 'no' }], const: { 'x-mcp-header': 'no' } },
      ),
    );
    expect(problem).toBeUndefined();
    expect([...map.keys()]).toEqual(['Items', 'Props']);
  });

  it('does not follow a schema that never ends', () => {
    const ring: Record<string, unknown> = {};
    ring.properties = { again: ring };
    expect(readParamHeaders(ring).map.size).toBe(0);
  });

  it('mirrors arguments by path, and leaves out what has no header text', () => {
    const { map } = readParamHeaders(
      schema({
        a: header('A'),
        b: header('B', 'boolean'),
        c: schema({ n: header('N', 'integer') }),
        d: header('D'),
        e: header('E', 'integer'),
        toString: header('T'),
      }),
    );
    expect(paramHeaders(map, { a: '东京\r\n', b: false, c: { n: -7 }, d: null, e: 2 ** 60 })).toEqual({
      'Mcp-Param-A': '=?base64?5Lic5LqsDQo=?=',
      'Mcp-Param-B': 'false',
      'Mcp-Param-N': '-7',
    });
    expect(paramHeaders(map, undefined)).toEqual({});
    expect(paramHeaders(map, { c: [1], a: {} })).toEqual({});
  });
});
