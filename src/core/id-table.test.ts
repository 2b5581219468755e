import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdTable } from './id-table.ts';

describe('the table of calls under way (performance row 4)', () => {
  it('holds what a Map would hold, whatever comes and goes', () => {
    const step = fc.record({ id: fc.oneof(fc.nat(40), fc.nat(5_000), fc.constant(2 ** 40 + 3)), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const [table, map] = [new IdTable<string>(), new Map<number, string>()];
        for (const { id, add } of steps) {
          if (add) {
            table.set(id, `v${id}`);
            map.set(id, `v${id}`);
          } else expect(table.delete(id)).toBe(map.delete(id));
          expect([table.size, table.has(id), table.get(id)]).toEqual([map.size, map.has(id), map.get(id)]);
        }
        const sorted = [...map.entries()].sort(([one], [other]) => one - other);
        expect(table.ids()).toEqual(sorted.map(([id]) => id));
        expect(table.values()).toEqual(sorted.map(([, value]) => value));
        for (const [id, value] of map) expect(table.get(id)).toBe(value);
      }),
      { numRuns: 300 },
    );
  });

  it('knows nobody by a number that is no id, and forgets all at once', () => {
    const table = new IdTable<number>();
    for (let id = 1; id <= 1_000; id++) table.set(id, id);
    for (const odd of [-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(table.has(odd)).toBe(false);
    table.clear();
    expect([table.size, table.has(7), table.values()]).toEqual([0, false, []]);
  });
});
