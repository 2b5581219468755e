// `holdfast key`: the keys of callers, in the running gateway, or in the configuration where none runs.
import { isObject, type JsonObject } from '../../core/json.ts';
import type { KeyInfo, KeyOutcome, KeyWanted } from '../../core/ports.ts';
import { keyControl } from '../../key-control.ts';
import { openAtRest } from '../at-rest.ts';
import { runningGateway } from '../change.ts';
import { callApi, type Remote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface KeyOptions extends RemoteOptions {
  role?: string[] | undefined;
  upstream?: string[] | undefined;
  tool?: string[] | undefined;
  deny?: string[] | undefined;
  view?: string[] | undefined;
  rate?: string | undefined;
  expires?: string | undefined;
  overlap?: string | undefined;
}

/** What both sides can do; `by` is whoever runs the command. */
interface Door {
  list(): Promise<readonly KeyInfo[]>;
  add(wanted: KeyWanted): Promise<JsonObject>;
  rotate(name: string, overlap: string | undefined): Promise<JsonObject>;
  revoke(name: string): Promise<JsonObject>;
}

/** @throws Refused */
export async function key(action: string, name: string | undefined, options: KeyOptions): Promise<number> {
  if (action !== 'list' && name === undefined) throw new Refused(t`holdfast key ${action} needs the name of a key`);
  return await withDoor(options, async (door) => {
    const subject = name as string;
    switch (action) {
      case 'add': {
        const made = await door.add({ ...wantedOf(options), name: subject });
        return print(options, made, `${String(made.key)}\n`, t`This key is not shown again.`);
      }
      case 'rotate': {
        const made = await door.rotate(subject, options.overlap);
        const note = t`This key is not shown again; the old one is good until ${String(made.previousUntil)}.`;
        return print(options, made, `${String(made.key)}\n`, note);
      }
      case 'revoke':
        return print(options, await door.revoke(subject), `${t`revoked ${subject}`}\n`);
      default: {
        const keys = await door.list();
        return print(options, { keys }, table(keys));
      }
    }
  });
}

function print(options: KeyOptions, answer: JsonObject, text: string, note?: string): number {
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : text);
  if (note !== undefined && !options.json) process.stderr.write(`${note}\n`);
  return EXIT.ok;
}

async function withDoor(options: KeyOptions, run: (door: Door) => Promise<number>): Promise<number> {
  const remote = runningGateway(options);
  if (remote !== undefined) return await run(remoteDoor(remote));
  const rest = await openAtRest(options);
  try {
    const control = keyControl(rest.keys, rest.config);
    return await run({
      list: async () => control.list(),
      add: async (wanted) => done(await control.add(wanted, 'command line')),
      rotate: async (name, overlap) => done(await control.rotate(name, { overlap }, 'command line')),
      revoke: async (name) => done(await control.revoke(name, 'command line')),
    });
  } finally {
    rest.close();
  }
}

function remoteDoor(remote: Remote): Door {
  const at = (name: string) => `/keys/${encodeURIComponent(name)}`;
  return {
    list: async () => (await callApi(remote, 'GET', '/keys')).keys as unknown as KeyInfo[],
    add: (wanted) => callApi(remote, 'POST', '/keys', JSON.parse(JSON.stringify(wanted)) as JsonObject),
    rotate: (name, overlap) => callApi(remote, 'POST', `${at(name)}/rotate`, overlap === undefined ? {} : { overlap }),
    revoke: (name) => callApi(remote, 'DELETE', at(name)),
  };
}

function done<T extends object>(outcome: KeyOutcome<T>): JsonObject {
  if (!outcome.ok) throw new Refused(outcome.message, EXIT.failure);
  const { ok: _, ...answer } = outcome;
  return answer as unknown as JsonObject;
}

/** @throws Refused for a role or rate that is none */
function wantedOf(options: KeyOptions): Omit<KeyWanted, 'name'> {
  const { role = ['call'], upstream, tool, deny, view, rate, expires } = options;
  const roles = role.map((one) => {
    if (one === 'read' || one === 'call' || one === 'admin') return one;
    throw new Refused(t`--role is read, call or admin, not ${JSON.stringify(one)}`);
  });
  return {
    roles,
    upstreams: upstream,
    ...((tool ?? deny) !== undefined && { tools: { allow: tool, ...(deny !== undefined && { deny }) } }),
    views: view,
    rate: rate === undefined ? undefined : rateOf(rate),
    expires,
  };
}

/** `60/1m`, or `60` in a minute. */
function rateOf(text: string): { calls: number; per?: string } {
  const [, calls, per] = /^(\d+)(?:\/(\S+))?$/.exec(text) ?? [];
  if (calls === undefined)
    throw new Refused(t`--rate is a number of calls and a time, 60/1m say, not ${JSON.stringify(text)}`);
  return { calls: Number(calls), ...(per !== undefined && { per }) };
}

function table(keys: readonly KeyInfo[]): string {
  if (keys.length === 0) return `${t`no keys`}\n`;
  const width = Math.max(...keys.map(({ name }) => name.length));
  return keys.map((one) => `${one.name.padEnd(width)}  ${one.roles.join(',').padEnd(15)}  ${about(one)}\n`).join('');
}

function about(one: KeyInfo): string {
  const facts = [
    one.source,
    one.upstreams && t`upstreams ${one.upstreams.join(' ') || t`none`}`,
    one.tools?.allow && t`tools ${one.tools.allow.join(' ') || t`none`}`,
    one.tools?.deny.length && t`not ${one.tools.deny.join(' ')}`,
    one.views && t`views ${one.views.join(' ')}`,
    isObject(one.rate) && t`${one.rate.calls} calls in ${one.rate.per / 1000} s`,
    one.revoked
      ? t`revoked ${one.revoked}`
      : one.expires && (one.expired ? t`expired ${one.expires}` : t`expires ${one.expires}`),
    one.previousUntil && t`old key good until ${one.previousUntil}`,
    one.lastUsed ? t`last used ${one.lastUsed}` : t`never used`,
  ];
  return facts.filter((fact) => typeof fact === 'string').join(', ');
}
