// `holdfast xiaozhi`: the command line of xiaozhi-client with the meaning it had there (requirements 10.24, D-50, E-26).
// Its file stays as it is: what its commands changed in it goes to the overlay (10.16).
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { parse } from 'jsonc-parser';
import { decodeText } from '../../config/find.ts';
import { homeFolder } from '../../core/home.ts';
import { isObject } from '../../core/json.ts';
import { VERSION } from '../../version.ts';
import { EXIT } from '../exit.ts';
import { inChinese } from '../help.ts';
import { placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { isChinese, t } from '../words.ts';

/** Where it listened unless `webUI.port` said otherwise (4.4). */
const PORT = '9999';

/** Its keys, and ours. The numbers are milliseconds there. */
const KEYS: Readonly<Record<string, string>> = {
  mcpEndpoint: 'endpoints',
  mcpServers: 'upstreams',
  connection: 'endpointDefaults',
  heartbeatInterval: 'endpointDefaults.health.interval',
  heartbeatTimeout: 'endpointDefaults.health.timeout',
  reconnectInterval: 'endpointDefaults.reconnect.baseDelay',
};

interface Place {
  config?: string;
  dataDir?: string;
}

/** Runs one command line of xiaozhi-client; gives the exit code. */
export async function xiaozhi(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = xiaozhiProgram((ended) => {
    code = ended;
  });
  if (isChinese()) inChinese(program);
  if (argv.length === 0) program.help({ error: true });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
  return code;
}

export function xiaozhiProgram(end: (code: number) => void): Command {
  const program = new Command('holdfast xiaozhi')
    .description('run and change the gateway with the commands of xiaozhi-client')
    .version(VERSION, '-v, --version', 'print the version')
    .option('--info', 'print the version, and what runs it')
    .option('--version-info', 'the same')
    .option('--data-dir <dir>', 'where state is kept (HOLDFAST_DATA_DIR)')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
    })
    .action(({ info, versionInfo }: { info?: boolean; versionInfo?: boolean }) => {
      if (info !== true && versionInfo !== true) return program.help({ error: true });
      process.stdout.write(`holdfast ${VERSION}\nnode ${process.version}\n${process.platform} ${process.arch}\n`);
    });
  const place = (): Place => {
    const { dataDir } = program.opts<{ dataDir?: string }>();
    const config = configFile();
    return { ...(config !== undefined && { config }), ...(dataDir !== undefined && { dataDir }) };
  };
  const below = (parent: Command, name: string, description: string) =>
    parent.command(name).description(description).exitOverride();
  const group = (name: string, description: string) => {
    const made = below(program, name, description);
    return made.action(() => made.help({ error: true }));
  };

  below(program, 'start', 'start the gateway')
    .option('-d, --daemon', 'in the background')
    .option('--debug', 'a log that says more')
    .option('-s, --stdio [port]', 'serve one client over stdin and stdout')
    .action(async ({ daemon, debug, stdio: over }: { daemon?: boolean; debug?: boolean; stdio?: unknown }) => {
      const options = { ...needed(place()), ...(debug && { logLevel: 'debug' }) };
      if (over !== undefined) {
        const { stdio } = await import('./stdio.ts');
        return end(await stdio([], options));
      }
      const port = portOf(options.config);
      const served = { ...options, ...(port !== undefined && { port }) };
      if (daemon) {
        const { start } = await import('./start.ts');
        return end(await start({ argv: argvOf(served), words: [], options: { ...served, watch: true } }));
      }
      const { serve } = await import('./serve.ts');
      end(await serve([], { ...served, watch: true }));
    });
  below(program, 'stop', 'stop the gateway').action(async () => {
    const { stop } = await import('./start.ts');
    end(await stop({ ...place(), timeout: '30' }));
  });
  below(program, 'status', 'show the servers and endpoints of the gateway').action(async () => {
    const { status } = await import('./status.ts');
    end(await status(place()));
  });
  below(program, 'restart', 'restart the gateway in the background')
    .option('-d, --daemon', 'accepted: it runs in the background anyway')
    .action(async () => {
      const { restart } = await import('./start.ts');
      end(await restart({ ...place(), timeout: '30' }));
    });
  below(program, 'attach', 'follow the gateway in the background; Ctrl-C leaves it running').action(async () => {
    const { attach } = await import('./logs.ts');
    end(await attach({ ...place(), lines: '20' }));
  });

  const config = group('config', 'make, read and change the configuration');
  below(config, 'init', 'make a configuration').action(async () => {
    const { init } = await import('./init.ts');
    end(await init('holdfast.json', { yes: true }));
  });
  below(config, 'get', 'print a value')
    .argument('<key>', Object.keys(KEYS).join(', '))
    .action(async (key: string) => {
      const { get } = await import('./config-values.ts');
      end(await get(ownKey(key), place()));
    });
  below(config, 'set', 'change a value')
    .argument('<key>', 'mcpEndpoint, heartbeatInterval, heartbeatTimeout or reconnectInterval')
    .argument('<value>', 'an address, or milliseconds')
    .action(async (key: string, value: string) => {
      const path = ownKey(key);
      if (key === 'mcpEndpoint') return end(await setEndpoints([value], place()));
      if (!path.includes('.'))
        throw new Refused(t`${key} is not set at once; use holdfast add, remove, or holdfast config set ${path}.…`);
      if (!/^\d+$/.test(value)) throw new Refused(t`${key} is a number of milliseconds, not ${JSON.stringify(value)}`);
      const { set } = await import('./config-values.ts');
      end(await set(path, `${value}ms`, { ...place(), text: true }));
    });

  const mcp = group('mcp', 'servers and their tools');
  below(mcp, 'list', 'list the servers')
    .option('--tools', 'list their tools')
    .action(async ({ tools: all }: { tools?: boolean }) => {
      if (all) return end(await toolsOf(undefined, place()));
      const { list } = await import('./upstreams.ts');
      end(await list(place()));
    });
  below(mcp, 'server', 'list the tools of a server')
    .argument('<server>', 'its name')
    .action(async (name: string) => end(await toolsOf(name, place())));
  below(mcp, 'tool', 'switch a tool on or off')
    .argument('<server>', 'its server')
    .argument('<tool>', 'its name')
    .argument('<action>', 'enable or disable')
    .action(async (server: string, tool: string, action: string) => {
      if (action !== 'enable' && action !== 'disable')
        throw new Refused(t`a tool is switched with enable or disable, not ${JSON.stringify(action)}`);
      const { setEnabled } = await import('./upstreams.ts');
      end(await setEnabled(action === 'enable', server, tool, place()));
    });
  below(mcp, 'call', 'call a tool')
    .argument('<service>', 'its server')
    .argument('<tool>', 'its name')
    .option('--args <json>', 'arguments as a JSON object', '{}')
    .action(async (service: string, tool: string, { args }: { args: string }) => {
      const { call } = await import('./call.ts');
      end(await call(service, tool, undefined, { ...place(), args, timeout: '120' }));
    });

  const endpoint = group('endpoint', 'addresses that the gateway dials');
  below(endpoint, 'list', 'list them, without their tokens').action(async () => {
    const { listEndpoints } = await import('../endpoints.ts');
    end(await listEndpoints(place()));
  });
  for (const action of ['add', 'remove'] as const) {
    below(endpoint, action, action === 'add' ? 'add one' : 'take one away')
      .argument('<endpoint>', action === 'add' ? 'its address; - reads it from stdin' : 'its address, or its name')
      .action(async (subject: string) => {
        const { addEndpoint, removeEndpoint } = await import('../endpoints.ts');
        end(await (action === 'add' ? addEndpoint : removeEndpoint)(subject, place()));
      });
  }
  below(endpoint, 'set', 'these and no others')
    .argument('<endpoint...>', 'their addresses')
    .action(async (urls: string[]) => end(await setEndpoints(urls, place())));
  return program;
}

