import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ, runs } from '../../test/support/fuzz.ts';
import { type SseEvent, SseReader, SseTooLarge, writeComment, writeEvent } from './sse.ts';

interface Read {
  events: { event: string | undefined; data: string }[];
  lastEventId: string;
  retry: number | undefined;
}

function read(chunks: readonly (string | Buffer)[], limit = 1_000_000): Read {
  const events: Read['events'] = [];
  const reader = new SseReader(limit, (event: SseEvent) => {
    events.push({ event: event.event, data: event.data.toString('utf8') });
  });
  for (const chunk of chunks) reader.push(Buffer.from(chunk as string));
  return { events, lastEventId: reader.lastEventId, retry: reader.retry };
}

const datas = (text: string) => read([text]).events.map((event) => event.data);

describe('reading events', () => {
  it('ends lines at LF, CR and CRLF alike', () => {
    expect(datas('data: a\n\ndata: b\r\rdata: c\r\n\r\ndata: d\r\n\n')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('does not take a CRLF cut in two for two line ends', () => {
    expect(read(['data: a\r', '\ndata: b\r', '\n\r', '\n']).events.map((e) => e.data)).toEqual(['a\nb']);
  });

  it('gives an event at once when the CR that ends it is the last byte of a chunk', () => {
    expect(read(['data: a\r\n\r']).events).toHaveLength(1);
  });

  it('joins data lines, takes one space away and keeps the rest', () => {
    expect(datas('data: one\ndata:two\ndata:  three\ndata\n\n')).toEqual(['one\ntwo\n three\n']);
  });

  it('skips comments, unknown fields and events without data, and ignores a byte order mark', () => {
    expect(read(['\ufeffdata: a\n: ping\nfoo: bar\n\nevent: x\n\n: only a comment\n\n']).events).toEqual([
      { event: undefined, data: 'a' },
    ]);
  });

  it('tells type, id and retry; an id with NUL and a retry that is no number do not count', () => {
    const { events, lastEventId, retry } = read([
      'event: endpoint\nid: 7\nretry: 1500\ndata: /x\n\nid: 8\0\nretry: 1s\ndata: y\n\n',
    ]);
    expect(events).toEqual([
      { event: 'endpoint', data: '/x' },
      { event: undefined, data: 'y' },
    ]);
    expect(lastEventId).toBe('7');
    expect(retry).toBe(1500);
  });

  it('takes an id only with the blank line that ends its event, data or not (SEP-1699 priming)', () => {
    expect(read(['id: 1\ndata: \n\nid: 2\ndata: cut']).lastEventId).toBe('1');
    expect(read(['id: 3\n\n']).lastEventId).toBe('3');
    expect(read(['id: 3\n\nid:\n\n']).lastEventId).toBe('');
  });

  it('discards an event whose end never came', () => {
    expect(datas('data: a\n\ndata: b\n')).toEqual(['a']);
  });

  it('refuses an event over the limit, in one line, in many and without any line end', () => {
    expect(() => read([`data: ${'x'.repeat(200)}\n\n`], 100)).toThrow(SseTooLarge);
    expect(() => read(['data: x\n'.repeat(80)], 100)).toThrow(SseTooLarge);
    expect(() => read(Array(30).fill('yyyyy'), 100)).toThrow(SseTooLarge);
    expect(read([`data: ${'x'.repeat(40)}\n\n`.repeat(50)], 100).events).toHaveLength(50);
    expect(read([': ping\n'.repeat(1000)], 100).events).toHaveLength(0);
  });

  it('skips an event over the limit where somebody is told, and reads on, however it is cut', () => {
    const stream = Buffer.from(
      `data: first\n\nid: 2\ndata: {"id":1,${'x'.repeat(500)}\ndata: ${'y'.repeat(500)},"id":2}\n\ndata: last\n\n`,
    );
    for (const size of [1, 7, 100, 5000]) {
      const seen: string[] = [];
      const reader = new SseReader(
        300,
        ({ data }) => seen.push(data.toString()),
        (head, tail) => seen.push(`skipped ${/"id":1/.test(head.toString())} … ${tail.subarray(-8)}`),
      );
      for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
      expect(seen).toEqual(['first', 'skipped true … ,"id":2}', 'last']);
      expect(reader.lastEventId).toBe('2');
    }
  });

  it('gives up an event that is skipped and never ends (F-I6)', () => {
    const reader = new SseReader(
      100,
      () => undefined,
      () => undefined,
      1_000,
    );
    reader.push(Buffer.from(`data: ${'x'.repeat(900)}`));
    expect(() => reader.push(Buffer.from('x'.repeat(200)))).toThrow(/beyond 1000 bytes; 100 are allowed/);
  });

  it('puts together very many short lines', () => {
    const text = Array.from({ length: 5000 }, (_, n) => `${n}`);
    expect(datas(`${text.map((line) => `data: ${line}\n`).join('')}\n`)).toEqual([text.join('\n')]);
  });

  it(
    'F-I5: gives the same events however the stream is cut (fuzz)',
    () => {
      const piece = fc.oneof(
        fc.constantFrom(
          '\n',
          '\r',
          '\r\n',
          '\n\n',
          ':',
          ' ',
          'data: ',
          'data:',
          'id: ',
          'event: x',
          'retry: 5',
          '\ufeff',
        ),
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.constantFrom('{"a":"ü漢字😀"}', 'data: {"jsonrpc":"2.0"}\n\n'),
      );
      fc.assert(
        fc.property(
          fc.array(piece, { maxLength: 40 }),
          fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
          ends((parts, cuts) => {
            const bytes = Buffer.from(parts.join(''));
            const chunks: Buffer[] = [];
            for (let at = 0; at < bytes.length; ) {
              const next = at + (cuts.next().value as number);
              chunks.push(bytes.subarray(at, next));
              at = next;
            }
            expect(read(chunks)).toEqual(read([bytes]));
          }),
        ),
        { numRuns: runs(2000) },
      );
    },
    FUZZ,
  );
});

describe('writing events', () => {
  it('writes fields in front of the data and ends with a blank line', () => {
    expect(writeEvent('{}', { id: 'a/1', event: 'message', retry: 250.4 }).toString()).toBe(
      'event: message\nid: a/1\nretry: 250\ndata: {}\n\n',
    );
    expect(writeEvent(Buffer.from('{}')).toString()).toBe('data: {}\n\n');
  });

  it('cannot be made to write a line of its own by line breaks in id or event', () => {
    expect(writeEvent('x', { id: '1\ndata: evil', event: 'a\r\nid: 9' }).toString()).toBe(
      'event: aid: 9\nid: 1data: evil\ndata: x\n\n',
    );
    expect(writeComment('a\n\ndata: evil').toString()).toBe(': adata: evil\n\n');
  });

  it('is read back as it was written, with line breaks of any kind as line feeds (fuzz)', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    const broken = fc.array(fc.oneof(text, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 8 });
    fc.assert(
      fc.property(broken, fc.boolean(), (parts, asBytes) => {
        const data = parts.join('');
        const written = writeEvent(asBytes ? Buffer.from(data) : data, { id: '5' });
        expect(read([written])).toEqual({
          events: [{ event: undefined, data: data.replace(/\r\n|\r/g, '\n') }],
          lastEventId: '5',
          retry: undefined,
        });
      }),
      { numRuns: 500 },
    );
  });
});
