// The figures of the converged view, measured on the corpus with a real tokenizer (`npm run figures:converged`).
// Prints tables, and ends with 1 when a figure that the product promises is missed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { ToolSearch } from '../../src/catalog/search.ts';
import { encodeText } from '../../src/converge/encode.ts';
import { signatureOf } from '../../src/converge/schema-signature.ts';
import { estimateTokens } from '../../src/converge/tokens.ts';
import { isObject, type JsonObject } from '../../src/core/json.ts';
import { type FakeUpstream, stage } from './fixture.ts';

const corpus = process.env.CORPUS ?? 'test/corpus';
const lines: string[] = [];
let missed = 0;
const say = (...cells: (string | number)[]) =>
  lines.push(cells.map((cell, index) => (index === 0 ? String(cell).padEnd(44) : String(cell).padStart(12))).join(''));
const promise = (what: string, value: number, isKept: boolean, wanted: string) => {
  if (!isKept) missed++;
  say(`${isKept ? '  ok    ' : '  MISSED'} ${what}`, value, `want ${wanted}`);
};
const percent = (part: number, whole: number) => Math.round(1000 * (1 - part / whole)) / 10;
const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const round = (value: number, digits = 2) => Number(value.toFixed(digits));

interface Listed {
  server: string;
  instructions?: string;
  tools: JsonObject[];
}
const lists: Listed[] = readdirSync(`${corpus}/servers`)
  .sort()
  .map((file) => JSON.parse(readFileSync(`${corpus}/servers/${file}`, 'utf8')));
const upstreams = (chosen: readonly Listed[]): FakeUpstream[] =>
  chosen.map(({ server, instructions, tools }) => ({
    name: server,
    tools,
    ...(instructions !== undefined && { instructions }),
  }));
const tokensOf = (value: unknown) => countTokens(JSON.stringify(value));
const schemas = lists.flatMap(({ tools }) => tools.map((tool) => tool.inputSchema));

async function definitions(): Promise<void> {
  say('DEFINITIONS shown at connect (tokens)', 'tools', 'tools/list', 'converged', 'saved %');
  const seven = [
    'everything',
    'filesystem',
    'memory',
    'sequential-thinking',
    'playwright',
    'chrome-devtools',
    'context7',
  ];
  const small = lists.filter(({ server }) => seven.includes(server));
  // Servers in a fixed order up to 500 tools; a server with more than 100 would decide the figure alone.
  const half: Listed[] = [];
  for (const list of lists)
    if (list.tools.length <= 100 && half.reduce((sum, { tools }) => sum + tools.length, 0) < 500) half.push(list);
  const figure = (name: string, chosen: Listed[]) => {
    const shown = tokensOf(stage(upstreams(chosen)).converged.listTools());
    const full = chosen.reduce((sum, { tools }) => sum + tokensOf(tools), 0);
    say(
      name,
      chosen.reduce((sum, { tools }) => sum + tools.length, 0),
      full,
      shown,
      percent(shown, full),
    );
    return { saved: percent(shown, full), shown };
  };
  const a = figure(`${small.length} reference servers`, small);
  const b = figure(`${half.length} servers`, half);
  const c = figure(`all ${lists.length} servers`, lists);
  promise('saved on the reference servers, %', a.saved, a.saved >= 80, '>= 80');
  promise('saved at 500 tools, %', b.saved, b.saved >= 95, '>= 95');
  promise(
    'most tokens of the three definitions',
    Math.max(a.shown, b.shown, c.shown),
    Math.max(a.shown, b.shown, c.shown) <= 2000,
    '<= 2000',
  );
}

/** simple: plain parameters; nested: objects or lists of them; complex: references and combinations. */
function classOf(schema: unknown): 'simple' | 'nested' | 'complex' {
  const text = JSON.stringify(schema);
  if (/"(\$ref|anyOf|oneOf|allOf|patternProperties|if)":/.test(text)) return 'complex';
  const properties = isObject(schema) && isObject(schema.properties) ? Object.values(schema.properties) : [];
  return properties.some(
    (p) =>
      isObject(p) &&
      (isObject(p.properties) ||
        isObject(p.additionalProperties) ||
        (isObject(p.items) && isObject(p.items.properties))),
  )
    ? 'nested'
    : 'simple';
}

function signatures(): void {
  say('');
  say('SIGNATURES (tokens)', 'schemas', 'JSON Schema', 'signature', 'saved %', 'types only %');
  const sums = new Map<string, { n: number; json: number; text: number; plain: number }>();
  let longer = 0;
  let estimate = 0;
  for (const schema of schemas) {
    const kind = classOf(schema);
    const sum = sums.get(kind) ?? { n: 0, json: 0, text: 0, plain: 0 };
    const signature = signatureOf(schema);
    const json = tokensOf(schema);
    const text = countTokens(signature);
    if (text > json) longer++;
    estimate += estimateTokens(signature);
    sums.set(kind, {
      n: sum.n + 1,
      json: sum.json + json,
      text: sum.text + text,
      plain: sum.plain + countTokens(signatureOf(schema, { budget: 0 })),
    });
  }
  for (const [kind, least] of [
    ['simple', 60],
    ['nested', 60],
    ['complex', 50],
  ] as const) {
    const { n, json, text, plain } = sums.get(kind) ?? { n: 0, json: 1, text: 0, plain: 0 };
    say(kind, n, json, text, percent(text, json), percent(plain, json));
    promise(`saved on ${kind} schemas, %`, percent(text, json), percent(text, json) >= least, `>= ${least}`);
  }
  promise('signatures longer than their JSON', longer, longer === 0, '0');
  const real = [...sums.values()].reduce((sum, { text }) => sum + text, 0);
  promise(
    'error of the estimate, %',
    round(100 * (estimate / real - 1), 1),
    Math.abs(estimate / real - 1) <= 0.1,
    '<= 10',
  );
}

