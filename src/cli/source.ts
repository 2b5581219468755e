// Which configuration a command works with, and where its state lies.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findConfig } from '../config/find.ts';
import type { ConfigFormat } from '../config/import/formats.ts';
import { parseConfig } from '../config/load.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { type LiveConfigSource, readLive } from '../live-source.ts';
import { chooseDataDir } from '../store/data-dir.ts';
import { placeOf } from './place.ts';
import { saidProblem } from './problems.ts';
import { Refused } from './refused.ts';
import { nameOfUrl, type ServingFlags, servingKeys, upstreamOf } from './serving-flags.ts';
import { t } from './words.ts';

export interface SourceOptions extends ServingFlags {
  config?: string | undefined;
  configFormat?: string | undefined;
  dataDir?: string | undefined;
  logLevel?: string | undefined;
  host?: string | undefined;
  port?: string | undefined;
}

export interface Source {
  config: Config;
  dataDir: string;
  /** The file it came from; absent for a command line or the demo. */
  file?: string | undefined;
  /** Made for one server: its tools are shown as they are. */
  single: boolean;
  demo: boolean;
  /** What the reader wants to say, a line each. */
  notes: string[];
  /** How it is read again when it changes. */
  live: LiveConfigSource;
}

/** The configuration of a command line. @throws Refused (exit code 2) with all problems of the file */
export async function readSource(words: readonly string[], options: SourceOptions): Promise<Source> {
  const env = process.env;
  if (words.length > 0) {
    if (options.config !== undefined) throw new Refused(t`give a configuration file or a command after --, not both`);
    const [command, ...args] = words as [string, ...string[]];
    const upstream = upstreamOf(words, options);
    const name = upstream.url === undefined ? serverName(command, args) : nameOfUrl(upstream.url);
    const input: ConfigInput = { upstreams: { [name]: upstream } };
    const config = parsed(input, options);
    const live = { input, env, ...flags(options) };
    return { config, dataDir: dataDirFor(options, undefined, config), single: true, demo: false, notes: [], live };
  }
  const found = findConfig({ argument: options.config, env, cwd: process.cwd() });
  if (found === undefined) {
    const first = chooseDataDir({ flag: options.dataDir, env });
    const input = demoConfig(first);
    const live = { input, env, ...flags(options) };
    return { config: parsed(input, options), dataDir: first, single: false, demo: true, notes: [], live };
  }
  const live = { file: found.path, format: options.configFormat as ConfigFormat | undefined, env, ...flags(options) };
  // Stored secrets lie in the data directory, which only the file can name.
  const first = await readLive(live, placeOf(options).dataDir);
  if (!first.result.ok) throw new Refused(explain(found.path, first.result.problems.map(saidProblem)));
  const dataDir = dataDirFor(options, found.path, first.result.config);
  // What was changed of a foreign file lies in the data directory, which only the file itself can name.
  const read = first.writes === 'overlay' ? await readLive(live, dataDir) : first;
  const { result, notes: troubles } = read;
  if (!result.ok) throw new Refused(explain(found.path, result.problems.map(saidProblem)));
  const notes = [...troubles, ...result.warnings.map(saidProblem)];
  return {
    config: result.config,
    notes,
    dataDir,
    file: found.path,
    single: false,
    demo: false,
    live: { ...live, first: read },
  };
}

function parsed(input: ConfigInput, options: SourceOptions): Config {
  const result = parseConfig(input, { env: process.env, ...flags(options) });
  if (!result.ok) throw new Refused(explain(t`the command line`, result.problems.map(saidProblem)));
  return result.config;
}

function flags(options: SourceOptions): { flags: ConfigInput } {
  const { logLevel, host, port, dataDir } = options;
  const keys = servingKeys(options);
  const server = {
    ...keys.server,
    ...(host !== undefined && { host }),
    // One that is no number is refused where it is used.
    ...(port !== undefined && /^\d{1,5}$/.test(port) && { port: Number(port) }),
  };
  const level = logLevel?.toLowerCase() as NonNullable<ConfigInput['log']>['level'];
  return {
    flags: {
      ...keys,
      ...(Object.keys(server).length > 0 && { server }),
      ...(dataDir !== undefined && { storage: { dir: resolve(dataDir) } }),
      ...(level !== undefined && { log: { level } }),
    },
  };
}

function explain(path: string, problems: readonly string[]): string {
  const head =
    problems.length === 1
      ? t`${path} has a problem; nothing was started`
      : t`${path} has ${problems.length} problems; nothing was started`;
  return `holdfast: ${head}\n${problems.map((line) => `  ${line}`).join('\n')}`;
}

function dataDirFor({ dataDir }: SourceOptions, configFile: string | undefined, config: Config): string {
  const configured = config.storage.dir;
  return chooseDataDir({ flag: dataDir, configured, configFile, env: process.env });
}

/** A short id for a server given as a command: the package or program it runs. */
function serverName(command: string, args: readonly string[]): string {
  const runner = /(^|[\\/])(npx|uvx|bunx|pnpx|node|python3?|deno|sh|bash)(\.exe|\.cmd)?$/.test(command);
  const word = (runner ? args.find((arg) => !arg.startsWith('-')) : undefined) ?? command;
  const base = (
    word
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .pop() ?? word
  )
    .replace(/@[\d^~.*x-]+$/, '')
    .replace(/\.[cm]?[jt]s$|\.py$|\.exe$/, '');
  const id = base.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
  return id === '' ? 'server' : id;
}

/** The official servers where they are installed (a fresh clone), else the small one that comes with the gateway. */
function demoConfig(dataDir: string): ConfigInput {
  const here = dirname(fileURLToPath(import.meta.url));
  const require = createRequire(join(here, 'demo.js'));
  const files = join(dataDir, 'demo-files');
  const servers: [string, string, string[], Record<string, string>][] = [
    ['filesystem', '@modelcontextprotocol/server-filesystem', [files], {}],
    ['memory', '@modelcontextprotocol/server-memory', [], { MEMORY_FILE_PATH: join(dataDir, 'demo-memory.json') }],
    ['everything', '@modelcontextprotocol/server-everything', ['stdio'], {}],
  ];
  const upstreams: NonNullable<ConfigInput['upstreams']> = {};
  for (const [name, pack, args, env] of servers) {
    const program = entryOf(require, pack);
    if (program !== undefined) upstreams[name] = { command: process.execPath, args: [program, ...args], env };
  }
  if (Object.keys(upstreams).length === 0) {
    upstreams.demo = { command: process.execPath, args: [join(here, 'demo.js')] };
    return { upstreams };
  }
  if (upstreams.filesystem !== undefined) {
    try {
      mkdirSync(files, { recursive: true, mode: 0o700 });
      const welcome = join(files, 'welcome.txt');
      if (!existsSync(welcome))
        writeFileSync(welcome, 'This folder is what the demo server "filesystem" may read and write.\n');
    } catch {
      upstreams.filesystem = { command: process.execPath, args: [join(here, 'demo.js')] };
    }
  }
  return { upstreams };
}

/** The program of an installed package, by its `bin`. */
function entryOf(require: NodeJS.Require, pack: string): string | undefined {
  for (const folder of require.resolve.paths(pack) ?? []) {
    const manifest = join(folder, pack, 'package.json');
    if (!existsSync(manifest)) continue;
    const { bin } = require(manifest) as { bin?: string | Record<string, string> };
    const file = typeof bin === 'string' ? bin : Object.values(bin ?? {})[0];
    return file === undefined ? undefined : join(folder, pack, file);
  }
  return undefined;
}
