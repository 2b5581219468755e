// `holdfast endpoint`: endpoints of the running gateway, over its management API (D-50). The gateway gives no token, so
// none can be printed (X-67).
import { readFileSync } from 'node:fs';
import type { JsonObject } from '../../core/json.ts';
import { callApi, findRemote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';
import { said, t } from '../words.ts';

export interface EndpointOptions extends RemoteOptions {
  name?: string | undefined;
  group?: string | undefined;
  standby?: boolean | undefined;
  view?: string | undefined;
}

/** @throws Refused with exit code 2 where the endpoint is not named, 1 where the gateway refuses, 5 without one */
export async function endpoint(
  action: string,
  subject: string | undefined,
  address: string | undefined,
  options: EndpointOptions,
): Promise<number> {
  if (action !== 'list' && subject === undefined)
    throw new Refused(t`holdfast endpoint ${action} needs ${action === 'add' ? t`a URL` : t`the name of an endpoint`}`);
  const remote = findRemote(options);
  const print = (answer: JsonObject, text: string): number => {
    process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : text);
    return EXIT.ok;
  };
  const { name, group, standby, view } = options;
  const settings = { name, group, role: standby === undefined ? undefined : standby ? 'standby' : 'active', view };
  if (action === 'list') {
    const answer = await callApi(remote, 'GET', '/endpoints');
    return print(answer, table(answer.endpoints as JsonObject[]));
  }
  if (action === 'add') {
    const answer = await callApi(remote, 'POST', '/endpoints', { ...settings, url: urlOf(subject) });
    const text =
      answer.name === null ? t`added, but it is ignored: see the log of the gateway` : t`added ${answer.name}`;
    return print(answer, `${text}\n`);
  }
  const path = `/endpoints/${encodeURIComponent(subject as string)}`;
  if (action === 'replace') {
    if (address === undefined && Object.values(settings).every((value) => value === undefined))
      throw new Refused(t`holdfast endpoint replace needs the new URL (or - to read it from stdin), or an option`);
    const answer = await callApi(remote, 'PATCH', path, { ...settings, url: urlOf(address) });
    return print(answer, `${t`replaced ${answer.name ?? subject}`}\n`);
  }
  if (action === 'remove') return print(await callApi(remote, 'DELETE', path), `${t`removed ${subject}`}\n`);
  return print(
    await callApi(remote, 'POST', `${path}/${action}`),
    `${action === 'connect' ? t`connected ${subject}` : t`disconnected ${subject}`}\n`,
  );
}

/** A command line can be read by everybody on the machine; stdin cannot. */
function urlOf(given: string | undefined): string | undefined {
  return given === '-' ? readFileSync(0, 'utf8').trim() : given;
}

function table(endpoints: readonly JsonObject[]): string {
  if (endpoints.length === 0) return `${t`no endpoints`}\n`;
  const width = Math.max(...endpoints.map(({ name }) => String(name).length));
  return endpoints
    .map((one) => {
      const { listed } = one.tools as { listed: number };
      const group = one.group === undefined ? '' : `  ${t`${one.role} of ${one.group}`}`;
      const expires = one.expiresAt === undefined ? '' : `  ${t`expires ${one.expiresAt}`}`;
      const next = one.nextTryAt === undefined ? '' : t`, next try ${one.nextTryAt}`;
      const error = one.connected || one.lastError === undefined ? '' : `  ${said(String(one.lastError))}${next}`;
      const facts = `${String(one.state).padEnd(11)} ${t`${String(listed).padStart(4)} tools`}  ${t`score ${one.healthScore}`}`;
      return `${String(one.name).padEnd(width)}  ${facts}  ${one.endpoint}${group}${expires}${error}\n`;
    })
    .join('');
}
