// Commands about what waits for approval.
import type { Command } from 'commander';
import { collect, Exit, remote } from '../command-line.ts';

export function approvalCommands(program: Command): void {
  remote(program.command('approvals'))
    .description('servers and tools of the running gateway that wait for approval (security.approval), and why')
    .argument('[upstream]', 'everything that differs there, and what was decided so far')
    .action(async (upstream: string | undefined, options) => {
      const { approvals } = await import('../commands/approvals.ts');
      throw new Exit(await approvals(upstream, options));
    });

  for (const verb of ['approve', 'reject'] as const) {
    remote(program.command(verb))
      .description(
        verb === 'approve'
          ? 'let a server start, or its tools be listed and called: all of it that waits, or only some tools'
          : 'hold a server or some of its tools back until they are approved, also what was approved before',
      )
      .argument('<upstream>', 'the upstream')
      .argument('[tool...]', 'only these tools, by the names the upstream gives them')
      .option('--fingerprint <sha256>', 'refuse where something else stands there by now; repeat for more', collect)
      .action(async (upstream: string, tools: string[], options) => {
        const { decide } = await import('../commands/approvals.ts');
        throw new Exit(await decide(verb, upstream, tools, options));
      });
  }
}
