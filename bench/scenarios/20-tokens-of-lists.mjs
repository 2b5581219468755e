import { readFileSync } from 'node:fs';
import { atMost, measure } from '../harness/report.mjs';
import { listTools, Session } from '../harness/session.mjs';

export const row = 20;
export const title = 'tool list of 9 real servers, tokens (o200k)';
/** Nothing of it is a matter of time. */
export const once = true;

const SERVERS = [
  'chrome-devtools',
  'context7',
  'everything',
  'filesystem',
  'kubernetes',
  'memory',
  'notion',
  'playwright',
  'sequential-thinking',
];
const file = (path) => new URL(`../${path}`, import.meta.url).pathname;

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in has no converged view' };
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  const lists = SERVERS.map((name) => JSON.parse(readFileSync(file(`../test/corpus/servers/${name}.json`), 'utf8')));
  const tools = lists.flatMap((list) => list.tools);
  const upstreams = Object.fromEntries(
    SERVERS.map((name) => [
      name,
      {
        command: process.execPath,
        args: [file('fixtures/recorded.mjs'), 'list', file(`../test/corpus/servers/${name}.json`)],
      },
    ]),
  );
  const more = { views: { lean: { lean: true } } };
  const gateway = await bench.startGateway(upstreams, { wait: tools.length, more });
  const tokens = (value) => countTokens(JSON.stringify(value));
  const full = tokens(tools);
  const passed = tokens(await listTools(gateway.url));
  const view = `${gateway.origin}/mcp/converged`;
  const converged = tokens(await listTools(view));
  const session = await new Session(view).open();
  const listed = await listTools(`${gateway.origin}/mcp/lean`);
  const lean = tokens(listed);
  // What most clients hand on to their model.
  const handed = tokens(listed.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })));
  const inspected = async (detail) => {
    let sum = 0;
    for (const name of SERVERS) {
      const { result } = await session.call('inspect', { server_name: name, detail });
      sum += countTokens(result.content.map(({ text }) => text).join('\n'));
    }
    return sum;
  };
  const [signatures, documented] = [await inspected('brief'), await inspected('signatures')];
  session.close();
  const behind = `${tools.length} tools, ${full} tokens under the names of their servers`;
  return [
    measure(
      'passthrough, a lean view',
      lean,
      atMost(22_000),
      `not lean ${passed}; of the lean one, name, description and input schema ${handed}; ${behind}`,
    ),
    measure('all signatures', signatures, atMost(7_000), `inspect of every server, brief; with comments ${documented}`),
    measure('converged, at connect', converged, atMost(2_000)),
  ];
}
