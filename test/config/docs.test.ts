// The published JSON Schema and the reference page are made from the schema; here they are held to it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { configDocs } from '../../scripts/docs/config.ts';
import { parseJson } from '../../src/config/document.ts';
import { FORMATS } from '../../src/config/import/formats.ts';
import { loadConfig } from '../../src/config/load.ts';

const root = join(import.meta.dirname, '../..');
const docs = configDocs();
const schema = JSON.parse(docs['schema/holdfast.schema.json'] as string) as { properties: object };
const validate = new Ajv({ strict: false }).compile(schema);

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

  /** Every JSON in a page, and every JSON file of an example, with where it stands. */
  const published = ['README.md', 'README.zh-CN.md', 'docs', 'examples']
    .flatMap((name) =>
      name.endsWith('.md')
        ? [name]
        : readdirSync(join(root, name), { recursive: true }).map((file) => join(name, String(file))),
    )
    .flatMap((file) => {
      if (/\.jsonc?$/.test(file)) return [{ file, text: readFileSync(join(root, file), 'utf8') }];
      if (!file.endsWith('.md')) return [];
      const blocks = readFileSync(join(root, file), 'utf8').matchAll(/^ *```jsonc?\n([\s\S]*?)^ *```/gm);
      return [...blocks].map(([, text = ''], index) => ({ file: `${file} (${index + 1})`, text }));
    });
  const keys = new Set(Object.keys(schema.properties));
  const isNative = (text: string) => Object.keys(parsed(text)).some((key) => keys.has(key) && key !== 'servers');

  it('on every configuration that an example or a page holds', async () => {
    const native = published.filter(({ text }) => isNative(text));
    expect(native.length).toBeGreaterThan(20);
    for (const { file, text } of native) {
      expect([file, validate(parsed(text)), validate.errors ?? []]).toEqual([file, true, []]);
      // What a variable, a file or the store of secrets would give: an address is a value for anything.
      const value = 'https://something.example/long-enough';
      const names = [...text.matchAll(/\$\{env:(\w+)/g)].map(([, name]) => [name as string, value]);
      const given = { env: Object.fromEntries(names), readText: () => value, secret: () => value };
      const read = await loadConfig({ text, file: 'holdfast.json', format: 'native', ...given });
      const problems = read.ok ? [] : read.problems;
      expect([file, problems]).toEqual([file, []]);
    }
    const foreign = published.filter(({ file, text }) => !isNative(text) && !file.includes('alerts.md'));
    for (const { file, text } of foreign)
      expect([file, (await loadConfig({ text, file, env: {} })).ok]).toEqual([file, true]);
  });

  it('and refuses what other programs write', () => {
    const names = readdirSync(join(root, 'test/config')).filter((name) => name.endsWith('.json'));
    for (const name of names)
      expect([name, validate(parsed(readFileSync(join(root, 'test/config', name), 'utf8')))]).toEqual([name, false]);
  });
});
