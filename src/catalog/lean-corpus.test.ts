// Lean schemas against the whole ones: real servers and random schemas, many arguments, one judge (ajv).
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expressible, sampleOf } from '../../test/converge/schema-samples.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { leanTool } from './lean.ts';
import { leanSchema, tidy } from './lean-schema.ts';

const FOLDER = new URL('../../test/corpus/servers/', import.meta.url);
const SERVERS = readdirSync(FOLDER);
const toolsOf = (file: string): JsonObject[] =>
  (JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as { tools: JsonObject[] }).tools;

const OPTIONS = { strict: false, validateFormats: false, validateSchema: false, addUsedSchema: false };
const JUDGES = { draft7: new Ajv({ ...OPTIONS, logger: false }), current: new Ajv2020({ ...OPTIONS, logger: false }) };

/** By the dialect that the schema names; without one, by that of MCP. */
function judgeOf({ $schema, ...schema }: JsonObject): ValidateFunction {
  return JUDGES[String($schema).includes('draft-07') ? 'draft7' : 'current'].compile(schema);
}

/** The sample, and with each member of it, at any depth, missing, null, of another type, or with one too many. */
function* variants(value: unknown): Generator<unknown> {
  yield value;
  yield null;
  yield typeof value === 'string' ? 7 : 'x';
  if (Array.isArray(value)) {
    yield [];
    yield [...value, value[0], 'extra'];
    for (const [at, item] of value.entries()) for (const other of variants(item)) yield value.with(at, other);
  }
  if (!isObject(value)) return;
  yield { ...value, 'not-there': 1 };
  for (const [key, inner] of Object.entries(value)) {
    yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
    for (const other of variants(inner)) yield { ...value, [key]: other };
  }
}

function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

const undeclared = ({ $schema: _, ...schema }: JsonObject) => JSON.stringify(schema);

function expectSame(whole: JsonObject, lean: JsonObject, samples: number, name: string): void {
  const [before, after] = [judgeOf(whole), judgeOf(lean)];
  const random = seeded(samples);
  for (let sample = 0; sample < samples; sample++) {
    for (const value of variants(sampleOf(whole, whole, random)))
      if (after(value) !== before(value)) expect.fail(`${name} takes otherwise ${JSON.stringify(value)}`);
  }
}

/** Every description that the root leads to. */
function told(root: JsonObject): Set<string> {
  const target = (pointer: string) =>
    pointer
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (isObject(at) ? at[key.replaceAll('~1', '/')] : undefined), root);
  const found = new Set<string>();
  const seen = new Set<unknown>();
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    const { description, $ref } = value as JsonObject;
    if (typeof description === 'string') found.add(tidy(description));
    if (typeof $ref === 'string') visit(target($ref));
    for (const inner of Object.values(value)) visit(inner);
  };
  const { $defs: _, definitions: __, ...rest } = root;
  visit(rest);
  return found;
}

describe('lean tools of real servers (performance row 20)', () => {
  it.each(SERVERS)('%s: the same arguments and results pass, no description is lost, twice is once', (file) => {
    for (const tool of toolsOf(file)) {
      const name = String(tool.name);
      const lean = leanTool(tool, name);
      expect(leanTool(lean, name)).toEqual(lean);
      for (const key of ['inputSchema', 'outputSchema']) {
        const [whole, after] = [tool[key], lean[key]];
        if (!isObject(whole) || !isObject(after) || undeclared(whole) === undeclared(after)) continue;
        expect(told(after), name).toEqual(told(whole));
        expectSame(whole, after, 3, `${file} ${name}`);
      }
    }
  });
});

describe('lean schemas at random (performance row 20)', () => {
  const noise: fc.Arbitrary<JsonObject> = fc.constantFrom<JsonObject>(
    {},
    { additionalProperties: true, required: [] },
    { additionalProperties: {}, minProperties: 0, title: 'A' },
    { description: ' two \n\n\n\nlines  ', readOnly: false },
  );
  const noisy = fc.tuple(expressible, noise).map(([schema, more]) => ({ ...more, ...schema }));
  const reference = fc
    .tuple(fc.constantFrom('A', 'B', 'C', 'x~1y'), fc.constantFrom<JsonObject>({}, { description: 'here' }))
    .map(([name, more]) => ({ ...more, $ref: `#/$defs/${name}` }));
  const place = fc.oneof(
    reference,
    noisy,
    reference.map((items) => ({ type: 'array', items })),
    fc.tuple(reference, reference).map((anyOf) => ({ anyOf })),
    reference.map((p) => ({ type: 'object', properties: { p, additionalProperties: p, required: { type: 'null' } } })),
  );
  // What A refers to may lead back to it: a cycle on purpose.
  const schemas = fc.tuple(place, place, place, place, place, noise).map(([a, b, c, d, e, more]) => ({
    ...more,
    type: 'object',
    properties: { a, b, title: c },
    $defs: {
      A: { type: 'object', properties: { d } },
      B: e,
      C: { type: 'string' },
      'x/y': { type: ['null', 'number'] },
    },
  }));

  it('take what the whole ones take', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        // A definition that is nothing but itself has no meaning.
        fc.pre(!JSON.stringify(schema.$defs.B).includes('#/$defs/B'));
        const given = structuredClone(schema);
        const lean = leanSchema(schema, 't');
        expect(schema).toEqual(given);
        expect(leanSchema(lean, 't')).toEqual(lean);
        expect(told(lean)).toEqual(told(schema));
        expectSame(schema, lean, 2, JSON.stringify(schema));
      }),
      { numRuns: 60 },
    );
  });
});
