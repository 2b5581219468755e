// `holdfast mcpo`: the command line of mcpo and of its resilient fork, with the meaning it had there (requirements
// 10.24, U-01, B-61). Whoever comes from there changes one word.
import { Command } from 'commander';
import { isObject } from '../../core/json.ts';
import { inChinese } from '../help.ts';
import { formatWhere, listening, runOld } from '../old-commands.ts';
import { Refused } from '../refused.ts';
import { environmentOf, isServerType } from '../serving-flags.ts';
import { isChinese, t } from '../words.ts';
import { type ServeOptions, serve } from './serve.ts';

const LEVELS: Readonly<Record<string, string>> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  CRITICAL: 'fatal',
};

export interface McpoCommand {
  words: string[];
  options: ServeOptions;
  /** What is other than it was there, a line each. */
  notes: string[];
}

/** Runs one command line of mcpo; gives the exit code. */
export async function mcpo(argv: readonly string[]): Promise<number> {
  return await runOld(
    () => parseMcpo(argv),
    async ({ words, options }) => {
      // As there: what is given for the children is also there for references in the file.
      Object.assign(process.env, environmentOf(options));
      return await serve(words, options);
    },
  );
}

/** @throws CommanderError, Refused */
export function parseMcpo(argv: readonly string[]): McpoCommand {
  const program = mcpoProgram().exitOverride();
  if (isChinese()) inChinese(program);
  program.parse(argv, { from: 'user' });
  const given = program.opts<Given>();
  const notes: string[] = [];
  const { serverType, clientHeaderForwarding, logLevel, version, name, description, ...rest } = given;
  let words = program.args;
  let kind = serverType;
  const [first = '', second] = words;
  if (kind === undefined && second !== undefined && isServerType(first)) [kind, words] = [first, words.slice(1)];
  if (given.config === undefined && words.length === 0) {
    throw new Refused(t`Usage: holdfast mcpo [options] -- command args…   or   holdfast mcpo --config file`);
  }
  if (given.config !== undefined && words.length > 0) {
    notes.push(t`the configuration file counts; what stands behind -- is left out, as in mcpo`);
    words = [];
  }
  const forwardHeaders = clientHeaderForwarding === undefined ? undefined : forwardingOf(clientHeaderForwarding);
  if (forwardHeaders?.enabled === true && words.length > 0 && (kind === undefined || kind === 'stdio')) {
    notes.push(t`--client-header-forwarding: headers are forwarded over HTTP only, not to a command`);
  }
  const options: ServeOptions = {
    ...rest,
    watch: true,
    type: kind,
    ...listening(given, 'mcpo', notes),
    name: name ?? 'MCP OpenAPI Proxy',
    description: description ?? 'Automatically generated API from MCP Tool Schemas',
    apiVersion: version ?? '1.0',
    ...(forwardHeaders !== undefined && { forwardHeaders }),
    logLevel: logLevel === undefined ? undefined : (LEVELS[logLevel.toUpperCase()] ?? logLevel),
    // Files with `mcpServers` are mcpo's here; any other is read as what it is.
    configFormat: given.configFormat ?? formatWhere(given.config, /"mcpServers"\s*:/, 'mcpo'),
  };
  return { words: [...words], options, notes };
}

const FORWARDING = '{"enabled": true, "whitelist": ["X-User-*"], "blacklist": [], "debug_headers": false}';

/** mcpo's JSON for all servers of this command line. @throws Refused */
function forwardingOf(text: string): NonNullable<ServeOptions['forwardHeaders']> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const wrong = new Refused(t`--client-header-forwarding wants JSON like ${FORWARDING}`);
  if (typeof given === 'boolean') return { enabled: given };
  if (!isObject(given)) throw wrong;
  const { enabled = false, whitelist = [], blacklist = [], debug_headers: debug = false, ...rest } = given;
  const fits = typeof enabled === 'boolean' && typeof debug === 'boolean' && isTexts(whitelist) && isTexts(blacklist);
  if (!fits || Object.keys(rest).length > 0) throw wrong;
  return { enabled, allow: whitelist, deny: blacklist, debug };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

interface Given extends Omit<ServeOptions, 'watch' | 'apiVersion'> {
  version?: string;
  serverType?: string;
  clientHeaderForwarding?: string;
}

export function mcpoProgram(): Command {
  const collect = (value: string, before: string[] = []) => [...before, value];
  return new Command('holdfast mcpo')
    .description('serve MCP servers over OpenAPI, with the options of mcpo')
    .helpOption('--help', 'print this help')
    .argument('[words...]', 'the command of one stdio server, or with --type its URL')
    .option('-h, --host <address>', 'address to listen on (0.0.0.0 with a key, else 127.0.0.1)')
    .option('-p, --port <number>', 'port to listen on', '8000')
    .option('--cors-allow-origins <origin>', 'web origin that may call; repeat for more', collect)
    .option('-k, --api-key <key>', 'demand this key (better: HOLDFAST_API_KEY or --api-key-file)')
    .option('--api-key-file <file>', 'demand the key in this file')
    .option('--strict-auth', 'documents and pages need the key too')
    .option('--legacy-resources', 'answer embedded resources with the fixed sentence of mcpo')
    .option('--insecure', 'listen wider than loopback without a key')
    .option('-e, --env <pair>', 'KEY=VALUE for the servers; repeat for more', collect)
    .option('--env-path <file>', 'file of such pairs')
    .option('--type, --server-type <kind>', 'stdio, sse or streamable-http')
    .option('-c, --config <file>', 'configuration of several servers')
    .option('--config-format <name>', 'read the file as this format instead of looking at it')
    .option('-n, --name <text>', 'title of the document over all servers')
    .option('-d, --description <text>', 'its description')
    .option('-v, --version <text>', 'its version')
    .option('-t, --ssl-certfile <file>', 'certificate to serve HTTPS with')
    .option('-K, --ssl-keyfile <file>', 'its private key')
    .option('--root-path <path>', 'what a proxy in front strips')
    .option('--path-prefix <path>', 'prefix of the routes')
    .option(
      '-H, --header <header>',
      '"Name: value" or a JSON object, for a server given as a URL; repeat for more',
      collect,
    )
    .option('--hot-reload', 'accepted: the file is followed anyway')
    .option('--log-level <level>', 'DEBUG, INFO, WARNING, ERROR or CRITICAL')
    .option('--client-header-forwarding <json>', 'headers of callers that go on to the servers, as in the file')
    .option('--data-dir <dir>', 'where state is kept (HOLDFAST_DATA_DIR)')
    .option('--json', 'say that it is ready as JSON')
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
    });
}
