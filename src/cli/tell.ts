import type { JsonObject } from '../core/json.ts';
import { EXIT } from './exit.ts';

/** Ends a command that is done: facts for programs with `--json`, else a text for people. */
export function tell({ json }: { json?: boolean | undefined }, facts: JsonObject, text: string): number {
  process.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${text}\n`);
  return EXIT.ok;
}
