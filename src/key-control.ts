// Makes, rotates and revokes keys: each is a change of the configuration like any other, with its version and its author.
import { randomBytes } from 'node:crypto';
import { parseDuration } from './config/units.ts';
import { isObject, type JsonObject } from './core/json.ts';
import type { ConfigControl, ConfigEdits, KeyControl, KeyOutcome } from './core/ports.ts';
import { hashOfKey, type Keys } from './keys.ts';

const DAY = 24 * 3600_000;

/** A key nobody can guess; its beginning tells it from other secrets, so that it is redacted wherever it stands. */
function newSecret(): string {
  return `hfk_${randomBytes(32).toString('base64url')}`;
}

class Refused extends Error {
  readonly reason: 'unknown' | 'taken' | 'refused';
  constructor(reason: Refused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What is done to the list of keys: a new entry at its end, new values in one, or (null) one less. */
interface ListEdit {
  index: number;
  change: JsonObject | null;
}

export function keyControl(
  keys: Pick<Keys, 'list' | 'revoke' | 'hashesOf'>,
  config: Pick<ConfigControl, 'apply'>,
): KeyControl {
  async function apply(
    edit: (list: readonly unknown[]) => ListEdit,
    note: { by: string; reason: string },
  ): Promise<void> {
    const done = await config.apply({ make: (document, written) => editsOf(document, written, edit) }, note);
    if (!done.ok)
      throw new Refused('refused', done.problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
  }

  const placeOf = (name: string, list: readonly unknown[]): number => {
    const index = list.findIndex((entry) => isObject(entry) && entry.name === name);
    if (index === -1) throw absent(name);
    return index;
  };
  const absent = (name: string): Refused => {
    const known = keys.list();
    const given = known.find((key) => key.name === name);
    if (given?.source === 'command line')
      return new Refused(
        'refused',
        `the key ${JSON.stringify(name)} was given when the gateway was started; change it there`,
      );
    const names = known.map((key) => key.name).join(', ') || 'none';
    return new Refused('unknown', `there is no key called ${JSON.stringify(name)}; there are: ${names}`);
  };

  return {
    list: () => keys.list(),

    add: (wanted, by) =>
      told(async () => {
        const { name, expires, ...rest } = wanted;
        if (keys.list().some((key) => key.name === name))
          throw new Refused('taken', `there is a key called ${JSON.stringify(name)}; rotate it, or take another name`);
        const key = newSecret();
        const entry = {
          name,
          hash: hashOfKey(key),
          ...given(rest),
          ...(expires !== undefined && { expires: moment(expires) }),
        };
        await apply((list) => ({ index: list.length, change: entry }), { by, reason: `added the key ${name}` });
        return { name, key };
      }),

    rotate: (name, { overlap = DAY / 1000 }, by) =>
      told(async () => {
        const wait = parseDuration(overlap);
        if (wait === undefined)
          throw new Refused('refused', `${JSON.stringify(overlap)} is no duration; write "0s", "1h" or "7d", say`);
        const [before] = keys.hashesOf(name);
        if (before === undefined) throw absent(name);
        const key = newSecret();
        const until = new Date(Date.now() + wait).toISOString();
        const previous = wait === 0 ? null : { hash: before, until };
        const change = { key: null, hash: hashOfKey(key), previous };
        await apply((list) => ({ index: placeOf(name, list), change }), { by, reason: `rotated the key ${name}` });
        return { name, key, previousUntil: until };
      }),

    revoke: (name, by) =>
      told(async () => {
        const hashes = keys.hashesOf(name);
        if (hashes.length === 0) throw absent(name);
        // First what ends it, then what tidies up.
        keys.revoke(name, hashes, by);
        await apply((list) => ({ index: placeOf(name, list), change: null }), {
          by,
          reason: `revoked the key ${name}`,
        });
        return { name };
      }),
  };
}

async function told<T>(run: () => Promise<T>): Promise<KeyOutcome<T>> {
  try {
    return { ok: true, ...(await run()) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.reason, message: error.message };
    throw error;
  }
}

function given(values: object): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A moment as the configuration holds it: a date as it is, `90d` from now. */
function moment(text: string): string {
  const wait = parseDuration(text);
  return wait === undefined ? text : new Date(Date.now() + wait).toISOString();
}

/** Single edits where the document holds the list itself; else the whole list, laid over the one below. */
function editsOf(
  document: JsonObject,
  written: JsonObject,
  edit: (list: readonly unknown[]) => ListEdit,
): readonly ConfigEdits[] {
  const own = Array.isArray(document.keys);
  const list: unknown[] = own ? (document.keys as unknown[]) : Array.isArray(written.keys) ? [...written.keys] : [];
  const { index, change } = edit(list);
  if (!own) {
    const old = isObject(list[index]) ? list[index] : {};
    const kept = Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value !== null));
    list.splice(index, 1, ...(change === null ? [] : [kept]));
    return [{ path: ['keys'], value: list }];
  }
  if (change === null || index === list.length) return [{ path: ['keys', index], value: change }];
  return Object.entries(change).map(([key, value]) => ({ path: ['keys', index, key], value }));
}
