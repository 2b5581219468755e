// The command line: what commands there are and what they take. Each command's code is imported when it is run.
import { Argument, Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { commandsUnder, Exit, remote, wordsOf } from './command-line.ts';
import { EXIT } from './exit.ts';
import { approvalCommands } from './groups/approvals.ts';
import { clientCommands } from './groups/clients.ts';
import { configurationCommands } from './groups/configuration.ts';
import { loginCommands } from './groups/logins.ts';
import { safekeepingCommands } from './groups/safekeeping.ts';
import { servingCommands } from './groups/serving.ts';
import { upstreamCommands } from './groups/upstreams.ts';

export function createProgram(): Command {
  const program = new Command('holdfast')
    .description('One steadfast gateway in front of all your MCP servers.')
    .version(VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--locale <language>', 'language of what is printed: auto, en or zh (HOLDFAST_LOCALE)')
    .enablePositionalOptions()
    .showHelpAfterError('(see holdfast --help)')
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(text),
      writeErr: (text) => void process.stderr.write(text),
    });

  servingCommands(program);
  upstreamCommands(program);
  clientCommands(program);
  configurationCommands(program);

  remote(program.command('call'))
    .description('call one tool of the running gateway')
    .argument('<server>', 'the upstream')
    .argument('<tool>', "the tool, by the upstream's own name")
    .argument('[arguments]', 'arguments as a JSON object, as --args')
    .option('-a, --args <json>', 'arguments as a JSON object; - reads it from stdin (default: {})')
    .option('--timeout <seconds>', 'give up after this long', '120')
    .action(async (server: string, tool: string, args: string | undefined, options) => {
      const { call } = await import('./commands/call.ts');
      throw new Exit(await call(server, tool, args, options));
    });

  remote(program.command('tools'))
    .description('list the tools of the running gateway')
    .argument('[server]', 'only those of this upstream')
    .action(async (server: string | undefined, options) => {
      const { tools } = await import('./commands/tools.ts');
      throw new Exit(await tools(server, options));
    });

  remote(program.command('tokens'))
    .description('what each view costs a model, per server and per tool (estimates)')
    .option('--tools', 'also every tool')
    .action(async (options) => {
      const { tokens } = await import('./commands/tokens.ts');
      throw new Exit(await tokens(options));
    });

  remote(program.command('status'))
    .description('show the upstreams of the running gateway')
    .option('--cluster', 'the gateways that share a store with it instead')
    .action(async (options) => {
      const { clusterStatus, status } = await import('./commands/status.ts');
      throw new Exit(await (options.cluster ? clusterStatus(options) : status(options)));
    });

  remote(program.command('top'))
    .description('watch the running gateway in a terminal: upstreams, rates, alerts, calls that failed')
    .option('--once', 'print what there is now and end')
    .action(async (options) => {
      const { top } = await import('./commands/top.ts');
      throw new Exit(await top(options));
    });

  loginCommands(program);

  remote(program.command('support-bundle'))
    .description('put what a bug report needs into one archive, without secrets; also where no gateway runs')
    .option('-o, --output <file>', 'where to; - writes it to stdout (holdfast-support-<time>.tar.gz)')
    .action(async (options) => {
      const { supportBundle } = await import('./commands/support-bundle.ts');
      throw new Exit(await supportBundle(options));
    });

  remote(program.command('endpoint'))
    .description(
      'list, add, replace, remove, connect or disconnect endpoints of the running gateway; no token is printed',
    )
    .addArgument(
      new Argument('<action>', 'what to do (set is replace)').choices([
        'list',
        'add',
        'replace',
        'set',
        'remove',
        'connect',
        'disconnect',
      ]),
    )
    .argument('[endpoint]', 'add: its URL, or - to read it from stdin; the others: its name')
    .argument('[url]', 'replace: its new URL, or - to read it from stdin; what else was set stays')
    .option('--name <name>', 'how it shall be called')
    .option('--group <name>', 'endpoints of one group stand in for each other')
    .option('--standby', 'it serves only while another one of its group is lost')
    .option('--no-standby', 'replace: it serves always')
    .option('--view <name>', 'what it is shown')
    .action(async (action: string, subject: string | undefined, url: string | undefined, options) => {
      const { endpoint } = await import('./commands/endpoint.ts');
      throw new Exit(await endpoint(action === 'set' ? 'replace' : action, subject, url, options));
    });

  approvalCommands(program);

  safekeepingCommands(program);

  return program;
}

/** Commands whose options are their own: -h is the host of mcpo (requirements 10.24). */
const OLD: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = {
  mcpo: async (argv) => (await import('./commands/mcpo.ts')).mcpo(argv),
  mcpx: async (argv) => (await import('./commands/mcpx.ts')).mcpx('mcpx', argv),
  'mcpx-sse': async (argv) => (await import('./commands/mcpx.ts')).mcpx('mcpx-sse', argv),
  'mcpx-toolkit': async (argv) => (await import('./commands/mcpx.ts')).mcpx('mcpx-toolkit', argv),
  xiaozhi: async (argv) => (await import('./commands/xiaozhi.ts')).xiaozhi(argv),
};

/** Takes `--locale` out of a command line, wherever it stands before `--`; the old commands do not have it. */
function withoutLocale(argv: readonly string[]): { locale: string | undefined; words: string[] } {
  let locale: string | undefined;
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string;
    const next = argv[at + 1];
    const old = words.length === 0 && Object.hasOwn(OLD, word);
    if (word === '--' || old) return { locale, words: [...words, ...argv.slice(at)] };
    if (word.startsWith('--locale=')) locale = word.slice('--locale='.length);
    else if (word === '--locale' && next !== undefined) {
      locale = next;
      at++;
    } else words.push(word);
  }
  return { locale, words };
}

/** Whether what is printed may be a help text. */
function mayShowHelp(words: readonly string[]): boolean {
  return words.length === 0 || ['help', '-h', '--help', 'config'].some((word) => words.includes(word));
}

/** Runs one command line; gives its exit code (requirements 12.1). */
export async function run(argv: readonly string[]): Promise<number> {
  const { locale, words } = withoutLocale(argv);
  const [first, ...rest] = words;
  const program = createProgram().hook('preAction', async (_, action) => {
    const { settleLanguage } = await import('./words.ts');
    await settleLanguage(locale, action.opts());
  });
  for (const command of commandsUnder(program)) {
    command.exitOverride();
    if (command.parent !== null) command.showHelpAfterError(`(see holdfast ${wordsOf(command)} --help)`);
  }
  try {
    const old = first === undefined ? undefined : OLD[first];
    if (old !== undefined) {
      const { settleLanguage } = await import('./words.ts');
      await settleLanguage(locale, {});
      return await old(rest);
    }
    if (mayShowHelp(words)) {
      const { languageOf } = await import('./words.ts');
      if (languageOf(locale, {}) === 'zh') (await import('./help.ts')).inChinese(program);
    }
    await program.parseAsync(words, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { Refused } = await import('./refused.ts');
    if (error instanceof Refused) {
      process.stderr.write(`${error.message}\n`);
      return error.code;
    }
    process.stderr.write(`holdfast: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failure;
  }
}
