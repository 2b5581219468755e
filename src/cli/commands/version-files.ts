// `holdfast config diff | export | import`: what changed between two versions of the configuration, and a version as a
// file (C-61, C-62).
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'jsonc-parser';
import { writeDurably } from '../../config/durable.ts';
import { readConfigFile } from '../../config/find.ts';
import { readVersion } from '../../config/history.ts';
import { detectFormat } from '../../config/import/formats.ts';
import { type Path, writePath } from '../../config/problem.ts';
import { isObject } from '../../core/json.ts';
import type { ConfigDiff, ConfigDiffValue, ConfigState } from '../../core/ports.ts';
import { type ChangeOptions, changeConfig, targetOf, tellChange } from '../change.ts';
import { callApi, type RemoteOptions, toldProblem } from '../client.ts';
import { EXIT } from '../exit.ts';
import { placeOf } from '../place.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';
import { either } from './versions.ts';

interface Difference {
  from: ConfigState;
  to: ConfigState;
  diff: ConfigDiff;
}

/** Without names: the file against what is in force, or else what the last change changed. @throws Refused */
export async function diff(from: string | undefined, to: string | undefined, options: RemoteOptions): Promise<number> {
  const states = [from, to].map((text) => (text === undefined ? undefined : stateOf(text)));
  const found = await either<Difference>(
    options,
    async (remote) => {
      const query = new URLSearchParams();
      for (const [index, name] of ['from', 'to'].entries())
        if (states[index] !== undefined) query.set(name, String(states[index]));
      return (await callApi(remote, 'GET', `/config/diff?${query}`)) as unknown as Difference;
    },
    async (config) => {
      const outcome = await config.difference(states[0], states[1]);
      if (outcome.ok) return outcome;
      throw new Refused(outcome.problems.map(toldProblem).join('\n'), EXIT.failure);
    },
  );
  const { from: old, to: next, diff: what } = found;
  if (options.json) process.stdout.write(`${JSON.stringify({ from: old, to: next, diff: what })}\n`);
  else {
    const lines = linesOf(what);
    const between = `${named(old)} → ${named(next)}`;
    process.stdout.write(
      lines.length === 0
        ? `${t`${between}: nothing differs`}\n`
        : `${between}\n${lines.map((line) => `  ${line}\n`).join('')}`,
    );
  }
  return EXIT.ok;
}

function stateOf(text: string): ConfigState {
  if (text === 'applied' || text === 'file') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Refused(
    t`${JSON.stringify(text)} is no version; give a number (holdfast config history lists them), applied or file`,
  );
}

function named(state: ConfigState): string {
  return state === 'applied' ? t`in force` : state === 'file' ? t`file` : t`version ${state}`;
}

function linesOf({ added, removed, modified, settings, restarts }: ConfigDiff): string[] {
  const value = (one: unknown) => (one === undefined ? t`(nothing)` : JSON.stringify(one));
  const change = ({ old_value: old, new_value: next }: ConfigDiffValue) =>
    JSON.stringify(old) === JSON.stringify(next) ? t`a secret has changed` : `${value(old)} → ${value(next)}`;
  const values = (all: Record<string, ConfigDiffValue>, prefix: string) =>
    Object.entries(all).map(([key, one]) => `~ ${prefix}${key}: ${change(one)}`);
  return [
    ...added.map((name) => `+ ${writePath(['upstreams', name])}`),
    ...removed.map((name) => `- ${writePath(['upstreams', name])}`),
    ...Object.entries(modified).flatMap(([name, keys]) => [
      ...values(keys, `${writePath(['upstreams', name])}.`),
      ...(restarts.includes(name) ? [`  ${t`${name} is restarted by this`}`] : []),
    ]),
    ...values(settings, ''),
  ];
}

export interface ExportOptions extends RemoteOptions {
  write?: string;
  redacted?: boolean;
}

