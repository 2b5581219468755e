// Commands about the configuration itself, and about what is wrong here.
import { Argument, type Command } from 'commander';
import { Exit, remote, sources } from '../command-line.ts';
import { valueCommands, versionCommands } from './safekeeping.ts';

export function configurationCommands(program: Command): void {
  program
    .command('init')
    .description(
      'make a configuration: asks a few questions on a terminal, goes by its options elsewhere; writes over nothing',
    )
    .argument('[file]', 'where (~/.config/holdfast/holdfast.json)')
    .option('--import [program...]', 'take over the servers of these programs, or of all that are found')
    .option('--host <address>', 'address to listen on')
    .option('-p, --port <number>', 'port to listen on')
    .option('--view <name>', 'what /mcp shows: converged or passthrough')
    .option('-y, --yes', 'ask nothing')
    .option('--json', 'print JSON')
    .action(async (file: string | undefined, options) => {
      const { init } = await import('../commands/init.ts');
      throw new Exit(await init(file, options));
    });

  remote(program.command('doctor'))
    .description(
      'check configuration, variables, commands, names, certificates, handshakes, permissions, versions and port, with the step to take',
    )
    .option('--timeout <seconds>', 'wait so long for servers that are started for the check', '60')
    .option('--no-start', 'where no gateway runs: start no server')
    .action(async (options) => {
      const { doctor } = await import('../commands/doctor.ts');
      throw new Exit(await doctor(options));
    });

  const config = program
    .command('config')
    .description('which configuration counts, what is wrong with it, what it says');
  const part = (name: string) => sources(config.command(name)).option('--json', 'print JSON');
  part('path')
    .description('print which file counts')
    .action(async (options) => {
      const { path } = await import('../commands/config.ts');
      throw new Exit(await path(options));
    });
  part('check')
    .description('read a configuration and print every problem with its place; nothing is started')
    .argument('[file]', 'this file, not the one that counts')
    .action(async (file: string | undefined, options) => {
      const { check } = await import('../commands/config.ts');
      throw new Exit(await check(file, options));
    });
  part('show')
    .description('print it as native keys, with *** for every secret')
    .option('--effective', 'with every default')
    .action(async (options) => {
      const { show } = await import('../commands/config.ts');
      throw new Exit(await show(options));
    });
  config
    .command('schema')
    .description('print the JSON Schema of the file, for completion in editors')
    .action(async () => {
      const { schema } = await import('../commands/config.ts');
      throw new Exit(schema());
    });

  valueCommands(config);
  versionCommands(config);

  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: string) => {
      const { completion } = await import('../commands/complete.ts');
      throw new Exit(completion(shell));
    });

  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { complete } = await import('../commands/complete.ts');
      throw new Exit(await complete(program, words));
    });
}
