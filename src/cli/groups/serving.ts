// Commands that run the gateway: in the foreground, in the background, for one client.
import { type Command, Option } from 'commander';
import { collect, Exit, remote, sources } from '../command-line.ts';

export function servingCommands(program: Command): void {
  serveOptions(program.command('serve'))
    .description('start the gateway in the foreground (a command after -- is served alone, without a file)')
    .addOption(new Option('--log-to <file>', 'where stderr of a gateway in the background goes').hideHelp())
    .action(async (words: string[], options) => {
      const { serve } = await import('../commands/serve.ts');
      throw new Exit(await serve(words, { watch: true, ...named(options) }));
    });

  serveOptions(program.command('start'))
    .description('start the gateway in the background; takes what serve takes, and comes back when it listens')
    .action(async (words: string[], options, command: Command) => {
      const { start } = await import('../commands/start.ts');
      throw new Exit(await start({ argv: argvOf(command, words), words, options: named(options) }));
    });

  ending(sources(program.command('stop')))
    .description('stop the gateway: accepted calls are answered first')
    .option('--json', 'print JSON')
    .option('--force', 'end it when it takes longer')
    .action(async (options) => {
      const { stop } = await import('../commands/start.ts');
      throw new Exit(await stop(options));
    });

  ending(remote(program.command('restart')))
    .description('restart the gateway with the arguments it was started with; or one upstream of it')
    .argument('[upstream]', 'only this upstream; the others and the gateway go on')
    .option('--force', 'the gateway: end it when it takes longer; an upstream: also during its cool-down')
    .action(async (upstream: string | undefined, options) => {
      if (upstream !== undefined) {
        const { restartUpstream } = await import('../commands/upstreams.ts');
        throw new Exit(await restartUpstream(upstream, options));
      }
      const { restart } = await import('../commands/start.ts');
      throw new Exit(await restart(options));
    });

  remote(program.command('logs'))
    .description('print the log of the gateway in the background, or the last lines one upstream wrote to stderr')
    .argument('[upstream]', 'only what this upstream wrote')
    .option('-f, --follow', 'go on with what is added')
    .option('-n, --lines <count>', 'how many of the last lines', '200')
    .action(async (upstream: string | undefined, options) => {
      const { logs } = await import('../commands/logs.ts');
      throw new Exit(await logs(upstream, options));
    });

  sources(program.command('attach'))
    .description('follow the gateway in the background until it ends; Ctrl-C leaves it running')
    .option('-n, --lines <count>', 'how many of the last lines first', '20')
    .action(async (options) => {
      const { attach } = await import('../commands/logs.ts');
      throw new Exit(await attach(options));
    });

  program.command('mcpo').description('serve over OpenAPI with the options of mcpo (holdfast mcpo --help)');
  program
    .command('mcpx')
    .description('serve with the arguments of MCPX; also mcpx-sse and mcpx-toolkit (holdfast mcpx --help)');
  for (const name of ['mcpx-sse', 'mcpx-toolkit'])
    program.command(name, { hidden: true }).description('serve over HTTP with the arguments of MCPX');
  program.command('xiaozhi').description('the commands of xiaozhi-client (holdfast xiaozhi --help)');

  serving(program.command('stdio'))
    .description('serve one client over stdin and stdout, through the running gateway where there is one')
    .argument('[command...]', 'a single stdio server to serve')
    .option('--standalone', 'always start a gateway of its own')
    .option('-k, --api-key <key>', 'key for the running gateway (HOLDFAST_API_KEY)')
    .action(async (words: string[], options) => {
      const { stdio } = await import('../commands/stdio.ts');
      throw new Exit(await stdio(words, options));
    });
}

function serving(command: Command): Command {
  return sources(command)
    .option('--view <name>', 'what /mcp shows: passthrough, converged, an upstream or a view')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent');
}

function ending(command: Command): Command {
  return command.option('--timeout <seconds>', 'wait so long for its end', '30');
}

function serveOptions(command: Command): Command {
  return serving(command)
    .argument('[command...]', 'a single stdio server to serve')
    .option('--host <address>', 'address to listen on (127.0.0.1)')
    .option('-p, --port <number>', 'port to listen on; 0 takes any free one (8000)')
    .option('-k, --api-key <key>', 'demand this key (better: HOLDFAST_API_KEY or --api-key-file)')
    .option('--api-key-file <file>', 'demand the key in this file')
    .option('--admin-key <key>', 'a key that may also administrate')
    .option('--insecure', 'listen wider than loopback without a key')
    .option('--strict-auth', 'documents and pages of the OpenAPI face need a key too')
    .option('--legacy-resources', 'answer embedded resources with the fixed sentence of mcpo')
    .option('--type, --server-type <kind>', 'what stands behind -- is the URL of a server: sse or streamable-http')
    .option('-H, --header <header>', '"Name: value" or a JSON object for that URL; repeat for more', collect)
    .option('-e, --env <pair>', 'KEY=VALUE for every server; repeat for more', collect)
    .option('--env-path <file>', 'file of such pairs')
    .option('--cors-allow-origins <origin>', 'web origin that may call; repeat for more', collect)
    .option('--root-path <path>', 'what a proxy in front strips')
    .option('--path-prefix <path>', 'prefix of the OpenAPI routes')
    .option('-t, --ssl-certfile <file>', 'certificate to serve HTTPS with')
    .option('-K, --ssl-keyfile <file>', 'its private key')
    .option('-n, --name <text>', 'title of the OpenAPI document over all servers')
    .option('-d, --description <text>', 'its description')
    .option('--version <text>', 'its version')
    .option('--no-watch', 'do not follow changes of the configuration file')
    .addOption(new Option('--hot-reload', 'accepted for compatibility: the file is followed anyway').hideHelp())
    .option('--json', 'say that it is ready as JSON');
}

type Given = Record<string, unknown>;

/** Under the names that the rest of the program has for them. */
function named({ version, serverType, ...options }: Given): Given {
  return { ...options, type: serverType, apiVersion: version };
}

/** What was typed behind the command, in its long form and without `--json`, so that it can be typed again. */
function argvOf(command: Command, words: readonly string[]): string[] {
  const given = command.options.flatMap((option) => {
    const name = option.attributeName();
    if (name === 'json' || command.getOptionValueSource(name) !== 'cli') return [];
    const value: unknown = command.getOptionValue(name);
    const flag = option.long ?? option.flags;
    if (typeof value === 'boolean') return [flag];
    return [value].flat().flatMap((one) => [flag, String(one)]);
  });
  return words.length === 0 ? given : [...given, '--', ...words];
}
