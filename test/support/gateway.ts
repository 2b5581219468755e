// The gateway as a user starts it: a process, a configuration file, a ready line (requirements 12.1).
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Exit, Program } from './program.ts';
import { makeTempDir, removeDir } from './temp-dir.ts';
import { waitFor } from './wait.ts';

const BIN = new URL('../../dist/main.js', import.meta.url).pathname;

export interface GatewayOptions {
  /** The configuration: an object written as JSON, or the text of a file. Nothing: no `--config`. */
  config?: object | string;
  /** Name of the file, where the format is told by it. */
  configName?: string;
  /** Further arguments behind `serve`. */
  args?: readonly string[];
  /** What stands behind `--`: one server without a file. */
  command?: readonly string[];
  /** Added to a small clean environment. */
  env?: Record<string, string>;
  nodeArgs?: readonly string[];
  /** A data directory that outlives this gateway (restarts); by default a new one that goes with it. */
  dataDir?: string;
  /** A fixed port, for restarts; 0 by default. */
  port?: number;
  /** Milliseconds to the ready line; 60,000 by default. */
  within?: number;
}

export interface Gateway {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly program: Program;
  readonly configPath: string;
  readonly dataDir: string;
  /** stderr so far. */
  readonly stderr: string;
  /** Replaces the configuration file in place. */
  writeConfig(config: object | string): Promise<void>;
  /** The parsed answer of `/health`. */
  health(): Promise<GatewayHealth>;
  /** Waits until the named upstreams (all of them if none is named) are in `state`, `ready` by default. */
  upstreamsIn(names?: readonly string[], state?: string, within?: number): Promise<GatewayHealth>;
  /** SIGTERM, waits, and fails if any process below it survived. Twice is harmless. */
  stop(options?: { signal?: NodeJS.Signals; within?: number }): Promise<Exit>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface GatewayHealth {
  status: string;
  upstreams: Record<
    string,
    { state: string; health: string; tools?: number; error?: unknown } & Record<string, unknown>
  >;
  [key: string]: unknown;
}

/** Starts `dist/main.js serve` and waits for its ready line. `npm test` builds it; a lone test run needs a build. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  if (!existsSync(BIN)) throw new Error('dist/main.js is missing: npm run build');
  const folder = await makeTempDir('gateway');
  const dataDir = options.dataDir ?? join(folder, 'data');
  const configPath = join(folder, options.configName ?? 'holdfast.json');
  const asText = (config: object | string): string =>
    typeof config === 'string' ? config : JSON.stringify(config, null, 2);
  if (options.config !== undefined) await writeFile(configPath, asText(options.config));
  const program = new Program(process.execPath, {
    args: [
      ...(options.nodeArgs ?? []),
      BIN,
      'serve',
      ...(options.config === undefined ? [] : ['--config', configPath]),
      '--port',
      String(options.port ?? 0),
      '--data-dir',
      dataDir,
      ...(options.args ?? []),
      ...(options.command === undefined ? [] : ['--', ...options.command]),
    ],
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8', ...options.env },
  });
  let ended: Promise<Exit> | undefined;
  const stop: Gateway['stop'] = (how) => {
    ended ??= program.stop(how).finally(() => removeDir(folder));
    return ended;
  };
  let url: string;
  try {
    const line = await program.line(/^holdfast ready (http\S+?)\/?$|"url":"(http[^"]+?)\/?"/, options.within);
    url = (line[1] ?? line[2]) as string;
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  const health = async (): Promise<GatewayHealth> => (await (await fetch(`${url}/health`)).json()) as GatewayHealth;
  return {
    url,
    port: Number(new URL(url).port),
    pid: program.pid,
    program,
    configPath,
    dataDir,
    get stderr() {
      return program.stderr;
    },
    writeConfig: (config) => writeFile(configPath, asText(config)),
    health,
    async upstreamsIn(names, state = 'ready', within = 60_000) {
      let last: GatewayHealth | undefined;
      return await waitFor(
        async () => {
          last = await health();
          const wanted = names ?? Object.keys(last.upstreams);
          return wanted.every((name) => last?.upstreams[name]?.state === state) && last;
        },
        {
          within,
          every: 25,
          what: () => `upstreams in ${state}; last: ${JSON.stringify(last?.upstreams)}\n${program.stderr}`,
        },
      );
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
