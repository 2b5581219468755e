import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { FORMATS, type ForeignFormat } from '../import/formats.ts';
import { loadConfig } from '../load.ts';
import { exportConfig } from './index.ts';
import { SHAPES } from './shapes.ts';

const SAMPLES = join(import.meta.dirname, '../../../test/config');
const env = { AMAP_KEY: 'amap-key-1', PAPER_TOKEN: 'pt-1', REMOTE_TOKEN: 'rt-12345', CURSOR_API_KEY: 'ck-1' };
const foreign = FORMATS.filter((name) => name !== 'native') as ForeignFormat[];

async function load(text: string, file: string, format?: ForeignFormat) {
  const result = await loadConfig({ text, file, format, env });
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 1));
  return result;
}
const written = (value: JsonObject, format: ForeignFormat) =>
  format === 'codex' ? stringify(value) : JSON.stringify(value);

/** What a server is started or dialled by, and what of it is offered. */
const essence = (upstreams: Awaited<ReturnType<typeof load>>['config']['upstreams']) =>
  Object.entries(upstreams).map(([name, one]) => {
    const { command, args, env: variables, url, headers, enabled, unresolved } = one;
    return { name, command, args, variables, url, headers, enabled, unresolved };
  });

describe('export', () => {
  const samples = readdirSync(SAMPLES).filter((name) => /\.(json|toml)$/.test(name));

  it.each(samples)(
    '%s read, written in its own format and read again is the same, unknown keys included (E-05, 8.2)',
    async (name) => {
      const file = join(SAMPLES, name);
      const first = await load(readFileSync(file, 'utf8'), file);
      if (first.format === 'native') return;
      const { value, lost } = exportConfig(first.input, first.format);
      const again = await load(written(value, first.format), file, first.format);
      expect(essence(again.config.upstreams)).toEqual(essence(first.config.upstreams));
      expect(again.config.views).toEqual(first.config.views);
      expect(again.config.endpoints.map(({ url }) => url)).toEqual(first.config.endpoints.map(({ url }) => url));
      if (name !== 'mcpx-gen1.json') expect(again.config.extensions).toEqual(first.config.extensions);
      const tools = (one: typeof first) =>
        Object.entries(one.config.upstreams).map(
          ([
            id,
            {
              tools: { disabled },
            },
          ]) => [id, disabled],
        );
      if (!lost.some((key) => key.includes('tools'))) expect(tools(again)).toEqual(tools(first));
    },
  );

  it.each(foreign)(
    'of every sample as %s is read by that reader, with what it has no place for told',
    async (format) => {
      for (const name of samples) {
        const file = join(SAMPLES, name);
        const { input, config } = await load(readFileSync(file, 'utf8'), file);
        const { value } = exportConfig(input, format);
        const again = await load(written(value, format), join(SAMPLES, 'exported'), format);
        const wanted = essence(config.upstreams).filter(({ enabled }) => enabled || SHAPES[format].off !== undefined);
        const made = essence(again.config.upstreams);
        for (const { name: id, command, url } of wanted)
          expect(
            made.find((one) => one.name === id),
            `${name} as ${format}`,
          ).toMatchObject({ ...(command !== undefined && { command }), ...(url !== undefined && { url }) });
      }
    },
  );

  it('says what the other program has no place for', () => {
    const input = {
      upstreams: { a: { command: 'x', enabled: false, supervisor: { nice: 3 }, tools: { allow: ['t'] } } },
      views: { v: {} },
    };
    expect(exportConfig(input, 'vscode').lost).toEqual([
      'upstreams.a.enabled',
      'upstreams.a.tools.allow',
      'upstreams.a.supervisor',
      'views',
    ]);
  });

  const key = fc.stringMatching(/^x[a-z]{1,8}$/);
  const unknown = fc.dictionary(
    key,
    fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
    { maxKeys: 4 },
  );
  const WITH_MAP = foreign.filter((format) => !['codex', 'claude-code', 'map'].includes(format));

  it.each(WITH_MAP)(
    '%s: keys that nobody knows come back where they stood, at the root and in servers (E-05)',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(unknown, unknown, async (root, inner) => {
          const under = SHAPES[format].under as string;
          const original = {
            ...root,
            [under]: { a: { command: 'x', ...inner }, b: { [SHAPES[format].url]: 'http://h/mcp' } },
          };
          const first = await load(JSON.stringify(original), '/etc/some.json', format);
          const { value } = exportConfig(first.input, format);
          expect(JSON.parse(JSON.stringify(value))).toMatchObject(JSON.parse(JSON.stringify(original)) as object);
        }),
        { numRuns: 30 },
      );
    },
  );
});
