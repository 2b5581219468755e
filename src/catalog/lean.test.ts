import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { leanTool } from './lean.ts';

const corpus = (name: string): JsonObject[] =>
  (
    JSON.parse(readFileSync(new URL(`../../test/corpus/servers/${name}.json`, import.meta.url), 'utf8')) as {
      tools: JsonObject[];
    }
  ).tools;
const schemaOf = (tool: JsonObject): JsonObject => tool.inputSchema as JsonObject;
const lean = (inputSchema: JsonObject): JsonObject => schemaOf(leanTool({ name: 't', inputSchema }));

describe('leanTool (performance row 20)', () => {
  it('leaves out definitions that nothing leads to, and keeps those that others lead to', () => {
    const schema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/A' }, b: { $ref: '#/definitions/b~1c' } },
      $defs: {
        A: { anyOf: [{ $ref: '#/$defs/B' }, { type: 'null' }] },
        B: { type: 'string' },
        C: { $ref: '#/$defs/D' },
        D: {},
      },
      definitions: { 'b/c': { $ref: '#' }, d: {} },
    };
    const given = structuredClone(schema);
    expect(lean(schema)).toEqual({
      type: 'object',
      properties: schema.properties,
      $defs: { A: schema.$defs.A, B: schema.$defs.B },
      definitions: { 'b/c': { $ref: '#' } },
    });
    expect(schema).toEqual(given);
    expect(lean({ type: 'object', $defs: { A: {} } })).toEqual({ type: 'object' });
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
    ])
      expect(lean({ $schema, type: 'object', ...own })).toHaveProperty('$schema');
  });

  it('leaves out hints and task support that equal their default', () => {
    const annotations = {
      title: 'T',
      readOnlyHint: true,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    };
    const tool = { name: 't', inputSchema: { type: 'object' }, annotations, execution: { taskSupport: 'forbidden' } };
    expect(leanTool(tool)).toEqual({
      name: 't',
      inputSchema: { type: 'object' },
      annotations: { title: 'T', readOnlyHint: true },
    });
    expect(leanTool({ ...tool, annotations: { openWorldHint: true } })).not.toHaveProperty('annotations');
    expect(leanTool({ ...tool, execution: { taskSupport: 'optional' } })).toHaveProperty('execution');
  });

  it('what real servers take stays the same: their schemas compile, and refuse what they refused', () => {
    for (const name of ['notion', 'playwright', 'chrome-devtools', 'filesystem']) {
      for (const tool of corpus(name)) {
        const [before, after] = [schemaOf(tool), schemaOf(leanTool(tool))].map(({ $schema: _, ...schema }) =>
          new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(schema),
        );
        for (const args of [{}, { path: 1 }, { page_id: 'x', parent: { page_id: 1 } }, { url: 'x', extra: [] }])
          expect(after?.(args), `${name} ${String(tool.name)}`).toBe(before?.(args));
      }
    }
    const size = (tools: unknown) => JSON.stringify(tools).length;
    const notion = corpus('notion');
    expect(size(notion.map(leanTool))).toBeLessThan(size(notion) / 2.5);
  });
});
