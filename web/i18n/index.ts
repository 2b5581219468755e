// Words in the reader's language. Every text of the dashboard stands in one table per language; what the gateway says is
// looked up by `said`, what an upstream says is shown as it came.
import { language } from '../state/preferences.ts';
import { en, type Key, type Words } from './en.ts';
import { zh } from './zh.ts';

export type { Key };

const TABLES: Readonly<Record<typeof language.value, Words>> = { en, zh };

/** The text of a key; `{name}` in it is replaced. */
export function t(key: Key, values?: Readonly<Record<string, string | number>>): string {
  const text = TABLES[language.value][key];
  return values === undefined
    ? text
    : text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of a key that is put together at run time; the given text where there is none. */
export function tOr(key: string, otherwise: string): string {
  return Object.hasOwn(en, key) ? t(key as Key) : otherwise;
}
