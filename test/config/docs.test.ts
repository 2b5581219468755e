// The published JSON Schema and the reference page are made from the schema; here they are held to it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { configDocs } from '../../scripts/docs/config.ts';
import { parseJson } from '../../src/config/document.ts';
import { FORMATS } from '../../src/config/import/index.ts';
import { loadConfig } from '../../src/config/load.ts';

const root = join(import.meta.dirname, '../..');
const docs = configDocs();
const validate = new Ajv({ strict: false }).compile(
  JSON.parse(docs['schema/holdfast.schema.json'] as string) as object,
);

describe('generated documentation', () => {
  it.each(Object.entries(docs))('%s is what `npm run docs` writes', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });

  it('gives every key a description, and every key that may be left out its default or none on purpose', () => {
    const [keys = ''] = (docs['docs/reference/config.md'] as string).split('## Files of other programs');
    const rows = keys.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(120);
    for (const row of rows) expect(row.split(' | ').at(-1)?.length).toBeGreaterThan(3);
    expect(rows.filter((row) => row.includes('anything')).map((row) => row.split('`')[1])).toEqual(['extensions']);
  });
});

describe('the reference page', () => {
  it.each(FORMATS)('tells how a file of the format %s is recognised', (format) => {
    expect(docs['docs/reference/config.md']).toContain(`\`${format}\``);
  });
});

describe('the JSON Schema agrees with the reader', () => {
  const parsed = (text: string) => {
    const result = parseJson(text, 'f');
    if (!result.ok) throw new Error('not JSON');
    return result.document.value;
  };

  it('on the native sample', () => {
    expect(validate(parsed(readFileSync(join(root, 'test/config/holdfast.jsonc'), 'utf8')))).toBe(true);
  });

  it.each([
    '{}',
    '{"upstreams":{"a":{"command":"x","args":[1,"b"],"env":{"A":1,"B":true}}}}',
    '{"upstreams":{"a":{"command":"x","timeouts":{"call":"5m"},"stopWhenIdle":3,"limits":{"message":"1 GB"}}}}',
    '{"upstreams":{"a":{"command":1}}}',
    '{"upstreams":{"a":{"command":"x","timeouts":{"call":"5 parsecs"}}}}',
    '{"upstreams":{"a":{"command":"x","colour":"red"}}}',
    '{"upstreams":{"a":{"command":"x","transport":"pigeon"}}}',
    '{"server":{"port":70000}}',
    '{"keys":[{"key":"no name"}]}',
    '{"locale":"fr"}',
  ])('on %s', async (text) => {
    const read = await loadConfig({ text, file: 'holdfast.json', env: {} });
    expect(validate(parsed(text))).toBe(read.ok);
  });

  it('and refuses what other programs write', () => {
    const names = readdirSync(join(root, 'test/config')).filter((name) => name.endsWith('.json'));
    for (const name of names)
      expect([name, validate(parsed(readFileSync(join(root, 'test/config', name), 'utf8')))]).toEqual([name, false]);
  });
});
