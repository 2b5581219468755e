// `holdfast connect <client>`: writes the gateway into the file of a client, keeps what stands there with its comments
// and a copy of the file as it was, and takes it back with `--undo` (E-20).
import { copyFile, mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseJson } from '../../config/document.ts';
import { writeDurably } from '../../config/durable.ts';
import { editText } from '../../config/edit.ts';
import { decodeText } from '../../config/find.ts';
import { parseToml } from '../../config/toml.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { findRemote, type Remote, type RemoteOptions } from '../client.ts';
import { CLIENTS, type Client, placesHere } from '../clients.ts';
import { EXIT } from '../exit.ts';
import { placeOf } from '../place.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { tell } from '../tell.ts';
import { editToml } from '../toml-edit.ts';
import { t } from '../words.ts';

export interface ConnectOptions extends RemoteOptions {
  undo?: boolean;
  stdio?: boolean;
  project?: boolean;
  file?: string;
  name: string;
  view?: string;
  dryRun?: boolean;
}

/** The copy of the file as it was. */
const BEFORE = '.before-holdfast';

export async function connect(id: string, options: ConnectOptions): Promise<number> {
  const client = needClient(id);
  const under = client.entry?.under as string;
  const file = await fileOf(client, options);
  const text = await read(file);
  const path = [under, options.name];
  if (options.undo) return undo(client, file, text, path, options);

  const entry = entryOf(client, options);
  const servers = (await documentOf(file, text ?? ''))[under];
  const now = isObject(servers) ? servers[options.name] : undefined;
  const facts = { client: id, file, entry: { [options.name]: shown(entry) } };
  if (isDeepStrictEqual(now, entry))
    return tell(options, { ...facts, changed: false }, t`${client.title} is connected already: ${file}`);
  const next = await edited(file, text ?? '', path, entry);
  if (!options.dryRun) {
    try {
      await mkdir(dirname(file), { recursive: true });
      if (text !== undefined && (await read(file + BEFORE)) === undefined) await copyFile(file, file + BEFORE);
      await writeDurably(file, next);
    } catch (error) {
      throw new Refused(
        t`${file} cannot be written (${(error as NodeJS.ErrnoException).code}); nothing was changed`,
        EXIT.failure,
      );
    }
  }
  const backup = text === undefined ? '' : `\n  ${t`as it was: ${file + BEFORE}`}`;
  const at = `${client.title}: ${file}`;
  return tell(
    options,
    { ...facts, changed: !options.dryRun },
    `${options.dryRun ? t`would connect ${at}` : t`connected ${at}`}\n  ${JSON.stringify(shown(entry))}${options.dryRun ? '' : backup}\n  ${t`start ${client.title} anew to see it; holdfast connect ${id} --undo takes it back`}`,
  );
}

/** The file as it was where nobody else has changed it since; else only our entry goes. */
async function undo(
  client: Client,
  file: string,
  text: string | undefined,
  path: readonly string[],
  options: ConnectOptions,
): Promise<number> {
  const [under, name] = path as [string, string];
  const servers = text === undefined ? undefined : (await documentOf(file, text))[under];
  const now = isObject(servers) ? servers[name] : undefined;
  if (text === undefined || now === undefined)
    return tell(options, { client: client.id, file, changed: false }, t`${client.title} is not connected: ${file}`);
  const before = await read(file + BEFORE);
  const same = before !== undefined && (await edited(file, before, path, now)) === text;
  const rest = same ? before : await edited(file, text, path, undefined);
  // Without a copy there was no file; it goes again where nothing but ours stood in it.
  const empty = before === undefined && isEmpty(await documentOf(file, rest), under);
  if (!options.dryRun) {
    if (empty) await rm(file);
    else await writeDurably(file, rest);
    await rm(file + BEFORE, { force: true });
  }
  const how = empty ? t`the file is gone again` : same ? t`the file is as it was` : t`the rest of the file stays`;
  return tell(
    options,
    { client: client.id, file, changed: !options.dryRun },
    options.dryRun
      ? t`would disconnect ${client.title}; ${how}: ${file}`
      : t`disconnected ${client.title}; ${how}: ${file}`,
  );
}

