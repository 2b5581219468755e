// Commands about the configuration itself, and about what is wrong here.
import type { Command } from 'commander';
import { Exit, remote } from '../command-line.ts';

export function configurationCommands(program: Command): void {
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
}
