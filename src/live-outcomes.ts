// Why a change of the running configuration was not taken.
import type { Problem } from './config/problem.ts';
import type { ConfigProblem } from './core/ports.ts';

/** It is wrong in itself. */
export function refused(problems: readonly ConfigProblem[]) {
  return { ok: false as const, reason: 'invalid' as const, problems };
}

/** It was made from a configuration that is not in force any more. */
export function changedMeanwhile() {
  const problems = [
    { path: '', message: 'the configuration has changed since it was read; read it again and repeat the change' },
  ];
  return { ok: false as const, reason: 'changed-meanwhile' as const, problems };
}

/** A problem as the management API tells it. */
export function shown({ path, message, line, hint }: Problem) {
  return { path, message, ...(line !== undefined && { line }), ...(hint !== undefined && { hint }) };
}
