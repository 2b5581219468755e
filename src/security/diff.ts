// What is different between what was approved and what there is now, for whoever decides.
import { isObject, type JsonObject } from '../core/json.ts';
import type { ApprovalDifference } from '../core/ports.ts';
import type { Start } from './fingerprint.ts';
import { visible } from './visible.ts';

/** Places told at most, and characters of a text. */
const MOST = 100;
const LONGEST = 4000;
const DEEPEST = 40;

/** Of two tools, as `approvedParts` gives them; undefined for one that was never seen. */
export function toolDifferences(before: JsonObject | undefined, after: JsonObject): ApprovalDifference[] {
  const found: ApprovalDifference[] = [];
  compare(before, after, '', found, 0);
  return found;
}

function compare(before: unknown, after: unknown, path: string, found: ApprovalDifference[], depth: number): void {
  if (found.length >= MOST) return;
  if ((isObject(before) || before === undefined) && isObject(after) && depth < DEEPEST) {
    for (const key of new Set([...Object.keys(before ?? {}), ...Object.keys(after)]))
      compare(own(before, key), own(after, key), path === '' ? key : `${path}.${key}`, found, depth + 1);
    return;
  }
  const [from, to] = [textOf(before), textOf(after)];
  if (from !== to) found.push({ path: visible(path), from, to });
}

function own(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function textOf(value: unknown): string | null {
  if (value === undefined) return null;
  const text = visible(typeof value === 'string' ? value : JSON.stringify(value));
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
}

/** Of what is started or dialled. A value that may not be shown is told as changed, not as what it was. */
export function startDifferences(before: Start | undefined, after: Start): ApprovalDifference[] {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])];
  return keys.flatMap((path) => {
    const [from, to] = [before?.[path], after[path]];
    return from?.digest === to?.digest ? [] : [{ path, from: from?.shown ?? null, to: to?.shown ?? null }];
  });
}
