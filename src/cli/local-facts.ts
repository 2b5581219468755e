// What can be said of a gateway without asking it: the program, the machine, the configuration, the data directory, the
// last lines of its logs. Everything is without secrets; nothing is started and no connection opened (10.34).
import { existsSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { availableParallelism, freemem, release, totalmem, type } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { findConfig } from '../config/find.ts';
import type { ConfigFormat } from '../config/import/formats.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { secretsOf } from '../config/secrets.ts';
import { isObject } from '../core/json.ts';
import { createRedactor, withoutValues } from '../core/redact.ts';
import { readLive } from '../live-source.ts';
import { chooseDataDir, findGateway } from '../store/data-dir.ts';
import { findCommand } from '../upstream/process/lookup.ts';
import { VERSION } from '../version.ts';
import { adminToken } from './client.ts';

export interface LocalFacts {
  dataDir: string;
  /** Takes secrets out of a text: those of the configuration, and what looks like one. */
  redact(text: string): string;
  program: object;
  configuration: object;
  dataDirectory: object;
  /** The last of each log, by a name for it. */
  logs: ReadonlyMap<string, string>;
}

export interface LocalOptions {
  config?: string | undefined;
  configFormat?: string | undefined;
  dataDir?: string | undefined;
  apiKey?: string | undefined;
}

/** Bytes of a log that are kept, from its end. */
const LOG_TAIL = 512 * 1024;
/** Files of the data directory that are told by their name and size. */
const MOST_FILES = 500;

export async function localFacts(options: LocalOptions): Promise<LocalFacts> {
  const { env } = process;
  const found = findConfig({ argument: options.config, env, cwd: process.cwd() });
  const choice = { flag: options.dataDir, configFile: found?.path, env };
  const source = { file: found?.path, format: options.configFormat as ConfigFormat | undefined, env };
  const read = found === undefined ? undefined : await readLive(source, chooseDataDir(choice));
  const config = read?.result.ok === true ? read.result.config : undefined;
  const dataDir = chooseDataDir({ ...choice, configured: config?.storage.dir });
  const own = [options.apiKey, env.HOLDFAST_API_KEY, adminToken(dataDir)].flatMap((secret) => secret ?? []);
  const secrets = [...(config === undefined ? [] : secretsOf(config)), ...own];
  const problems = read === undefined ? [] : read.result.ok ? read.result.warnings : read.result.problems;
  return {
    dataDir,
    redact: createRedactor(() => secrets),
    program: program(),
    configuration: {
      file: found?.path ?? null,
      problems: problems.map(formatProblem),
      ...(config !== undefined && { effective: withoutValues(config), commands: await commands(config) }),
    },
    dataDirectory: { path: dataDir, gateway: findGateway(dataDir) ?? null, files: await filesIn(dataDir) },
    logs: await logsOf(config, dataDir),
  };
}

function program(): object {
  return {
    holdfast: VERSION,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    system: `${type()} ${release()}`,
    cpus: availableParallelism(),
    memory: { total: totalmem(), free: freemem() },
    container: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    // Which of them are set; their values can be keys.
    environment: Object.keys(process.env).filter((name) =>
      /^(HOLDFAST|MCPO?|XIAOZHI)_|^NODE_OPTIONS$|PROXY$/i.test(name),
    ),
  };
}

/** Whether the program of each stdio upstream is there, as a start would look for it. */
async function commands(config: Config): Promise<Record<string, string>> {
  const stdio = Object.entries(config.upstreams).flatMap(([upstream, { command, cwd, env }]) =>
    command === undefined
      ? []
      : [{ upstream, command, cwd: cwd ?? process.cwd(), env: { PATH: process.env.PATH ?? '', ...env } }],
  );
  const told = stdio.map(async (wanted) => {
    const path = await findCommand(wanted).catch((error: unknown) =>
      String(error instanceof Error ? error.message : error),
    );
    return [wanted.upstream, path] as const;
  });
  return Object.fromEntries(await Promise.all(told));
}

async function filesIn(folder: string): Promise<object[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
  const told = names
    .toSorted()
    .slice(0, MOST_FILES)
    .map(async (name) => {
      const facts = await stat(join(folder, name)).catch(() => undefined);
      if (facts?.isFile() !== true) return [];
      return [{ name, size: facts.size, mode: (facts.mode & 0o777).toString(8), changed: facts.mtime.toISOString() }];
    });
  return (await Promise.all(told)).flat();
}

/** The log of the gateway, that of its calls and what was put aside of them, the newest of each first. */
async function logsOf(config: Config | undefined, dataDir: string): Promise<Map<string, string>> {
  const calls = resolve(config?.storage.callLog.file ?? join(dataDir, 'calls.jsonl'));
  const log = config?.log.file === undefined ? [] : [resolve(config.log.file)];
  const logs = new Map<string, string>();
  for (const path of [...log, calls]) {
    const asides = await readdir(dirname(path)).catch(() => [] as string[]);
    const wanted = asides.filter((name) => name === basename(path) || name === `${basename(path)}.1`);
    for (const name of wanted) {
      const text = await tail(join(dirname(path), name));
      if (text !== undefined) logs.set(name, path === calls ? text.split('\n').map(withoutArguments).join('\n') : text);
    }
  }
  return logs;
}

/** The last whole lines of a file. */
async function tail(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - LOG_TAIL);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - from), position: from });
    const text = buffer.toString('utf8', 0, bytesRead);
    return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}

/** What a call was given is nobody's business, even where it was kept. */
function withoutArguments(line: string): string {
  if (!line.includes('"arguments"')) return line;
  try {
    const row: unknown = JSON.parse(line);
    if (!isObject(row)) return '';
    const { arguments: _, ...rest } = row;
    return JSON.stringify(rest);
  } catch {
    return '';
  }
}
