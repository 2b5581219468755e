import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ, runs } from '../../test/support/fuzz.ts';
import type { ByteList } from '../core/byte-list.ts';
import { answerId, LineSplitter, type LongLine } from './stdio-lines.ts';

function collect(limit: number, endless?: number) {
  const lines: string[] = [];
  const long: LongLine[] = [];
  const ends: number[] = [];
  const splitter = new LineSplitter(
    limit,
    {
      line: (bytes) => lines.push(bytes.toString('utf8')),
      long: (line) => long.push(line),
      endless: (size) => ends.push(size),
    },
    endless,
  );
  return { splitter, lines, long, ends };
}

/** The bytes cut at the given places, each piece a buffer of its own. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => Buffer.from(bytes.subarray(at[index], end)));
}

describe('LineSplitter', () => {
  it(
    'gives the same lines however they were cut into chunks (fuzz, F-I5)',
    () => {
      const line = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replace(/[\r\n]/g, ''));
      fc.assert(
        fc.property(
          fc.array(line),
          fc.array(fc.nat(), { maxLength: 40 }),
          fc.boolean(),
          ends((texts, places, crlf) => {
            const bytes = Buffer.from(texts.map((text) => `${text}${crlf ? '\r\n' : '\n'}`).join(''));
            const { splitter, lines, long } = collect(1000);
            for (const chunk of cut(bytes, places)) {
              splitter.push(chunk);
              // Whoever reads uses the memory again.
              chunk.fill(0);
            }
            splitter.end();
            const expected = texts.map((text) => Buffer.from(text).toString('utf8')).filter((text) => text !== '');
            expect(lines).toEqual(expected);
            expect(long).toEqual([]);
          }),
        ),
        { numRuns: runs(1000) },
      );
    },
    FUZZ,
  );

  it('delivers exactly the lines within the limit, whatever stands between them (fuzz, F-I7)', () => {
    const sizes = fc.array(fc.oneof(fc.nat(40), fc.integer({ min: 1900, max: 9000 })), { maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(), { maxLength: 60 }), (lengths, places) => {
        const texts = lengths.map((length, at) => String(at % 10).repeat(length));
        const { splitter, lines, long } = collect(2000);
        for (const chunk of cut(Buffer.from(texts.map((text) => `${text}\n`).join('')), places)) {
          splitter.push(chunk);
          chunk.fill(0);
        }
        expect(lines).toEqual(texts.filter((text) => text.length > 0 && text.length <= 2000));
        const over = texts.filter((text) => text.length > 2000);
        const ended = long.filter((line) => line.ended);
        expect(ended.map((line) => line.size)).toEqual(over.map((text) => text.length));
        expect(ended.map((line) => line.head.toString())).toEqual(over.map((text) => text.slice(0, 1024)));
        expect(ended.map((line) => line.tail.toString())).toEqual(over.map((text) => text.slice(-1024)));
        expect(long.length).toBe(2 * over.length);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps a line of many megabytes in pieces, whatever the memory of the reads is used for next', () => {
    const given = Buffer.from(Array.from({ length: 6_000_000 }, (_, at) => 0x20 + (at % 89)));
    const large: ByteList[] = [];
    const none = (): void => undefined;
    const splitter = new LineSplitter(10_000_000, {
      line: none,
      pieces: (line) => large.push(line),
      long: none,
      endless: none,
    });
    const read = Buffer.alloc(65_536);
    for (let at = 0; at < given.length; ) {
      const length = given.copy(read, 0, at);
      splitter.push(read.subarray(0, length));
      at += length;
    }
    splitter.push(Buffer.from('\r\n'));
    expect(large.map((line) => line.whole().equals(given))).toEqual([true]);
    expect(large[0]?.parts.length).toBeLessThan(100);
  });

  it('takes a line of exactly the limit and refuses one byte more', () => {
    const { splitter, lines, long } = collect(10);
    splitter.push(Buffer.from(`${'a'.repeat(10)}\n${'b'.repeat(11)}\nc\n`));
    expect(lines).toEqual(['a'.repeat(10), 'c']);
    expect(long.filter((line) => line.ended).length).toBe(1);
  });

  it('takes what has no line end for a line when the stream is over', () => {
    const { splitter, lines } = collect(10);
    splitter.push(Buffer.from('a\nb'));
    splitter.end();
    expect(lines).toEqual(['a', 'b']);
  });

  it('F-I6 gives up on a line that never ends, and holds next to nothing of it', () => {
    const { splitter, lines, ends } = collect(1000, 100_000);
    for (let count = 0; count < 200; count++) splitter.push(Buffer.alloc(1000, 0x78));
    splitter.push(Buffer.from('\n{}\n'));
    splitter.end();
    expect(ends).toEqual([101_000]);
    expect(lines).toEqual([]);
  });

  it('does not cost many times its size when a line comes byte by byte', () => {
    const { splitter, lines } = collect(10_000_000);
    const before = process.memoryUsage();
    for (let count = 0; count < 300_000; count++) splitter.push(Buffer.from('x'));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(20e6);
    expect(heapUsed).toBeGreaterThan(0);
    splitter.push(Buffer.from('\n'));
    expect(lines[0]?.length).toBe(300_000);
  });
});

describe('answerId', () => {
  const of = (text: string): number | undefined => answerId(Buffer.from(text), Buffer.from(text));

  it('finds the id before the result', () => {
    expect(of('{"jsonrpc":"2.0","id":7,"result":{"a":"')).toBe(7);
    expect(of(' { "id" : 7 , "jsonrpc" : "2.0" , "error" : {')).toBe(7);
  });

  it('finds the id behind the result', () => {
    expect(of('{"result":{"a":[]},"jsonrpc":"2.0","id":8}')).toBe(8);
    expect(of('{"jsonrpc":"2.0","result":{"a":"}"},"id":8}')).toBe(8);
  });

  it("takes nothing for an answer that may be a server's request, or an id of its content", () => {
    expect(of('{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{')).toBeUndefined();
    expect(of('{"method":"sampling/createMessage","params":{},"jsonrpc":"2.0","id":7}')).toBeUndefined();
    expect(of('{"jsonrpc":"2.0","result":{"a":{},"id":8}}')).toBeUndefined();
    expect(of('{"result":{"text":"},\\"id\\":9}')).toBeUndefined();
    expect(of('{"jsonrpc":"2.0","id":"7","result":{')).toBeUndefined();
    expect(of('')).toBeUndefined();
    const cut = Buffer.from('{"result":{"items":[{"a":{},"id":5}');
    expect(answerId(cut)).toBeUndefined();
  });
});
