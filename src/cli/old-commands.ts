// What the command lines of other programs have in common here: they keep their meaning, but nothing is opened to others
// without a key (requirements 10.24).
import { existsSync, readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { t } from './words.ts';

export interface Listening {
  host: string;
  corsAllowOrigins: string[] | undefined;
}

export interface ListeningGiven {
  host?: string | undefined;
  apiKey?: string | undefined;
  apiKeyFile?: string | undefined;
  insecure?: boolean | undefined;
  corsAllowOrigins?: string[] | undefined;
}

/** Every address and any origin, as there, where a key protects the servers; else this machine, and a note about it. */
export function listening(given: ListeningGiven, program: string, notes: string[]): Listening {
  const { HOST: fromEnvironment, HOLDFAST_API_KEY: key } = process.env;
  const hasKey = given.apiKey !== undefined || given.apiKeyFile !== undefined || key !== undefined;
  const host = given.host ?? (fromEnvironment || undefined);
  const open = hasKey || given.insecure === true;
  if (!open && host === undefined)
    notes.push(
      t`without a key only this machine is served (127.0.0.1); give --api-key to serve others as ${program} does`,
    );
  return {
    host: host ?? (open ? '0.0.0.0' : '127.0.0.1'),
    // Any web page may call only where a key protects the servers.
    corsAllowOrigins: given.corsAllowOrigins ?? (hasKey ? ['*'] : undefined),
  };
}

/** Runs what a command line means; its notes are told first. */
export async function runOld<T extends { notes: readonly string[] }>(
  parse: () => T,
  carryOut: (command: T) => Promise<number>,
): Promise<number> {
  let command: T;
  try {
    command = parse();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
  for (const note of command.notes) process.stderr.write(`holdfast: ${note}\n`);
  return await carryOut(command);
}

/** Where a file exists whose text matches, the format it is read as; undefined leaves it to the reader. */
export function formatWhere(file: string | undefined, matches: RegExp, format: string): string | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  try {
    return matches.test(readFileSync(file, 'utf8')) ? format : undefined;
  } catch {
    return undefined; // reading it will say what is wrong
  }
}
