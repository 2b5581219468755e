// What the definitions of commands share: options that several of them take, and how a command ends.
import type { Command } from 'commander';

/** Ends a command with an exit code; never an error. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Which configuration a command works with, and where its state lies. */
export function sources(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration: holdfast.json, or the file of Claude Desktop, Cursor, VS Code, mcpo …',
    )
    .option('--config-format <name>', 'read the file as this format instead of looking at it')
    .option('--data-dir <dir>', 'where state is kept (HOLDFAST_DATA_DIR)');
}

/** The running gateway a command asks. */
export function remote(command: Command): Command {
  return sources(command)
    .option('--url <url>', 'the running gateway; without it, the one on the same data directory')
    .option('-k, --api-key <key>', 'key for it (HOLDFAST_API_KEY)')
    .option('--json', 'print JSON');
}

/** The running gateway, or the file where none runs, which a command changes. */
export function changing(command: Command): Command {
  return remote(command).option('--dry-run', 'say what would change, and change nothing');
}

/** For an option that is repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** The program and every command below it, in the order of the help. */
export function commandsUnder(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsUnder)];
}

/** The words that name a command, without those of the program: `config check`. */
export function wordsOf(command: Command): string {
  const above = command.parent;
  return above === null || above.parent === null ? command.name() : `${wordsOf(above)} ${command.name()}`;
}
