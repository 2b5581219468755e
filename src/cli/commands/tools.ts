import type { JsonObject } from '../../core/json.ts';
import { findRemote, type RemoteOptions, request } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';

/** `holdfast tools [server]`: names and first lines of descriptions. */
export async function tools(server: string | undefined, options: RemoteOptions): Promise<number> {
  const remote = findRemote(options);
  const found: JsonObject[] = [];
  let cursor: string | undefined;
  do {
    const answer = await request(remote, server ?? 'passthrough', 'tools/list', cursor === undefined ? {} : { cursor });
    if ('error' in answer) throw new Refused(answer.error.message, EXIT.fault);
    found.push(...((answer.result.tools ?? []) as JsonObject[]));
    cursor = answer.result.nextCursor as string | undefined;
  } while (cursor !== undefined);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ tools: found })}\n`);
    return EXIT.ok;
  }
  const width = Math.min(48, Math.max(0, ...found.map(({ name }) => String(name).length)));
  for (const { name, description } of found) {
    const line = typeof description === 'string' ? (description.split('\n')[0] as string) : '';
    process.stdout.write(`${String(name).padEnd(width)}  ${line.length > 90 ? `${line.slice(0, 89)}…` : line}\n`);
  }
  return EXIT.ok;
}
