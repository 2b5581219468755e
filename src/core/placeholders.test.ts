import { describe, expect, it } from 'vitest';
import { fillText, lookUp, pathOf, placeholdersOf, solePlaceholder } from './placeholders.ts';

describe('placeholders in configured texts (D-40)', () => {
  it('reads both notations where braces mean nothing else', () => {
    expect(placeholdersOf('/a/{b}/{{ c.d }}?x={城市}&y={{list[0].id}}', 'both')).toEqual([
      ['b'],
      ['c', 'd'],
      ['城市'],
      ['list', '0', 'id'],
    ]);
    expect(placeholdersOf('{"a":{"b":"{{c}}"}, "d":{e}}', 'double')).toEqual([['c']]);
  });

  it('leaves what is none: references, empty braces, triple braces', () => {
    expect(fillText('$' + '{env:A} {} {{}} {a b} {', 'both', () => 'X')).toBe('$' + '{env:A} {} {{}} {a b} {');
  });

  it('never looks again at what was put in', () => {
    expect(fillText('{{a}}{{b}}', 'double', ([name]) => (name === 'a' ? '{{b}}$&$1' : 'B'))).toBe('{{b}}$&$1B');
  });

  it('tells where a placeholder begins, and whether it is the whole text', () => {
    const places: number[] = [];
    fillText('a{b}c{{d}}', 'both', (_, at) => String(places.push(at)));
    expect(places).toEqual([1, 5]);
    expect([solePlaceholder(' {{a.b}} '), solePlaceholder('x{{a}}')]).toEqual([['a', 'b'], undefined]);
  });

  it('looks up own members only', () => {
    const value = { a: [{ b: 1 }] };
    expect(lookUp(value, pathOf('$.a[0].b'))).toBe(1);
    expect([lookUp(value, ['constructor']), lookUp(value, ['a', 'length']), lookUp(value, ['__proto__', 'x'])]).toEqual(
      [undefined, undefined, undefined],
    );
  });
});
