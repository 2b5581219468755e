import { Validator } from '@seriousme/openapi-schema-validator';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ } from '../../../test/support/fuzz.ts';
import type { ToolEntry } from '../../core/catalog.ts';
import type { JsonObject } from '../../core/json.ts';
import { Components } from './schema.ts';
import { buildSpec } from './spec.ts';

const INFO = { title: 't', description: 'd', version: '1' };

function toolOf(name: string, inputSchema: JsonObject, outputSchema?: JsonObject): ToolEntry {
  const definition = { name, inputSchema, ...(outputSchema !== undefined && { outputSchema }) };
  return { upstream: 'u', name, shown: name, exposed: name, definition, safety: 'write' };
}

function documentOf(...schemas: JsonObject[]): JsonObject {
  const tools = schemas.map((schema, index) => ({
    tool: toolOf(`tool_${index}`, { properties: { a: true }, ...schema }, schema),
    path: `/tool_${index}`,
    label: `tool_${index}`,
  }));
  return buildSpec({ info: INFO, server: '/u', tools, secured: true });
}

async function problems(document: JsonObject): Promise<unknown> {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  // The validator takes a property that is called `$id` or `$ref` for the keyword.
  const mistaken = typeof errors === 'string' && /^\$\w+ : |^Can't resolve (?:true|false|\[object)/.test(errors);
  return valid || mistaken ? [] : errors;
}

/** Every reference of a document leads to something in it. */
function dangling(document: JsonObject): string[] {
  const text = JSON.stringify(document);
  const schemas = (document.components as JsonObject).schemas as JsonObject;
  return [...text.matchAll(/"\$ref":"([^"]*)"/g)]
    .map((match) => match[1] as string)
    .filter((ref) => !Object.hasOwn(schemas, ref.replace('#/components/schemas/', '')));
}

function converted(schema: JsonObject): JsonObject {
  const components = new Components();
  components.add('m', schema);
  return components.schemas;
}