/** Prints a version without secrets; `write` makes a file (0600) of it, whole. @throws Refused */
export async function exportVersion(wanted: string | undefined, options: ExportOptions): Promise<number> {
  const version = wanted === undefined ? undefined : stateOf(wanted);
  if (version === 'file' || version === 'applied')
    throw new Refused(t`only kept versions are exported; holdfast config history lists them`);
  const whole = options.write !== undefined && options.redacted !== true;
  const { number, text } = whole ? await readWhole(version, options) : await readRedacted(version, options);
  if (options.write === undefined) {
    process.stdout.write(options.json ? `${JSON.stringify({ version: number, text })}\n` : text);
    return EXIT.ok;
  }
  const file = resolve(options.write);
  if (existsSync(file)) throw new Refused(t`${file} exists already and stays as it is; name another file`);
  await mkdir(dirname(file), { recursive: true });
  await writeDurably(file, text);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ version: number, file, redacted: !whole })}\n`
      : `${whole ? t`version ${number} written to ${file}, with its secrets` : t`version ${number} written to ${file}, without secrets`}\n`,
  );
  return EXIT.ok;
}

/** From the data directory itself: secrets travel over no connection. */
async function readWhole(version: number | undefined, options: ExportOptions) {
  if (options.url !== undefined)
    throw new Refused(t`a gateway gives no secrets away; export on its machine without --url, or use --redacted`);
  const { dataDir } = placeOf(options);
  const found = await readVersion(join(dataDir, 'versions'), version ?? 'newest');
  if (found === undefined) throw new Refused(notKept(version, t`in ${dataDir}`), EXIT.failure);
  return { number: found.version.version, text: found.text };
}

async function readRedacted(version: number | undefined, options: ExportOptions) {
  return await either(
    options,
    async (remote) => {
      const number = version ?? Number((await callApi(remote, 'GET', '/config')).version);
      const { text } = await callApi(remote, 'GET', `/config/versions/${number}`);
      return { number, text: String(text) };
    },
    async (config) => {
      const number = version ?? config.versions().at(-1)?.version;
      const found = number === undefined ? undefined : await config.version(number);
      if (found === undefined) throw new Refused(notKept(version, t`here`), EXIT.failure);
      return { number: found.info.version, text: found.text };
    },
  );
}

function notKept(version: number | undefined, where: string): string {
  return version === undefined
    ? t`no version of the configuration is kept ${where}; the first is kept when a gateway starts on it`
    : t`version ${version} is not kept ${where}; holdfast config history lists those that are`;
}

/** Checks a file and applies it as a new version. @throws Refused where it is not taken; nothing is changed then */
export async function importVersion(given: string, options: ChangeOptions): Promise<number> {
  const file = resolve(given);
  const read = await readConfigFile(file);
  if (!read.ok) throw new Refused(read.problems.map(saidProblem).join('\n'));
  const value: unknown = parse(read.text, [], { allowTrailingComma: true });
  const format = isObject(value) ? detectFormat(value).format : 'native';
  if (format !== 'native')
    throw new Refused(
      t`${file} is a configuration of another program (${format}); holdfast import ${given} takes its servers over`,
    );
  const hidden = read.text.includes('***') ? unknownSecrets(value, await shownNow(options)) : [];
  if (hidden.length > 0)
    throw new Refused(
      t`${file} was exported without secrets, and these are not known here: ${hidden.join(', ')}; write them into it, or export the version again with its secrets (--write without --redacted)`,
    );
  const done = `imported ${file}`;
  const change = await changeConfig(await targetOf(options), { text: read.text }, done, options);
  return tellChange(change, options, t`imported ${file}`);
}

/** As it is shown, with `***` for every secret: putting that back keeps them (X-12). */
async function shownNow(options: RemoteOptions): Promise<unknown> {
  const { text } = await either<{ text: unknown }>(
    options,
    (remote) => callApi(remote, 'GET', '/config') as Promise<{ text: unknown }>,
    (config) => config.current(),
  );
  return parse(String(text), [], { allowTrailingComma: true });
}

/** Places of `***` at which nothing secret stands now. */
function unknownSecrets(value: unknown, present: unknown, path: Path = []): string[] {
  if (typeof value === 'string') return value.includes('***') && value !== present ? [writePath(path)] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = typeof present === 'object' && present !== null ? (present as Record<string, unknown>)[key] : undefined;
    return unknownSecrets(inner, at, [...path, Array.isArray(value) ? Number(key) : key]);
  });
}
