// One command of the real program, run to its end in a home of its own.

import { Program } from './program.ts';
import { waitFor } from './wait.ts';

export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;

export interface CommandResult {
  code: number | null;
  out: string;
  err: string;
}

export interface CommandOptions {
  /** HOME and working folder. */
  home: string;
  cwd?: string;
  env?: Record<string, string>;
  stdin?: string;
}

export async function holdfast(
  args: readonly string[],
  { home, cwd, env, stdin }: CommandOptions,
): Promise<CommandResult> {
  const program = new Program(process.execPath, {
    args: [MAIN, ...args],
    cwd: cwd ?? home,
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
  });
  program.child.stdin?.end(stdin);
  const { code } = await program.exited;
  await waitFor(() => program.child.stdout?.readableEnded ?? true);
  return { code, out: program.lines.join('\n'), err: program.stderr.trimEnd() };
}