async function results(): Promise<void> {
  if (!existsSync(`${corpus}/results`)) return;
  say('');
  say('RESULTS (tokens)', 'as sent', 'compact', 'shown', 'format', 'vs compact %');
  let larger = 0;
  let tables = 0;
  let tablesShown = 0;
  let bytes = 0;
  let tokens = 0;
  for (const file of readdirSync(`${corpus}/results`).sort()) {
    const { name, shape, result } = JSON.parse(readFileSync(`${corpus}/results/${file}`, 'utf8'));
    for (const item of result.content ?? []) {
      if (item.type !== 'text') continue;
      let compact = item.text;
      try {
        let value: unknown = JSON.parse(item.text);
        for (let round = 0; round < 2 && typeof value === 'string'; round++) value = JSON.parse(value);
        compact = JSON.stringify(value);
      } catch {}
      const seen = await encodeText(item.text);
      const [sent, small, shown] = [item.text, compact, seen.text].map((text) => countTokens(text)) as [
        number,
        number,
        number,
      ];
      bytes += Buffer.byteLength(item.text);
      tokens += sent;
      if (shown > Math.min(sent, small)) larger++;
      const saved = percent(shown, small);
      if (shape === 'uniform-table') {
        tables += small;
        tablesShown += shown;
      }
      say(`${name} (${shape})`.slice(0, 43), sent, small, shown, seen.format, saved);
    }
  }
  promise('results larger than compact JSON', larger, larger === 0, '0');
  promise('saved on uniform tables, %', percent(tablesShown, tables), percent(tablesShown, tables) >= 30, '>= 30');
  say(`  bytes per token: ${round(bytes / tokens)}`);
}

interface Question {
  text: string;
  kind: string;
  expect: string[];
}

async function search(): Promise<void> {
  say('');
  const index = new ToolSearch();
  const documents = lists.flatMap(({ server, tools, instructions }) =>
    tools.map((definition) => ({
      id: `${server}/${definition.name}`,
      server,
      name: String(definition.name),
      definition,
      instructions,
    })),
  );
  const started = performance.now();
  index.update(documents);
  const built = performance.now() - started;
  const stale = performance.now();
  index.update(documents);
  const again = performance.now() - stale;
  const times: number[] = [];
  const totals = { phrase: [0, 0], raw: [0, 0] };
  const asked: string[] = [];
  for (const file of ['questions', 'questions-held-back']) {
    if (!existsSync(`${corpus}/${file}.json`)) continue;
    const questions: Question[] = JSON.parse(readFileSync(`${corpus}/${file}.json`, 'utf8'));
    say(`SEARCH, ${file}.json`, 'questions', 'first', 'recall@5', 'recall@10');
    for (const kind of [...new Set(questions.map((question) => question.kind))]) {
      const mine = questions.filter((question) => question.kind === kind);
      const at = [1, 5, 10].map(() => 0);
      for (const { text, expect } of mine) {
        asked.push(text);
        const start = performance.now();
        const hits = index.search(text, 10);
        times.push(performance.now() - start);
        const rank = hits.findIndex(({ id }) => expect.includes(id));
        for (const [slot, most] of [1, 5, 10].entries())
          if (rank >= 0 && rank < most) at[slot] = (at[slot] as number) + 1;
      }
      // A phrase is what `inspect` asks for; everything else is as people type.
      const total = kind === 'phrase' ? totals.phrase : totals.raw;
      total[0] = (total[0] as number) + (at[1] as number);
      total[1] = (total[1] as number) + mine.length;
      say(kind, mine.length, ...at.map((count) => round(count / mine.length)));
    }
  }
  const recall = ([found = 0, of = 0]: number[]) => round(found / Math.max(1, of));
  promise('recall@5 of phrases, both halves', recall(totals.phrase), recall(totals.phrase) >= 0.9, '>= 0.9');
  promise('recall@5 of everything else, both halves', recall(totals.raw), recall(totals.raw) >= 0.6, '>= 0.6');
  promise(`ms for a question, median, ${index.size} tools`, round(median(times)), median(times) < 5, '< 5');
  say(
    `  index of ${index.size} tools: ${round(built, 0)} ms to build, ${round(again, 1)} ms to see that nothing changed`,
  );

  const scene = stage(upstreams(lists));
  const costs: number[] = [];
  for (const query of asked) costs.push(countTokens((await scene.call('inspect', { query })).text));
  const mean = Math.round(costs.reduce((sum, cost) => sum + cost, 0) / costs.length);
  promise('tokens of ten candidates, mean', mean, mean <= 900, '<= 900');
  const memory: number[] = [];
  for (const { server, tools } of lists) {
    const args = { server_name: server, tool_name: String(tools[0]?.name) };
    await scene.call('inspect', args);
    const start = performance.now();
    await scene.call('inspect', args);
    memory.push(performance.now() - start);
  }
  promise('ms for inspect of a tool, median', round(median(memory), 3), median(memory) < 2, '< 2');
}

await definitions();
signatures();
await results();
await search();
process.stdout.write(`${lines.join('\n')}\n`);
process.exitCode = missed === 0 ? 0 : 1;
