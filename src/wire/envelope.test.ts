// Every message is understood as JSON.parse would understand it, whatever its size, order and spelling.
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ, runs } from '../../test/support/fuzz.ts';
import { ByteList } from '../core/byte-list.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import {
  type Incoming,
  readMessage,
  readPieces,
  writeError,
  writeNotification,
  writeRequest,
  writeResult,
} from './envelope.ts';

const LARGE = 64 * 1024;
const id = fc.oneof(fc.integer(), fc.string(), fc.constantFrom(0, '', '0', -1));
const params = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), {
  noNullPrototype: true,
}) as fc.Arbitrary<JsonObject>;
/** What makes a message take each way: as it is, not ASCII, large. */
const WAYS = { plain: undefined, 'not ASCII': '敏捷的 "fox" über\n'.repeat(40), large: 'x'.repeat(LARGE) };
const ways = Object.entries(WAYS);
const padded = (value: JsonObject, padding: string | undefined): JsonObject =>
  padding === undefined ? value : { ...value, padding };
/** Members in any order, so that the id may come last. */
const shuffled = (message: JsonObject) =>
  fc.shuffledSubarray(Object.entries(message), { minLength: Object.keys(message).length }).map((entries) => entries);
const written = (entries: [string, unknown][], indent: number): Buffer =>
  Buffer.from(JSON.stringify(Object.fromEntries(entries), null, indent));

