import { readdirSync, readFileSync } from 'node:fs';
import { atLeast, atMost, measure, number } from '../harness/report.mjs';
import { Session } from '../harness/session.mjs';

export const row = 21;
export const title = 'results of typical shapes, tokens (o200k)';
/** Nothing of it is a matter of time. */
export const once = true;

const results = new URL('../../test/corpus/results/', import.meta.url);
const recorded = new URL('../fixtures/recorded.mjs', import.meta.url).pathname;

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in has no converged view' };
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  const upstream = { command: process.execPath, args: [recorded, 'results', results.pathname] };
  const gateway = await bench.startGateway({ recorded: upstream }, { wait: 1 });
  const session = await new Session(`${gateway.origin}/mcp/converged`).open();
  let larger = 0;
  const tables = { compact: 0, shown: 0 };
  const all = { sent: 0, compact: 0, shown: 0 };
  const files = readdirSync(results);
  for (const file of files) {
    const { name, shape, result } = JSON.parse(readFileSync(new URL(file, results), 'utf8'));
    const answer = await session.call('exec', { server_name: 'recorded', tool_name: name, arguments: {} });
    const texts = (content) => content.filter(({ type }) => type === 'text').map(({ text }) => text);
    const sent = texts(result.content ?? []);
    const [asSent, compact, shown] = [sent, sent.map(compacted), texts(answer.result.content)].map((some) =>
      some.reduce((sum, text) => sum + countTokens(text), 0),
    );
    if (shown > Math.min(asSent, compact)) larger++;
    if (shape === 'uniform-table') {
      tables.compact += compact;
      tables.shown += shown;
    }
    all.sent += asSent;
    all.compact += compact;
    all.shown += shown;
  }
  session.close();
  return [
    measure('shapes that became larger', larger, atMost(0), `${files.length} shapes`),
    measure(
      'uniform tables, % less than compact JSON',
      100 * (1 - tables.shown / tables.compact),
      atLeast(30),
      `${tables.compact} → ${tables.shown}`,
    ),
    measure(
      'all, % less than as sent',
      100 * (1 - all.shown / all.sent),
      undefined,
      `sent ${all.sent}, compact ${all.compact}, shown ${number(all.shown)}`,
    ),
  ];
}

/** JSON text without its white space, unwrapped where it is JSON in a string; other text as it is. */
function compacted(text) {
  try {
    let value = JSON.parse(text);
    for (let round = 0; round < 2 && typeof value === 'string'; round++) value = JSON.parse(value);
    return JSON.stringify(value);
  } catch {
    return text;
  }
}
