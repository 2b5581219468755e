// Upstreams and tools from the command line: listed, added, removed, switched, restarted (A-54, C-63, D-50).
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { toolAllowed } from '../../catalog/entries.ts';
import type { Config } from '../../config/schema.ts';
import { isServerUrl } from '../../config/schema-upstream.ts';
import { secretsOf } from '../../config/secrets.ts';
import type { JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { createRedactor } from '../../core/redact.ts';
import { type ChangeOptions, changeConfig, type Target, targetOf, tellChange } from '../change.ts';
import { callApi, findRemote, type RemoteOptions } from '../client.ts';
import { padded, widthOf } from '../columns.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';
import { environmentOf, isServerType, upstreamOf } from '../serving-flags.ts';
import { said, t } from '../words.ts';

export interface AddOptions extends ChangeOptions {
  env?: string[];
  header?: string[];
  transport?: string;
  cwd?: string;
  description?: string;
  disabled?: boolean;
  replace?: boolean;
}

/** `holdfast add <name> -- command args…`, `holdfast add <name> <url>`. */
export async function add(name: string, words: readonly string[], options: AddOptions): Promise<number> {
  const upstream = describe(name, words, options);
  const target = await targetOf(options);
  const there = (await namesOf(target)).includes(name);
  if (there && options.replace !== true)
    throw new Refused(t`there is an upstream called "${name}" already; --replace puts this one in its place`);
  const edits = [{ path: ['upstreams', name], value: upstream }];
  const done = there ? `replaced ${name}` : `added ${name}`;
  const told = there ? t`replaced ${name}` : t`added ${name}`;
  return tellChange(await changeConfig(target, edits, done, options), options, told);
}

/** As it stands in the file. @throws Refused */
function describe(name: string, words: readonly string[], options: AddOptions): JsonObject {
  const [first] = words;
  if (first === undefined)
    throw new Refused(
      t`holdfast add ${name} needs a URL, or -- and the command of a server: holdfast add ${name} -- npx -y …`,
    );
  const { description, disabled, transport } = options;
  const common = {
    ...(description !== undefined && { description }),
    ...(disabled && { enabled: false }),
  };
  if (words.length === 1 && /^[a-z][a-z+.-]*:\/\//i.test(first)) {
    if (!isServerUrl(first))
      throw new Refused(t`${JSON.stringify(first)} is not a URL that starts with http://, https://, ws:// or wss://`);
    if (options.env !== undefined)
      throw new Refused(t`--env is for a server that is started by a command, not for a URL`);
    if (transport !== undefined && !isServerType(transport))
      throw new Refused(t`--transport must be streamable-http, sse or websocket, not ${JSON.stringify(transport)}`);
    const kind = transport ?? (/^wss?:/i.test(first) ? 'websocket' : 'http');
    const remote = upstreamOf([first], { type: kind, header: options.header });
    if (transport === undefined) delete remote.transport;
    const { headers = {}, ...rest } = remote;
    return { ...rest, ...(Object.keys(headers).length > 0 && { headers }), ...common };
  }
  if (words.length === 1 && /^[\w-]+(\.[\w-]+)*(:\d+\/?|\.[a-z]{2,}\/)/i.test(first) && !existsSync(first))
    throw new Refused(t`${JSON.stringify(first)} looks like an address; write it with https:// or http://`);
  if (options.header !== undefined)
    throw new Refused(t`--header is for a URL, not for a server that is started by a command`);
  if (transport !== undefined && transport !== 'stdio')
    throw new Refused(t`--transport is for a URL, not for a command`);
  const env = environmentOf({ env: options.env });
  const [command = '', ...args] = words;
  const cwd = options.cwd ?? (words.some(isLocalPath) ? '.' : undefined);
  return {
    command,
    ...(args.length > 0 && { args }),
    ...(cwd !== undefined && { cwd: resolve(cwd) }),
    ...(Object.keys(env).length > 0 && { env }),
    ...common,
  };
}

/** A file or folder named relative to where the command is typed: the server must be started there. */
function isLocalPath(word: string): boolean {
  return /[./\\]/.test(word) && !word.startsWith('/') && !word.startsWith('-') && existsSync(word);
}

export async function remove(name: string, options: ChangeOptions): Promise<number> {
  const target = await targetOf(options);
  await needName(target, name);
  const done = `removed ${name}`;
  const edits = [{ path: ['upstreams', name], value: null }];
  return tellChange(await changeConfig(target, edits, done, options), options, t`removed ${name}`);
}

/** Switches an upstream, or one of its tools, on or off; kept in the configuration. */
export async function setEnabled(
  on: boolean,
  name: string,
  tool: string | undefined,
  options: ChangeOptions,
): Promise<number> {
  const target = await targetOf(options);
  await needName(target, name);
  const what = tool === undefined ? name : `${name}/${tool}`;
  const done = on ? `enabled ${what}` : `disabled ${what}`;
  const edit =
    tool === undefined
      ? { path: ['upstreams', name, 'enabled'], value: on }
      : { path: ['upstreams', name, 'tools', 'disabled'], value: await toolsDisabled(target, name, tool, on) };
  return tellChange(
    await changeConfig(target, [edit], done, options),
    options,
    on ? t`enabled ${what}` : t`disabled ${what}`,
  );
}

/** The list of switched-off tools with this one switched. @throws Refused where the tool does not exist, or a pattern keeps it off */
async function toolsDisabled(target: Target, name: string, tool: string, on: boolean): Promise<string[]> {
  let tools: Config['upstreams'][string]['tools'] | undefined;
  if (target.kind === 'gateway') {
    const { upstreams } = await callApi(target.remote, 'GET', '/config/effective');
    tools = (upstreams as Config['upstreams'])[name]?.tools;
    // Says which names are near.
    if (tools?.disabled.includes(tool) !== true)
      await callApi(target.remote, 'GET', `/tools/${encodeURIComponent(name)}/${encodeURIComponent(tool)}`);
  } else tools = target.config.upstreams[name]?.tools;
  const { disabled = [], allow = ['*'], overrides = {} } = tools ?? {};
  const next = on ? disabled.filter((one) => one !== tool) : [...new Set([...disabled, tool])];
  if (on && !toolAllowed({ allow, disabled: next, overrides }, tool))
    throw new Refused(t`${name}/${tool} is kept off by a pattern in upstreams.${name}.tools; change that in the file`);
  return next;
}

async function namesOf(target: Target): Promise<string[]> {
  if (target.kind === 'file') return Object.keys(target.config.upstreams);
  const { upstreams } = await callApi(target.remote, 'GET', '/upstreams');
  return (upstreams as { name: string }[]).map(({ name }) => name);
}

async function needName(target: Target, name: string): Promise<void> {
  const names = await namesOf(target);
  if (names.includes(name)) return;
  const near = nearest(name, names).map((one) => `"${one}"`);
  const hint = near.length > 0 ? t`did you mean ${near.join(t` or `)}?` : t`there are ${names.join(', ') || t`none`}`;
  throw new Refused(t`there is no upstream called "${name}"; ${hint}`, EXIT.failure);
}

/** `holdfast list`: what the running gateway has; without one, what the configuration says. */
export async function list(options: ChangeOptions): Promise<number> {
  const target = await targetOf(options);
  if (target.kind === 'gateway') {
    const answer = await callApi(target.remote, 'GET', '/upstreams');
    const rows = (answer.upstreams as JsonObject[]).map((one) => [
      String(one.name),
      String(one.state),
      String(one.transport),
      t`${one.tools} tools`,
      said(String(one.reason ?? '')),
    ]);
    return print(options, answer, rows);
  }
  const { config, file, exists } = target;
  const redact = createRedactor(() => secretsOf(config));
  const upstreams = Object.entries(config.upstreams).map(([name, one]) => ({
    name,
    enabled: one.enabled,
    transport: one.transport,
    target: redact(one.url ?? [one.command, ...(one.args ?? [])].join(' ')),
    ...(one.invalid.length + one.unresolved.length > 0 && {
      problems: [...one.invalid, ...one.unresolved.map((reference) => `${reference} has no value`)],
    }),
  }));
  if (options.json !== true)
    process.stderr.write(
      exists
        ? `${t`no gateway is running; ${file} says:`}\n`
        : `${t`no gateway is running, and there is no configuration; holdfast init makes one`}\n`,
    );
  const rows = upstreams.map(({ name, enabled, transport, target: goal, problems }) => [
    name,
    enabled ? t`enabled` : t`disabled`,
    transport,
    problems === undefined ? goal : `${goal}  (${problems.join('; ')})`,
  ]);
  return print(options, { file: exists ? file : null, upstreams }, rows);
}

function print({ json }: RemoteOptions, answer: JsonObject, rows: readonly string[][]): number {
  if (json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  else {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
    const line = (row: string[]) =>
      row
        .map((text, column) => padded(text, widths[column] ?? 0))
        .join('  ')
        .trimEnd();
    process.stdout.write(rows.map((row) => `${line(row)}\n`).join(''));
  }
  return EXIT.ok;
}

/** `holdfast restart <upstream>`: exit code 1 where a cool-down keeps it from starting (C-02). */
export async function restartUpstream(name: string, options: RemoteOptions & { force?: boolean }): Promise<number> {
  const query = options.force ? '?force=true' : '';
  const answer = await callApi(findRemote(options), 'POST', `/upstreams/${encodeURIComponent(name)}/restart${query}`);
  if (options.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  if (answer.ok !== true) {
    const seconds = Math.ceil(Number(answer.retryAfterMs) / 1000);
    throw new Refused(t`${name} is cooling down for another ${seconds} s; --force starts it at once`, EXIT.failure);
  }
  if (!options.json) process.stdout.write(`${t`restarted ${name}`}\n`);
  return EXIT.ok;
}
