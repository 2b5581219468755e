import { callApi, findRemote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';

/** `holdfast restart <upstream>`: exit code 1 where a cool-down keeps it from starting (C-02). */
export async function restartUpstream(name: string, options: RemoteOptions & { force?: boolean }): Promise<number> {
  const query = options.force ? '?force=true' : '';
  const answer = await callApi(findRemote(options), 'POST', `/upstreams/${encodeURIComponent(name)}/restart${query}`);
  if (options.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  if (answer.ok !== true) {
    const seconds = Math.ceil(Number(answer.retryAfterMs) / 1000);
    throw new Refused(`${name} is cooling down for another ${seconds} s; --force starts it at once`, EXIT.failure);
  }
  if (!options.json) process.stdout.write(`restarted ${name}\n`);
  return EXIT.ok;
}
