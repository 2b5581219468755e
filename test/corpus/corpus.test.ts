// Holds the corpus together: lists, labels, results and the README's counts, and that nothing secret was recorded.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Tool {
  name: unknown;
  inputSchema: unknown;
}
interface ServerList {
  server: string;
  package: string;
  version: string;
  licence: string;
  source: string;
  recordedAt: string;
  protocolVersion: string;
  serverInfo: { name: string };
  tools: Tool[];
}
interface Recipe {
  name: string;
  package: string;
  version: string;
}
interface Question {
  id: string;
  text: string;
  kind: string;
  language: string;
  expect: string[];
}
interface Block {
  type: string;
  text?: string;
}
interface ResultShape {
  name: string;
  about: string;
  shape: string;
  result: { content: Block[]; isError?: boolean };
}

const KINDS = ['phrase', 'phrase-zh', 'raw', 'raw-zh', 'typo'];
const HAN = /\p{Script=Han}/u;
const CREDENTIAL =
  /gh[pousr]_[A-Za-z0-9]{30}|github_pat_\w{30}|glpat-[\w-]{20}|xox[abprs]-\d{8}|[sr]k_(?:live|test)_[A-Za-z0-9]{16}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|eyJ[\w-]{20,}\.eyJ[\w-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY/;

const at = (path: string): URL => new URL(path, import.meta.url);
const text = (path: string): string => readFileSync(at(path), 'utf8');
const json = <T>(path: string): T => JSON.parse(text(path)) as T;
const files = (folder: string): string[] => readdirSync(at(folder)).sort();

const lists = files('./servers').map((file) => ({ file, list: json<ServerList>(`./servers/${file}`) }));
const recipes = json<Recipe[]>('./recipes.json');
const open = json<Question[]>('./questions.json');
const heldBack = json<Question[]>('./questions-held-back.json');
const questions = [...open, ...heldBack];
const results = files('./results').map((file) => ({ file, shape: json<ResultShape>(`./results/${file}`) }));

describe('recorded tool lists', () => {
  it.each(lists)('$file is complete and every tool has a name and an object schema', ({ file, list }) => {
    expect(file).toBe(`${list.server}.json`);
    expect(['MIT', 'Apache-2.0', 'ISC']).toContain(list.licence);
    expect(list.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(list.source).toMatch(/^https:\/\/[\w.-]+\/./);
    expect(list.protocolVersion).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(Number.isNaN(Date.parse(list.recordedAt))).toBe(false);
    expect(list.serverInfo.name).toBeTypeOf('string');
    expect(list.tools.length).toBeGreaterThan(0);
    for (const { name, inputSchema } of list.tools) {
      expect(name).toEqual(expect.stringMatching(/./));
      expect(inputSchema).toMatchObject({ type: 'object' });
    }
    expect(new Set(list.tools.map((tool) => tool.name)).size).toBe(list.tools.length);
  });

  it('holds the seven pinned servers, at least 500 tools, within 4 MB', () => {
    const names = lists.map(({ list }) => list.server);
    const seven = 'everything filesystem memory sequential-thinking playwright chrome-devtools context7';
    expect(names).toEqual(expect.arrayContaining(seven.split(' ')));
    expect(lists.reduce((sum, { list }) => sum + list.tools.length, 0)).toBeGreaterThanOrEqual(500);
    expect(lists.reduce((sum, { file }) => sum + statSync(at(`./servers/${file}`)).size, 0)).toBeLessThan(4 * 2 ** 20);
  });

  it('has one recipe for each, of the recorded package and version', () => {
    const recorded = lists.map(({ list }) => `${list.server} ${list.package}@${list.version}`);
    expect(recipes.map((recipe) => `${recipe.name} ${recipe.package}@${recipe.version}`).sort()).toEqual(
      recorded.sort(),
    );
  });

  it('is what the README says, row by row and in all', () => {
    const rows = lists.map(
      ({ list: l }) => `| ${l.server} | ${l.package} | ${l.version} | ${l.licence} | ${l.tools.length} |`,
    );
    const total = lists.reduce((sum, { list }) => sum + list.tools.length, 0);
    const table = text('./README.md')
      .split('\n')
      .filter((line) => line.startsWith('| '));
    for (const row of [...rows, `| ${lists.length} servers | | | | ${total} |`]) expect(table).toContain(row);
    expect(table.filter((line) => /\| \d+\.\d+\.\d+/.test(line))).toHaveLength(rows.length);
  });

  it('holds no credential, no placeholder and no path of the recording machine', () => {
    const all = [...lists.map(({ file }) => `./servers/${file}`), ...results.map(({ file }) => `./results/${file}`)];
    for (const path of all) {
      const content = text(path);
      expect(content.match(CREDENTIAL)?.[0], path).toBeUndefined();
      expect(content.match(/sk_test_dummy|sbp_dummy|cli_dummy|mcp-corpus|\/work\//)?.[0], path).toBeUndefined();
    }
  });
});

describe('search questions', () => {
  const known = new Set(lists.flatMap(({ list }) => list.tools.map((tool) => `${list.server}/${tool.name}`)));

  it.each(questions)('$id names tools that exist', (question) => {
    expect(question.expect.length).toBeGreaterThan(0);
    expect(question.expect.filter((label) => !known.has(label))).toEqual([]);
    expect(new Set(question.expect).size).toBe(question.expect.length);
    expect(KINDS).toContain(question.kind);
    expect(question.language).toBe(question.kind.endsWith('-zh') ? 'zh' : 'en');
    expect(HAN.test(question.text)).toBe(question.language === 'zh');
  });

  it('are at least 140, each once, half held back, a third Chinese in each half, every kind in each', () => {
    expect(questions.length).toBeGreaterThanOrEqual(140);
    expect(Math.abs(open.length - heldBack.length)).toBeLessThanOrEqual(KINDS.length);
    expect(new Set(questions.map((question) => question.id)).size).toBe(questions.length);
    expect(new Set(questions.map((question) => question.text)).size).toBe(questions.length);
    for (const half of [open, heldBack]) {
      const chinese = half.filter((question) => question.language === 'zh');
      expect(chinese.length / half.length).toBeGreaterThanOrEqual(1 / 3);
      expect(new Set(half.map((question) => question.kind))).toEqual(new Set(KINDS));
    }
  });
});

describe('tool results', () => {
  it.each(results)('$file is a tool result', ({ file, shape }) => {
    expect(file).toBe(`${shape.name}.json`);
    expect(shape.about).not.toBe('');
    expect(shape.result.content.length).toBeGreaterThan(0);
    for (const block of shape.result.content) {
      expect(['text', 'image', 'resource', 'resource_link']).toContain(block.type);
      if (block.type === 'text') expect(block.text).toBeTypeOf('string');
    }
  });

  it('have at least 12 shapes, uniform tables among them', () => {
    expect(new Set(results.map(({ shape }) => shape.shape)).size).toBeGreaterThanOrEqual(12);
    expect(results.filter(({ shape }) => shape.shape === 'uniform-table').length).toBeGreaterThanOrEqual(2);
  });
});
