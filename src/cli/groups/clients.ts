// Commands about other programs: their servers into the gateway, the gateway into their files.
import type { Command } from 'commander';
import { collect, Exit, remote, sources } from '../command-line.ts';

export function clientCommands(program: Command): void {
  remote(program.command('import'))
    .description(
      'take over the servers of Claude Desktop, Claude Code, Cursor, VS Code, Windsurf, Codex, Gemini CLI, mcpo, MCPX, xiaozhi-client and mcphub',
    )
    .argument('[what...]', 'programs (claude-desktop, cursor …) or files; without any, all that is found')
    .option('--format <name>', 'read files as this format instead of looking at them')
    .option('--write <file>', 'make a new native file of one file and what was changed over it')
    .option(
      '--input <pair>',
      'ID=VALUE for an $' + '{input:ID} of VS Code; repeat for more (a password is better given as HOLDFAST_INPUT_ID)',
      collect,
    )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'say what would change, and change nothing')
    .action(async (wanted: string[], options) => {
      const { importConfigs } = await import('../commands/import.ts');
      throw new Exit(await importConfigs(wanted, options));
    });

  sources(program.command('export'))
    .description('print the configuration in the form of another program; what that has no place for is told')
    .argument(
      '<format>',
      'claude-desktop, claude-code, cursor, vscode, windsurf, codex, gemini, mcpo, mcpx, xiaozhi, mcphub …',
    )
    .option('--write <file>', 'into this new file, with its secrets')
    .action(async (format: string, options) => {
      const { exportTo } = await import('../commands/export.ts');
      throw new Exit(await exportTo(format, options));
    });

  remote(program.command('connect'))
    .description('write the gateway into the configuration of a client; a copy of its file is kept beside it')
    .argument('<client>', 'claude-desktop, claude-code, cursor, vscode, windsurf, codex or gemini')
    .option('--undo', 'take it back: the file as it was, or without our entry where others have changed it since')
    .option('--stdio', 'the client starts holdfast stdio, instead of an address')
    .option('--project', 'the file of the project in this folder, not the one of the user')
    .option('--file <file>', 'this file')
    .option('--name <name>', 'how the gateway is called there', 'holdfast')
    .option('--view <name>', 'what the client is shown')
    .option('--dry-run', 'say what would change, and change nothing')
    .action(async (client: string, options) => {
      const { connect } = await import('../commands/connect.ts');
      throw new Exit(await connect(client, options));
    });
}
