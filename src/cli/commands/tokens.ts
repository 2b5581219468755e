import { costOf } from '../../converge/costs.ts';
import type { CatalogView, ToolEntry } from '../../core/catalog.ts';
import type { JsonObject } from '../../core/json.ts';
import { findRemote, getJson, type Remote, type RemoteOptions, request } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

/** `holdfast tokens`: what each view of the running gateway costs a model, per server and per tool (estimates, 10.35). */
export async function tokens(options: RemoteOptions & { tools?: boolean }): Promise<number> {
  const remote = findRemote(options);
  const { upstreams } = (await getJson(remote, '/health')) as { upstreams: Record<string, unknown> };
  const entries = await Promise.all(
    Object.keys(upstreams).map(async (upstream) =>
      (await listTools(remote, upstream)).map((definition): [string, ToolEntry] => {
        const name = String(definition.name);
        const exposed = `${upstream}__${name}`;
        return [exposed, { upstream, name, shown: name, exposed, definition, safety: 'write' }];
      }),
    ),
  );
  const view = { tools: new Map(entries.flat()) } as unknown as CatalogView;
  const cost = costOf(view, await listTools(remote, 'converged'));
  if (options.json) {
    process.stdout.write(`${JSON.stringify(cost)}\n`);
    return EXIT.ok;
  }
  const number = (value: number | undefined) => String(value ?? 0).padStart(7);
  process.stdout.write(
    `${number(cost.passthrough)}  ${t`passthrough: every definition, at every start of a conversation`}\n`,
  );
  process.stdout.write(`${number(cost.converged)}  ${t`converged: inspect, exec and resources`}\n\n`);
  process.stdout.write(`   list  inspect  ${t`(estimated tokens)`}\n`);
  for (const { server, definition, inspected, tools } of cost.servers.toSorted((a, b) => b.definition - a.definition)) {
    process.stdout.write(`${number(definition)}  ${number(inspected)}  ${t`${server} (${tools.length} tools)`}\n`);
    for (const tool of options.tools ? tools : []) {
      process.stdout.write(`${number(tool.definition)}  ${number(tool.inspected)}    ${tool.tool}\n`);
    }
  }
  return EXIT.ok;
}

async function listTools(remote: Remote, view: string): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  let cursor: string | undefined;
  do {
    const answer = await request(remote, view, 'tools/list', cursor === undefined ? {} : { cursor });
    if ('error' in answer) throw new Refused(answer.error.message, EXIT.fault);
    found.push(...((answer.result.tools ?? []) as JsonObject[]));
    cursor = answer.result.nextCursor as string | undefined;
  } while (cursor !== undefined);
  return found;
}
