// Names that every client accepts, unique, found again by table, and the same tomorrow.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exposedNames, fitted, type Nameable, ownName, ownNames, type PrefixMode, prefixOf } from './naming.ts';

const EXPOSED = /^[A-Za-z0-9_-]{1,64}$/;
const OWN = /^[A-Za-z0-9_./-]{1,128}$/;
const EVIL = [
  '',
  '../../etc/passwd',
  'a\r\nX-Evil: 1',
  'nul\0byte',
  'x'.repeat(300),
  '__proto__',
  'constructor',
  '<script>',
  '工具',
  '..',
  '.',
  'a b',
];
const name = fc.oneof(
  fc.constantFrom(...EVIL, 'read', 'read_file', 'a__b'),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.stringMatching(/^[a-c_.]{1,4}$/),
);
const item: fc.Arbitrary<Nameable> = fc.record({
  prefix: fc.constantFrom('a', 'a_', 'a__b', 'b', 'u_123456', 'x'.repeat(64)),
  name,
});
const mode = fc.constantFrom<PrefixMode>('always', 'collision', 'never');

describe('exposedNames (10.12, MP24, F-L3, F-L4)', () => {
  it('are legal and unique, whatever the servers call their tools', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 30 }), mode, (items, how) => {
        const names = exposedNames(items, how);
        expect(names).toHaveLength(items.length);
        expect(new Set(names).size).toBe(names.length);
        for (const one of names) expect(one).toMatch(EXPOSED);
      }),
      { numRuns: 3_000 },
    );
  });

  it('are the same every time, and do not change because a server is added behind (stable)', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), fc.array(item, { maxLength: 12 }), (before, added) => {
        const names = exposedNames(before, 'always');
        expect(exposedNames(before, 'always')).toEqual(names);
        expect(exposedNames([...before, ...added], 'always').slice(0, before.length)).toEqual(names);
      }),
      { numRuns: 1_000 },
    );
  });

  it('have the prefix always, on a collision, or never', () => {
    const items = [
      { prefix: 'fs', name: 'read' },
      { prefix: 'db', name: 'read' },
      { prefix: 'db', name: 'query' },
    ];
    expect(exposedNames(items, 'always')).toEqual(['fs__read', 'db__read', 'db__query']);
    expect(exposedNames(items, 'collision')).toEqual(['fs__read', 'db__read', 'query']);
    const [first, second, third] = exposedNames(items, 'never');
    expect([first, third]).toEqual(['read', 'query']);
    expect(second).toMatch(/^read_[0-9a-f]{6}$/);
  });

  it('tell three servers with one prefix and one tool apart: nothing is shadowed (F-L4)', () => {
    const names = exposedNames(
      Array.from({ length: 5 }, () => ({ prefix: 'a_b', name: 'same' })),
      'always',
    );
    expect(new Set(names).size).toBe(5);
    expect(names[0]).toBe('a_b__same');
  });

  it('are cut with 6 hex of the whole name, so that two long ones differ', () => {
    const long = 'tool_'.repeat(30);
    const [a, b] = exposedNames(
      [
        { prefix: 's', name: `${long}a` },
        { prefix: 's', name: `${long}b` },
      ],
      'always',
    );
    expect([a?.length, b?.length]).toEqual([64, 64]);
    expect(a).not.toBe(b);
    expect(a).toMatch(/_[0-9a-f]{6}$/);
  });
});

describe('prefixOf and fitted (10.12)', () => {
  it.each([
    ['files', undefined, 'files'],
    ['my server', undefined, 'my_server'],
    ['a.b', undefined, 'a_b'],
    ['文件', 'files', 'files'],
  ])('%s with alias %s is %s', (id, alias, wanted) => {
    expect(prefixOf(id, alias)).toBe(wanted);
  });

  it('makes u_ and 6 hex of an id without a letter, different for different ids', () => {
    expect(prefixOf('文件')).toMatch(/^u_[0-9a-f]{6}$/);
    expect(prefixOf('文件')).not.toBe(prefixOf('数据'));
  });

  it('always fits', () => {
    fc.assert(
      fc.property(name, (one) => {
        expect(fitted(one)).toMatch(EXPOSED);
        expect(prefixOf(one)).toMatch(EXPOSED);
      }),
    );
  });
});

describe('own names (10.12, F-L3)', () => {
  it('leaves legal names untouched and makes the evil ones harmless', () => {
    for (const fine of ['read_file', 'get.user', 'ns/tool', 'A-1', '__proto__', 'constructor'])
      expect(ownName(fine)).toBe(fine);
    for (const evil of [
      '',
      '../../etc/passwd',
      'a\r\nX: 1',
      'nul\0',
      'x'.repeat(300),
      '<script>',
      '工具',
      '..',
      'a/../b',
    ]) {
      expect(ownName(evil)).toMatch(/^[A-Za-z0-9_.-]{1,128}$/);
      expect(ownName(evil)).not.toContain('..');
    }
  });

  it('are legal and unique, or hidden', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 20 }), (names) => {
        const shown = ownNames(names).filter((one) => one !== undefined);
        expect(new Set(shown).size).toBe(shown.length);
        for (const one of shown) expect(one).toMatch(OWN);
        expect(ownNames(names)).toEqual(ownNames(names));
      }),
      { numRuns: 2_000 },
    );
  });
});