/** Schemas of strangers: every keyword with anything at all. */
function schemas(): fc.Arbitrary<JsonObject> {
  const keyword = fc.constantFrom(
    ...['type', 'properties', 'items', 'required', 'enum', 'pattern', 'minimum', 'maxLength', 'anyOf', 'allOf', 'not'],
    ...['$ref', '$defs', '$id', '$anchor', 'additionalProperties', 'discriminator', 'xml', 'externalDocs', 'default'],
    ...[
      'exclusiveMinimum',
      'dependencies',
      'nullable',
      'prefixItems',
      'if',
      'uniqueItems',
      'title',
      '__proto__',
      'x-y',
    ],
  );
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(
        'string',
        'object',
        'array',
        '',
        '#',
        '#/$defs/a',
        '#a',
        'http://x/y',
        '(',
        1,
        -1,
        1.5,
        null,
        true,
        false,
      ),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(keyword, fc.constantFrom('a', 'b')), tie('any'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).any;
  return fc.dictionary(keyword, value, { maxKeys: 6, noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
}

describe('schemas become components (U-05)', () => {
  it('rewrites references by pointer, anchor and id, and keeps recursion', () => {
    const schemas = converted({
      $id: 'https://example.com/root',
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        self: { $ref: '#' },
        byId: { $ref: 'https://example.com/root#/$defs/Node' },
        byAnchor: { $ref: '#leaf', description: 'kept' },
        within: { $ref: '#/$defs/Node/properties/next' },
      },
      $defs: {
        Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' } } },
        Leaf: { $anchor: 'leaf', type: 'string' },
        unused: { type: 'number' },
      },
    });
    expect(schemas).toEqual({
      m: {
        type: 'object',
        title: 'm',
        properties: {
          self: { $ref: '#/components/schemas/m' },
          byId: { $ref: '#/components/schemas/m_Node' },
          byAnchor: { $ref: '#/components/schemas/m_Leaf', description: 'kept' },
          within: { $ref: '#/components/schemas/m_next' },
        },
      },
      m_Node: { type: 'object', properties: { next: { $ref: '#/components/schemas/m_Node' } } },
      m_Leaf: { type: 'string' },
      m_next: { $ref: '#/components/schemas/m_Node' },
    });
  });

  it('leaves out references that lead nowhere, to the network, or only to themselves (F-L6, F-L7)', () => {
    const schemas = converted({
      properties: {
        net: { $ref: 'http://127.0.0.1:1/x.json', title: 'kept' },
        gone: { $ref: '#/$defs/Gone' },
        loop: { $ref: '#/$defs/A' },
      },
      $defs: { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } },
    });
    expect(schemas.m).toMatchObject({ properties: { net: { title: 'kept' }, gone: {} } });
    expect([schemas.m_A, schemas.m_B]).toContainEqual({});
  });

  it('says in 2020-12 what older drafts said differently', () => {
    const { m } = converted({
      properties: {
        tuple: { items: [{ type: 'string' }], additionalItems: false },
        below: { maximum: 5, exclusiveMaximum: true },
        maybe: { type: 'string', nullable: true },
        node: { $ref: '#/definitions/N' },
      },
      dependencies: { a: ['b'], c: { required: ['d'] } },
      definitions: { N: true },
    });
    expect(m).toMatchObject({
      properties: {
        tuple: { prefixItems: [{ type: 'string' }], items: false },
        below: { maximum: 5, exclusiveMaximum: 5 },
        maybe: { type: ['string', 'null'] },
        node: { $ref: '#/components/schemas/m_N' },
      },
      dependentRequired: { a: ['b'] },
      dependentSchemas: { c: { required: ['d'] } },
    });
  });

  it('keeps a property that is called __proto__ as one (F-L13)', () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') as JsonObject;
    const text = JSON.stringify(converted(schema));
    expect(text).toContain('"__proto__":{"type":"string"');
    expect(Object.prototype).not.toHaveProperty('type');
  });

  it('ends for a schema that is as deep or as wide as a message may be', async () => {
    let deep: JsonObject = { type: 'string' };
    for (let level = 0; level < 5_000; level++) deep = { type: 'array', items: deep };
    const chain: JsonObject = {};
    for (let index = 0; index < 30_000; index++) chain[`D${index}`] = { items: { $ref: `#/$defs/D${index + 1}` } };
    const started = performance.now();
    const document = documentOf(
      { properties: { deep } },
      { properties: { first: { $ref: '#/$defs/D0' } }, $defs: chain },
    );
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(dangling(document)).toEqual([]);
  });

  it('makes a legal document of anything at all', async () => {
    const schema = schemas();
    await fc.assert(
      fc.asyncProperty(fc.array(schema, { minLength: 20, maxLength: 20 }), async (schemas) => {
        const document = documentOf(...schemas);
        expect(await problems(document)).toEqual([]);
        expect(dangling(document).filter((ref) => ref.startsWith('#/components'))).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  it(
    'never fails and never hangs, whatever it is given (reliability row 14)',
    async () => {
      await fc.assert(
        fc.property(
          schemas(),
          ends((schema) => {
            const components = new Components();
            components.add('m', schema);
            JSON.stringify(components.schemas);
          }),
        ),
        { numRuns: 100_000 },
      );
    },
    FUZZ,
  );

  it('makes the document of 500 tools in a moment (the figure is 100 ms)', () => {
    const schema = (index: number): JsonObject => ({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 12 }, (_, field) => [
          `field_${field}`,
          field % 4 === 0
            ? { $ref: '#/$defs/Shared' }
            : { type: 'string', description: `what it is ${index} ${field}` },
        ]),
      ),
      required: ['field_1', 'field_2'],
      $defs: { Shared: { type: 'object', properties: { inner: { anyOf: [{ type: 'string' }, { type: 'null' }] } } } },
    });
    const schemas = Array.from({ length: 500 }, (_, index) => schema(index));
    documentOf(...schemas);
    const times = [1, 2, 3].map(() => {
      const started = performance.now();
      JSON.stringify(documentOf(...schemas));
      return performance.now() - started;
    });
    expect(Math.min(...times)).toBeLessThan(10_000);
  });
});