function needClient(id: string): Client {
  const able = CLIENTS.filter(({ entry }) => entry !== undefined);
  const found = able.find((client) => client.id === id);
  if (found !== undefined) return found;
  const near = nearest(
    id,
    able.map((client) => client.id),
  );
  const hint =
    near.length > 0 ? t`did you mean ${near.join(t` or `)}?` : t`there are ${able.map((one) => one.id).join(', ')}`;
  throw new Refused(t`holdfast connect does not know ${JSON.stringify(id)}; ${hint}`);
}

/** Behind a symbolic link, which stays one. */
async function fileOf(client: Client, options: ConnectOptions): Promise<string> {
  const file = named(client, options);
  return realpath(file).catch(() => file);
}

function named(client: Client, { file, project }: ConnectOptions): string {
  if (file !== undefined) return resolve(file);
  const found = client.files(placesHere()).find((one) => one.project === (project === true));
  if (found === undefined) throw new Refused(t`${client.title} has no file for a project; leave --project out`);
  return found.path;
}

/** The gateway in the form that the client understands. */
function entryOf(client: Client, options: ConnectOptions): JsonObject {
  const view = options.view === undefined ? '' : `/${encodeURIComponent(options.view)}`;
  const write = client.entry?.url;
  if (write !== undefined && options.stdio !== true) {
    const { url } = running(client, options);
    const key = options.apiKey ?? process.env.HOLDFAST_API_KEY;
    return write(`${url}/mcp${view}`, key === undefined ? undefined : { Authorization: `Bearer ${key}` });
  }
  const { file, dataDir } = placeOf(options);
  const args = [process.argv[1] as string, 'stdio'];
  if (file !== undefined) args.push('--config', file);
  if (file === undefined || options.dataDir !== undefined) args.push('--data-dir', dataDir);
  if (options.view !== undefined) args.push('--view', options.view);
  return { command: process.execPath, args };
}

function running(client: Client, options: ConnectOptions): Remote {
  try {
    return findRemote(options);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(t`${error.message}; with --stdio ${client.title} starts it by itself`, error.code);
  }
}

/** The entry without its key. */
function shown(entry: JsonObject): JsonObject {
  const masked = (headers: unknown) => (isObject(headers) ? { ...headers, Authorization: 'Bearer ***' } : undefined);
  return {
    ...entry,
    ...(entry.headers !== undefined && { headers: masked(entry.headers) }),
    ...(entry.http_headers !== undefined && { http_headers: masked(entry.http_headers) }),
  };
}

async function read(file: string): Promise<string | undefined> {
  try {
    const text = decodeText(await readFile(file));
    if (text === undefined) throw new Refused(t`${file} is not a text file in UTF-8; it stays as it is`);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws Refused where the file is broken: what a client cannot read is not made worse */
async function documentOf(file: string, text: string): Promise<JsonObject> {
  if (text.trim() === '') return {};
  const parsed = file.endsWith('.toml') ? await parseToml(text, file) : parseJson(text, file);
  if (parsed.ok) return parsed.document.value;
  throw new Refused(
    [t`the file of the client has problems and stays as it is`, ...parsed.problems.map(saidProblem)].join('\n  '),
  );
}

async function edited(file: string, text: string, path: readonly string[], value: unknown): Promise<string> {
  if (!file.endsWith('.toml')) return editText(text, [{ path, value }]);
  return editToml(text, path, value as JsonObject | undefined);
}

function isEmpty(value: JsonObject, under: string): boolean {
  const { [under]: servers, ...rest } = value;
  return Object.keys(rest).length === 0 && (!isObject(servers) || Object.keys(servers).length === 0);
}
