// `holdfast mcpx`, `mcpx-sse` and `mcpx-toolkit`: the command lines of MCPX with the meaning they had there (requirements
// 10.24, A-60 to A-63). `mcpx config.json` serves one client over stdio; the other two, and any option of theirs, HTTP.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { homeFolder } from '../../core/home.ts';
import { inChinese } from '../help.ts';
import { formatWhere, listening, runOld } from '../old-commands.ts';
import { Refused } from '../refused.ts';
import { isChinese, t } from '../words.ts';
import { type ServeOptions, serve } from './serve.ts';
import { stdio } from './stdio.ts';

export type McpxName = 'mcpx' | 'mcpx-sse' | 'mcpx-toolkit';

export interface McpxCommand {
  over: 'stdio' | 'http';
  options: ServeOptions;
  notes: string[];
}

interface Given extends Omit<ServeOptions, 'watch' | 'config'> {
  gui?: boolean;
  open?: boolean;
  desktop?: boolean;
}

/** Runs one command line of MCPX; gives the exit code. */
export async function mcpx(name: McpxName, argv: readonly string[]): Promise<number> {
  return await runOld(
    () => parseMcpx(name, argv),
    ({ over, options }) => (over === 'stdio' ? stdio([], { ...options, standalone: true }) : serve([], options)),
  );
}

/** @throws CommanderError, Refused */
export function parseMcpx(name: McpxName, argv: readonly string[]): McpxCommand {
  const program = mcpxProgram(name).exitOverride();
  if (isChinese()) inChinese(program);
  program.parse(argv, { from: 'user' });
  const { gui, open, desktop, ...given } = program.opts<Given>();
  const [file] = program.args;
  const config = file === undefined ? searched(desktop === true) : resolve(file);
  const listens = ['host', 'port', 'gui', 'open', 'desktop', 'apiKey', 'apiKeyFile', 'insecure'];
  const http = name !== 'mcpx' || listens.some((option) => program.getOptionValueSource(option) === 'cli');
  const configFormat = formatWhere(config, /"(?:mcpServers|mcp_servers)"\s*:/, 'mcpx');
  const common = {
    ...given,
    config,
    configFormat,
    watch: true,
    ...(name === 'mcpx-toolkit' && { dialect: 'invoke-read' as const }),
  };
  if (!http) return { over: 'stdio', options: common, notes: [] };
  const notes: string[] = [];
  if (desktop) notes.push(t`--desktop: there is no window of its own; the dashboard opens in the browser`);
  else if (gui && !open) notes.push(t`--gui: the dashboard is always there, at /ui`);
  const options: ServeOptions = {
    ...common,
    ...listening(given, 'mcpx', notes),
    // A port that is taken was no reason to end there.
    portTries: 100,
    openDashboard: open === true || desktop === true,
  };
  return { over: 'http', options, notes };
}

/** Where MCPX looked without an argument. @throws Refused */
function searched(desktop: boolean): string {
  const home = homeFolder();
  const ofDesktop = ['config.json', join(home, '.mcpx', 'config.json')];
  const ofReadme = join(home, '.config', 'mcpx-toolkit', 'mcpx.json');
  const places = (desktop ? [...ofDesktop, ofReadme] : [ofReadme, ...ofDesktop]).map((place) => resolve(place));
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Refused(
    t`no configuration of MCPX is found; name one: holdfast mcpx config.json. Looked for\n  ${places.join('\n  ')}`,
  );
}

export function mcpxProgram(name: McpxName): Command {
  return new Command(`holdfast ${name}`)
    .description(
      name === 'mcpx'
        ? 'serve one client over stdio, or over HTTP where an option says so, with the arguments of MCPX'
        : 'serve over HTTP with the arguments of MCPX',
    )
    .argument('[config]', 'its configuration (~/.config/mcpx-toolkit/mcpx.json, ./config.json, ~/.mcpx/config.json)')
    .option('--host <address>', 'address to listen on (0.0.0.0 with a key, else 127.0.0.1)')
    .option('--port <number>', 'port to listen on; the next free one where it is taken (8000)')
    .option('--gui', 'accepted: the dashboard is always there')
    .option('--open', 'open the dashboard in the browser')
    .option('--desktop', 'the same: there is no window of its own')
    .option('-k, --api-key <key>', 'demand this key (better: HOLDFAST_API_KEY or --api-key-file)')
    .option('--api-key-file <file>', 'demand the key in this file')
    .option('--insecure', 'listen wider than loopback without a key')
    .option('--data-dir <dir>', 'where state is kept (HOLDFAST_DATA_DIR)')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .option('--json', 'say that it is ready as JSON')
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
    });
}
