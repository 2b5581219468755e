import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { leanTool } from './lean.ts';

const lean = (inputSchema: JsonObject): JsonObject =>
  leanTool({ name: 't', inputSchema }, 't').inputSchema as JsonObject;
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });

describe('leanTool (performance row 20)', () => {
  it('leaves out definitions that nothing leads to, and keeps those that others lead to', () => {
    const schema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/A' }, also: { $ref: '#/$defs/A' }, b: { $ref: '#/definitions/b~1c/items' } },
      $defs: {
        A: { anyOf: [{ $ref: '#/$defs/B' }, { $ref: '#/$defs/B' }] },
        B: { type: 'string' },
        C: { $ref: '#/$defs/D' },
        D: {},
      },
      definitions: { 'b/c': { items: { $ref: '#' } }, d: {} },
    };
    const given = structuredClone(schema);
    expect(lean(schema)).toEqual({
      type: 'object',
      properties: schema.properties,
      $defs: { A: schema.$defs.A, B: schema.$defs.B },
      definitions: { 'b/c': { items: { $ref: '#' } } },
    });
    expect(schema).toEqual(given);
    expect(lean({ type: 'object', $defs: { A: {} } })).toEqual({ type: 'object' });
  });

  it('puts a definition that is referred to once where its reference is, unless both tell different things', () => {
    const A = { type: 'string', description: 'a text' };
    const ref = (more: JsonObject) => lean(object({ p: { $ref: '#/$defs/A', ...more } }, { $defs: { A } }));
    expect(ref({})).toEqual(object({ p: A }));
    expect(ref({ default: 'x', description: 'a text' })).toEqual(object({ p: { ...A, default: 'x' } }));
    for (const more of [{ description: 'another' }, { minLength: 2 }]) expect(ref(more)).toHaveProperty('$defs');
    const chain = { A: { items: { $ref: '#/$defs/B' } }, B: { $ref: '#/$defs/C' }, C: { type: 'null' } };
    expect(lean(object({ p: { $ref: '#/$defs/A' } }, { $defs: chain }))).toEqual(
      object({ p: { items: { type: 'null' } } }),
    );
    const cycle = object({ p: { $ref: '#/$defs/A' } }, { $defs: { A: object({ a: { $ref: '#/$defs/A' } }) } });
    expect(lean(cycle)).toEqual(cycle);
  });

  it('does not go deeper than a schema of a person goes, however long a chain of definitions is', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`d${i}`, { items: { $ref: `#/$defs/d${i + 1}` } }]),
    );
    const schema = object({ p: { $ref: '#/$defs/d0' } }, { $defs: { ...$defs, d3000: { type: 'string' } } });
    const depth = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
    expect(depth(lean(schema))).toBeLessThan(100);
    expect(lean(lean(schema))).toEqual(lean(schema));
  });

  it('keeps all where a reference may lead anywhere', () => {
    for (const $ref of ['#name', 'other.json#/$defs/A', 'A']) {
      const schema = { type: 'object', properties: { a: { $ref } }, $defs: { A: { $anchor: 'name' } } };
      expect(lean(schema)).toEqual(schema);
    }
    const dynamic = { type: 'object', properties: { a: { $dynamicRef: '#/$defs/A' } }, $defs: { A: {}, B: {} } };
    expect(lean(dynamic)).toEqual(dynamic);
    const based = { type: 'object', properties: { a: { $id: 'x', $ref: '#/$defs/A' } }, $defs: { A: {} } };
    expect(lean(based)).toEqual(based);
  });

  it('leaves out $schema unless something means another thing without it', () => {
    const $schema = 'http://json-schema.org/draft-07/schema#';
    expect(lean({ $schema, type: 'object' })).toEqual({ type: 'object' });
    for (const own of [
      { dependencies: { a: ['b'] } },
      { properties: { a: { items: [{}] } } },
      { exclusiveMinimum: true },
      { properties: { a: { $ref: '#', minProperties: 1 } } },
      { id: 'https://example.com/a' },
    ])
      expect(lean({ $schema, type: 'object', ...own })).toHaveProperty('$schema');
    // Properties of these names are no keywords.
    const named = object({ id: {}, dependencies: {}, $id: { type: 'string' }, items: { default: [1] } });
    expect(lean({ $schema, ...named })).toEqual(named);
  });

  it('leaves out hints and task support that equal their default', () => {
    const annotations = {
      title: 'Long',
      readOnlyHint: true,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    };
    const tool = { name: 't', inputSchema: { type: 'object' }, annotations, execution: { taskSupport: 'forbidden' } };
    expect(leanTool(tool, 't')).toEqual({
      name: 't',
      inputSchema: { type: 'object' },
      annotations: { title: 'Long', readOnlyHint: true },
    });
    expect(leanTool({ ...tool, annotations: { openWorldHint: true } }, 't')).not.toHaveProperty('annotations');
    expect(leanTool({ ...tool, execution: { taskSupport: 'optional' } }, 't')).toHaveProperty('execution');
  });

  it('leaves out hints about changes where nothing is changed', () => {
    const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
    const hints = (more: JsonObject) =>
      leanTool({ name: 't', annotations: { ...annotations, ...more } }, 't').annotations;
    expect(hints({})).toEqual({ readOnlyHint: true, openWorldHint: false });
    expect(hints({ readOnlyHint: false })).toEqual({
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    });
  });

  it('leaves out titles that repeat a name', () => {
    const title = 'Create Page';
    const named = (more: JsonObject) => leanTool({ name: 'notion__create_page', ...more }, 'create_page');
    expect(named({ title })).toEqual({ name: 'notion__create_page' });
    expect(named({ title: 'Create a page', annotations: { title: 'Create a Page' } })).not.toHaveProperty(
      'annotations',
    );
    expect(named({ annotations: { title } })).not.toHaveProperty('annotations');
    // Without its title the tool would show that of the annotations.
    expect(named({ title, annotations: { title: 'Make' } })).toMatchObject({ title, annotations: { title: 'Make' } });
    // As pydantic writes them.
    const inputSchema = object(
      { page_id: { type: 'string', title: 'Page Id' }, n: { type: 'integer', title: 'How many' }, title: { const: 1 } },
      { title: 'create_pageArguments' },
    );
    expect(named({ inputSchema }).inputSchema).toEqual(
      object({ page_id: { type: 'string' }, n: { type: 'integer', title: 'How many' }, title: { const: 1 } }),
    );
  });

  it('leaves out keywords that refuse nothing, at any depth, and nothing that is a name or data', () => {
    const silent = { additionalProperties: {}, required: [], minItems: 0, minLength: 0, uniqueItems: false };
    expect(lean(object({ a: silent, b: { anyOf: [{ type: 'object', ...silent }] } }, silent))).toEqual(
      object({ a: {}, b: { anyOf: [{ type: 'object' }] } }),
    );
    const kept = object({
      required: { default: { required: [] }, enum: [silent] },
      additionalProperties: { type: 'object', additionalProperties: false, minItems: 1 },
      a: object({}),
    });
    expect(lean(kept)).toEqual(kept);
    // There it says that every member was looked at.
    const unevaluated = { unevaluatedProperties: false, allOf: [{ additionalProperties: true }] };
    expect(lean(unevaluated)).toEqual(unevaluated);
    const pointed = object({ a: { $ref: '#/properties/b/additionalProperties' }, b: { additionalProperties: {} } });
    expect(lean(pointed)).toEqual(pointed);
  });

  it('leaves out blanks at the end of lines and of a description, and second blank lines', () => {
    const description = 'One  \r\n\n\n\n  - two\t\n';
    expect(leanTool({ name: 't', description, inputSchema: object({ description: { description } }) }, 't')).toEqual({
      name: 't',
      description: 'One\n\n  - two',
      inputSchema: object({ description: { description: 'One\n\n  - two' } }),
    });
  });
});