describe('readMessage (MP6, MP8)', () => {
  it.each(ways)('reads answers, errors, requests and notifications: %s', (name, big) => {
    const message = fc.oneof(
      fc.record({ id, result: params }).map((one) => ({ jsonrpc: '2.0', id: one.id, result: padded(one.result, big) })),
      fc.record({ id, code: fc.integer(), message: fc.string(), data: fc.jsonValue() }).map((one) => ({
        jsonrpc: '2.0',
        id: one.id,
        error: padded({ code: one.code, message: one.message, data: one.data }, big),
      })),
      fc
        .record({ id, method: fc.string(), params })
        .map((one) => ({ jsonrpc: '2.0', ...one, params: padded(one.params, big) })),
      fc
        .record({ method: fc.string(), params })
        .map((one) => ({ jsonrpc: '2.0', ...one, params: padded(one.params, big) })),
    ) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(message.chain(shuffled), fc.nat(1), (entries, indent) => {
        const bytes = written(entries as [string, unknown][], indent);
        const expected = JSON.parse(bytes.toString()) as JsonObject;
        const read = readMessage(bytes);
        switch (read.kind) {
          case 'result':
            expect(read.id).toBe(expected.id);
            expect(read.result.value).toEqual(expected.result);
            expect(JSON.parse(read.result.bytes.toString())).toEqual(expected.result);
            break;
          case 'error': {
            const { code, message: text, data } = expected.error as JsonObject;
            expect(read).toEqual({ kind: 'error', id: expected.id, error: { code, message: text, data } });
            break;
          }
          case 'request':
            expect(read).toEqual({
              kind: 'request',
              id: expected.id,
              method: expected.method,
              params: expected.params,
            });
            break;
          case 'notification':
            expect('id' in expected).toBe(false);
            expect(read).toEqual({ kind: 'notification', method: expected.method, params: expected.params });
            break;
          default:
            expect.unreachable(`${JSON.stringify(read)} for ${bytes.toString().slice(0, 200)}`);
        }
      }),
      { numRuns: name === 'large' ? 300 : 2_000 },
    );
  });

  it('keeps the spelling of numbers in a result, small and large (MP8)', () => {
    for (const padding of ['', 'x'.repeat(LARGE)]) {
      const result = `{"a":12345678901234567890,"b":1.0,"c":1e5,"d":-0,"p":"${padding}"}`;
      const read = readMessage(Buffer.from(`{"result":${result},"jsonrpc":"2.0","id":7}`));
      expect(read.kind === 'result' && read.result.bytes.toString()).toBe(result);
      expect(read.kind === 'result' && writeResult(3, read.result).toString()).toBe(
        `{"jsonrpc":"2.0","id":3,"result":${result}}`,
      );
    }
  });

  it('takes the last of doubled members, as JSON.parse does', () => {
    const small = readMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"id":2,"result":{"a":1},"result":{"a":2}}'));
    expect(small).toMatchObject({ kind: 'result', id: 2 });
    expect(small.kind === 'result' && [small.result.value, small.result.bytes.toString()]).toEqual([
      { a: 2 },
      '{"a":2}',
    ]);
    const filler = `"p":"${'x'.repeat(LARGE)}"`;
    const large = readMessage(
      Buffer.from(`{"jsonrpc":"2.0","id":1,"id":2,"result":{"a":1},"result":{"a":2,${filler}}}`),
    );
    expect(large).toMatchObject({ kind: 'result', id: 2 });
    expect(large.kind === 'result' && large.result.get('a')).toBe(2);
  });

  const evil: [string, string, object][] = [
    ['jsonrpc 1.0', '{"jsonrpc":"1.0","id":1,"result":{}}', { id: 1 }],
    ['no jsonrpc', '{"id":1,"result":{}}', { id: 1 }],
    ['both result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', { id: 1 }],
    ['neither', '{"jsonrpc":"2.0","id":1}', { id: 1 }],
    ['a result that is no object', '{"jsonrpc":"2.0","id":1,"result":[]}', { id: 1 }],
    ['a result that is null', '{"jsonrpc":"2.0","id":1,"result":null}', { id: 1 }],
    ['an error that is no object', '{"jsonrpc":"2.0","id":1,"error":"no"}', { id: 1 }],
    ['an error without a code', '{"jsonrpc":"2.0","id":1,"error":{"message":"no"}}', { id: 1 }],
    ['an answer without an id', '{"jsonrpc":"2.0","result":{}}', { id: undefined }],
    ['an answer with id null (F-I13)', '{"jsonrpc":"2.0","id":null,"result":{}}', { id: undefined }],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"x"}', { id: undefined }],
    ['a method that is a number', '{"jsonrpc":"2.0","id":1,"method":1}', { id: 1 }],
    ['params that are an array', '{"jsonrpc":"2.0","id":1,"method":"x","params":[]}', { id: 1 }],
    ['an array', '[{"jsonrpc":"2.0","id":1,"result":{}}]', {}],
    ['a number', '1', {}],
    ['nothing', '', {}],
    ['a cut message', '{"jsonrpc":"2.0","id":1,"result":{"a"', {}],
    ['something behind it', '{"jsonrpc":"2.0","id":1,"result":{}} {}', {}],
  ];
  it.each(evil)('refuses %s, small and large, in the same words (F-I18)', (_name, text, more) => {
    expect(readMessage(Buffer.from(text))).toMatchObject({ kind: 'invalid', ...more });
    // White space is legal everywhere and makes it large.
    expect(readMessage(Buffer.from(' '.repeat(LARGE) + text))).toMatchObject({ kind: 'invalid', ...more });
    for (const padding of ['x'.repeat(LARGE), 'ü'.repeat(600)]) {
      const inside = text.replace(/^\{/, `{"p":"${padding}",`);
      expect(readMessage(Buffer.from(inside)).kind).toBe('invalid');
    }
  });

  it("says whose answer an error with id null was: nobody's", () => {
    expect(
      readMessage(Buffer.from('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}')),
    ).toEqual({
      kind: 'error',
      id: undefined,
      error: { code: -32700, message: 'Parse error' },
    });
  });

  it('lets no invalid UTF-8 through to a client (F-I4)', () => {
    const bad = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"t":"a'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('b"}}'),
    ]);
    const small = readMessage(bad);
    expect(small.kind === 'result' && isUtf8(small.result.bytes)).toBe(true);
    expect(small.kind === 'result' && small.result.value.t).toMatch(/^a\ufffd+b$/);
    const large = readMessage(Buffer.concat([bad.subarray(0, -2), Buffer.from(`,"p":"${'x'.repeat(LARGE)}"}}`)]));
    expect(large.kind).toBe('invalid');
    const middle = readMessage(Buffer.concat([bad.subarray(0, -2), Buffer.from(`,"p":"${'ü'.repeat(600)}"}}`)]));
    expect(middle.kind === 'result' && isUtf8(middle.result.bytes)).toBe(true);
    expect(middle.kind === 'result' && middle.result.value).toMatchObject({ p: 'ü'.repeat(600) });
  });

  it('hands on the result and nothing behind it, whatever else the message says', () => {
    const own = JSON.stringify({ content: [] });
    const long = JSON.stringify({ text: '敏'.repeat(300) });
    for (const [value, head, tail] of [
      [own, '"jsonrpc":"2.0","id":99,', ',"id":1,"x":{}'],
      [own, '"jsonrpc":"2.0",', ',"id":{},"id":1'],
      [own, '"jsonrpc":"2.0","id":1,', ',"x":{"result":{}}'],
      [long, '"jsonrpc":"2.0","id":99,', ',"id":1,"x":{}'],
      [own, '"id":1,', ',"jsonrpc":"2.0"'],
    ] as const) {
      const read = readMessage(Buffer.from(`{${head}"result":${value}${tail}}`));
      expect([tail, read.kind, 'id' in read && read.id]).toEqual([tail, 'result', 1]);
      if (read.kind === 'result') expect(read.result.bytes.toString()).toBe(value);
    }
    // Of two results the last one counts, as for every reader of JSON.
    const two = readMessage(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"a":1},"result":${own}}`));
    expect(two.kind === 'result' && two.result.bytes.toString()).toBe(own);
  });

  it('checks an answer as strictly as JSON.parse does, without building it (performance row 8)', () => {
    const parse = (text: string): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        return undefined;
      }
    };
    const message = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: '敏捷的 "fox"\n'.repeat(40) }], isError: false, größe: { ü: [1.5] } },
    });
    const bytes = Buffer.from(message);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 2 }), fc.nat(3), (at, put, cut) => {
        const changed = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
        const read = readMessage(changed);
        const expected = parse(changed.toString());
        if (read.kind === 'result') {
          expect(read.result.value).toEqual((expected as JsonObject).result);
          expect(parse(read.result.bytes.toString())).toEqual((expected as JsonObject).result);
        } else if (expected === undefined) expect(read.kind).toBe('invalid');
      }),
      { numRuns: 3_000 },
    );
    const read = readMessage(bytes);
    expect(read.kind === 'result' && [read.result.parsed, read.result.get('isError'), read.result.parsed]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('survives 50,000 levels of nesting (F-I20)', () => {
    for (const depth of [600, 50_000]) {
      const nested = '['.repeat(depth) + ']'.repeat(depth);
      const read = readMessage(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"a":${nested}}}`));
      expect(['result', 'invalid']).toContain(read.kind);
      const large = readMessage(
        Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"p":"${'x'.repeat(LARGE)}","a":${nested}}}`),
      );
      expect(large.kind).toBe('invalid');
    }
  });

  it('says of an envelope that is nearly JSON that it is none, small and large (F-I1)', () => {
    for (const padding of ['', 'ü'.repeat(600), 'x'.repeat(LARGE)]) {
      for (const [head, tail] of [
        ['"id":007,', ''],
        ['"id":-,', ''],
        ['"id":"a\nb",', ''],
        ['\v"id":1,', ''],
        ['', ',"id":01'],
        ['', ',"id":1\f'],
      ]) {
        const text = `{"jsonrpc":"2.0",${head}"result":{"p":"${padding}"}${tail}}`;
        expect([head, tail, readMessage(Buffer.from(text)).kind]).toEqual([head, tail, 'invalid']);
      }
    }
  });

  it('pollutes no prototype (F-I21, F-C4)', () => {
    for (const padding of ['', 'x'.repeat(LARGE)]) {
      const text = `{"__proto__":{"polluted":1},"jsonrpc":"2.0","id":1,"result":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"p":"${padding}"}}`;
      const read = readMessage(Buffer.from(text));
      expect(read.kind === 'result' && Object.hasOwn(read.result.value, '__proto__')).toBe(true);
    }
    expect(({} as JsonObject).polluted).toBeUndefined();
  });

  it(
    'never throws, whatever the bytes',
    () => {
      const message = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hello \\u00e9"}]}}';
      const mutated = fc
        .tuple(
          fc.constant(message),
          fc.nat(message.length - 1),
          fc.uint8Array({ maxLength: 4 }),
          fc.nat(4),
          fc.boolean(),
        )
        .map(([text, at, bytes, cut, big]) =>
          Buffer.concat([
            Buffer.from(big ? ' '.repeat(LARGE) : ''),
            Buffer.from(text.slice(0, at)),
            Buffer.from(bytes),
            Buffer.from(text.slice(at + cut)),
          ]),
        );
      const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
      fc.assert(
        fc.property(
          fc.oneof(mutated, random),
          ends((bytes) => {
            const read: Incoming = readMessage(bytes);
            if (read.kind === 'result' && bytes.length <= LARGE) expect(isObject(read.result.value)).toBe(true);
          }),
        ),
        { numRuns: runs(10_000) },
      );
    },
    FUZZ,
  );
});

describe('writing', () => {
  it('puts arguments into a request letter by letter', () => {
    const exact = '{"n":12345678901234567890,"f":1.0}';
    expect(writeRequest(5, 'tools/call', { name: 't', arguments: { n: 1 }, _meta: { a: 1 } }, exact)).toBe(
      `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"t","_meta":{"a":1},"arguments":${exact}}}`,
    );
    expect(writeRequest('x', 'm', { arguments: {} }, exact)).toBe(
      `{"jsonrpc":"2.0","id":"x","method":"m","params":{"arguments":${exact}}}`,
    );
    expect(JSON.parse(writeRequest(1, 'm', { a: 'ä' }))).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'm',
      params: { a: 'ä' },
    });
  });

  it('is read back as what was written', () => {
    fc.assert(
      fc.property(id, fc.string(), params, (given, method, value) => {
        expect(readMessage(Buffer.from(writeRequest(given, method, value)))).toEqual(
          readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: given, method, params: value }))),
        );
        expect(readMessage(writeResult(given, Payload.of(value)))).toMatchObject({ kind: 'result', id: given });
        expect(readMessage(Buffer.from(writeNotification(method, value)))).toMatchObject({
          kind: 'notification',
          method,
        });
      }),
    );
    expect(writeError(null, { code: -32700, message: 'p' }).toString()).toBe(
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"p"}}',
    );
    expect(JSON.parse(writeError(undefined, { code: 1, message: 'p' }).toString())).not.toHaveProperty('id');
    expect(writeNotification('n')).toBe('{"jsonrpc":"2.0","method":"n"}');
  });
});

describe('readPieces (MP6, MP8; performance rows 9, 10)', () => {
  /** What a message says, however it is kept. */
  const said = (read: Incoming): unknown =>
    read.kind === 'result' ? { ...read, result: Buffer.concat([...read.result.parts]).toString('latin1') } : read;
  const cut = (bytes: Buffer, size: number): ByteList => {
    const parts: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += size) parts.push(bytes.subarray(from, from + size));
    return ByteList.of(parts);
  };

  it('says of a message in pieces what readMessage says of the whole, wherever it is cut', () => {
    const envelope = fc.constantFrom(
      (result: string) => `{"jsonrpc":"2.0","id":7,"result":${result}}`,
      (result: string) => `{"result":${result},"jsonrpc":"2.0","id":7}`,
      (result: string) => ` { "id" : "a" , "result" : ${result} , "jsonrpc" : "2.0" } `,
      (result: string) => `{"jsonrpc":"2.0","id":1,"id":2,"result":{},"result":${result}}`,
      (result: string) => `{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"no","data":${result}}}`,
      (result: string) => `{"jsonrpc":"2.0","method":"m","params":${result}}`,
      (result: string) => `{"jsonrpc":"2.0","id":7,"extra":1,"result":${result}}`,
      (result: string) => `{"jsonrpc":"2.0","id":7,"result":[${result}]}`,
      (result: string) => `{"jsonrpc":"2.0","id":7,"result":${result}`,
      (result: string) => `{"jsonrpc":"2.0","id":7,"result":${result}}x`,
    );
    const filler = fc.constantFrom('x', 'ü€😀', '\\', '"', '\n', '{[').map((one) => one.repeat(30_000));
    fc.assert(
      fc.property(envelope, params, filler, fc.integer({ min: 4_096, max: 70_000 }), (write, given, padding, size) => {
        const bytes = Buffer.from(write(JSON.stringify({ ...given, padding, content: [] })));
        expect(said(readPieces(cut(bytes, size)))).toEqual(said(readMessage(bytes)));
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the pieces of a large answer and refuses what is not UTF-8', () => {
    const bytes = Buffer.from(`{"jsonrpc":"2.0","id":7,"result":{"text":"${'€'.repeat(60_000)}"}}`);
    const read = readPieces(cut(bytes, 16_384));
    expect(read.kind === 'result' && read.result.parts.length).toBe(11);
    bytes[100_000] = 0xff;
    expect(readPieces(cut(bytes, 16_384))).toMatchObject({ kind: 'invalid', id: 7, reason: 'not UTF-8' });
  });
});