async function setEndpoints(urls: readonly string[], place: Place): Promise<number> {
  const { setEndpoints: set } = await import('../endpoints.ts');
  return await set(urls, place);
}

async function toolsOf(server: string | undefined, place: Place): Promise<number> {
  const { tools } = await import('./tools.ts');
  return await tools(server, place);
}

/** In the order in which it looked; undefined leaves it to our own search. */
function configFile(): string | undefined {
  const { XIAOZHI_CONFIG_DIR: named, HOME: home } = process.env;
  const folders = named ? [named] : ['.', join(homeFolder(home), '.xiaozhi-client')];
  return folders
    .flatMap((folder) =>
      ['xiaozhi.config.json', 'xiaozhi.config.jsonc', 'xiaozhi.config.json5'].map((name) => resolve(folder, name)),
    )
    .find((file) => existsSync(file));
}

/** Without any file the demo would be served, which nobody means here. @throws Refused */
function needed(place: Place): Place {
  if (place.config !== undefined || placeOf(place).file !== undefined) return place;
  throw new Refused(
    t`there is no xiaozhi.config.json here, in XIAOZHI_CONFIG_DIR or in ~/.xiaozhi-client; holdfast xiaozhi config init makes a configuration, holdfast xiaozhi endpoint add adds an address to it`,
  );
}

/** @throws Refused */
function ownKey(key: string): string {
  const path = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (path !== undefined) return path;
  throw new Refused(
    t`there is no key ${JSON.stringify(key)}; there are ${Object.keys(KEYS).join(', ')}. holdfast config get and set take every other value`,
  );
}

/** Its port, where neither the file nor the environment says another one. */
function portOf(file: string | undefined): string | undefined {
  if (process.env.PORT || file === undefined || !/xiaozhi\.config\.json\w?$/.test(file)) return undefined;
  const value: unknown = parse(decodeText(readFileSync(file)) ?? '', [], { allowTrailingComma: true });
  const port = isObject(value) && isObject(value.webUI) ? value.webUI.port : undefined;
  return typeof port === 'number' ? undefined : PORT;
}

/** As it would be typed behind `serve`. */
function argvOf(options: Readonly<Record<string, string | undefined>>): string[] {
  const flags: Readonly<Record<string, string>> = {
    config: '--config',
    dataDir: '--data-dir',
    logLevel: '--log-level',
    port: '--port',
  };
  return Object.entries(flags).flatMap(([name, flag]) => (options[name] === undefined ? [] : [flag, options[name]]));
}
