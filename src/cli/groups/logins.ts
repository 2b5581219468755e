// Commands that log in to upstreams and out again.
import type { Command } from 'commander';
import { Exit, remote } from '../command-line.ts';

export function loginCommands(program: Command): void {
  remote(program.command('login'))
    .description('log in to an upstream that is protected: prints the address and opens a browser')
    .argument('<upstream>', 'the upstream')
    .option('--no-browser', 'only print the address')
    .option('--force', 'also where the server keeps asking for scopes that it was asked for')
    .option('--from-mcpo [folder]', 'no browser: take over what mcpo kept of it (~/.mcpo/tokens)')
    .action(async (upstream: string, options) => {
      const { login } = await import('../commands/login.ts');
      throw new Exit(await login(upstream, options));
    });

  remote(program.command('logout'))
    .description('forget the login at an upstream, and revoke it where the server can')
    .argument('<upstream>', 'the upstream')
    .action(async (upstream: string, options) => {
      const { logout } = await import('../commands/login.ts');
      throw new Exit(await logout(upstream, { ...options, browser: false }));
    });
}
