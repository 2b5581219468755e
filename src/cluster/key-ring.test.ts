// Keys of several gateways become one ring; they rotate, and neither an empty store nor an absent one loses any.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SharedStore } from '../core/shared.ts';
import { KeyRing } from './key-ring.ts';

const DAY = 24 * 3600_000;

/** One hash is all that the ring asks of a store. */
function storeOf(hash: Map<string, string>): SharedStore {
  return {
    fields: async () => new Map(hash),
    put: async (_: string, field: string, value: string) => Boolean(hash.set(field, value)),
    drop: async (_: string, field: string) => void hash.delete(field),
  } as unknown as SharedStore;
}

function ring(documents = new Map<string, unknown>()): KeyRing {
  const kept = {
    path: '',
    writable: true,
    read: <T>(name: string) => documents.get(name) as T | undefined,
    save: (name: string, read: () => unknown) => void documents.set(name, read()),
    failed: () => false,
    well: () => undefined,
  };
  return new KeyRing(randomBytes(32), kept);
}

describe('KeyRing (F-R1)', () => {
  it('signs with the key of the first gateway; every gateway verifies what any signed', async () => {
    const store = storeOf(new Map());
    const [first, second] = [ring(), ring()];
    const own = second.signing;
    await first.sync(store);
    await second.sync(store);
    await first.sync(store);
    expect(second.signing).toEqual(first.signing);
    for (const key of [own, first.signing]) {
      for (const one of [first, second]) expect(one.all.some((known) => known.equals(key))).toBe(true);
    }
  });

  it('a new key signs half a minute later; the old one goes on verifying', async () => {
    const store = storeOf(new Map());
    const now = Date.now();
    const [first, second] = [ring(), ring()];
    await first.sync(store, now - 31 * DAY);
    await second.sync(store, now - 31 * DAY);
    const old = first.signing;
    expect(first.due(now)).toBe(true);
    first.rotate(now);
    await first.sync(store, now);
    await second.sync(store, now);
    expect(second.signing).toEqual(old);
    expect(second.due(now)).toBe(false);
    first.rotate(now - 60_000);
    await first.sync(store, now);
    await second.sync(store, now);
    expect(second.signing).not.toEqual(old);
    expect(second.all.some((known) => known.equals(old))).toBe(true);
  });

  it('tells an emptied store what it knew, and starts with it where the store is away', async () => {
    const hash = new Map<string, string>();
    const documents = new Map<string, unknown>();
    const first = ring(documents);
    await first.sync(storeOf(hash));
    const signing = first.signing;
    hash.clear();
    await first.sync(storeOf(hash));
    const later = ring();
    await later.sync(storeOf(hash));
    expect(later.signing).toEqual(signing);
    const again = ring(documents);
    again.recall();
    expect(again.signing).toEqual(signing);
  });
});
