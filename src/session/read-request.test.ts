// What a body says, for every body there can be; numbers go on as they were written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ, runs } from '../../test/support/fuzz.ts';
import { isObject } from '../core/json.ts';
import { type ClientSays, LOSSY_NUMBER, readBody } from './read-request.ts';

const single = (text: string, depth = 64): ClientSays => {
  const body = readBody(Buffer.from(text), depth);
  if (!('single' in body)) throw new Error('a batch');
  return body.single;
};
const call = (args: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${args}}}`;

describe('exact numbers (MP8)', () => {
  it.each(['12345678901234567890', '1.0', '1e5', '-0', '1E+2', '0.10', '12345678901234.1234', '0.0000001', '-1.50'])(
    '%s is kept as it was written',
    (number) => {
      for (const args of [`{"n":${number}}`, `{ "a":[1,${number}] }`, `{"a":\n ${number}\n}`]) {
        const says = single(call(args));
        expect(says.kind === 'request' && says.exactArguments).toBe(args.replace(/\n/g, ' '));
      }
    },
  );

  it.each(['0', '1', '-1', '1.5', '0.1', '123456789', '1234567.25', '""', 'true', '[1,2]', '{"a":null}'])(
    '%s needs no such care',
    (value) => {
      const says = single(call(`{"n":${value}}`));
      expect(says).toMatchObject({ kind: 'request' });
      expect(says).not.toHaveProperty('exactArguments');
    },
  );

  it('no number is missed that JSON.parse and JSON.stringify would change', () => {
    const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.oneof(
          fc.constant('0'),
          fc.tuple(fc.integer({ min: 1, max: 9 }), digits(0, 20)).map((parts) => parts.join('')),
        ),
        fc.oneof(
          fc.constant(''),
          digits(1, 20).map((part) => `.${part}`),
        ),
        fc.oneof(
          { weight: 4, arbitrary: fc.constant('') },
          { weight: 1, arbitrary: fc.constantFrom('e1', 'E-2', 'e+10') },
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(number, fc.constantFrom(':', '[', ',', ' '), (text, before) => {
        if (JSON.stringify(JSON.parse(text)) !== text) expect(LOSSY_NUMBER.test(`${before}${text}}`)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  it('takes the arguments that JSON.parse would take: the last of two', () => {
    const says = single('{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"n":1.0},"arguments":{"n":2.0}}}');
    expect(says).toMatchObject({ exactArguments: '{"n":2.0}', params: { arguments: { n: 2 } } });
    const other = single('{"jsonrpc":"2.0","id":1,"method":"m","params":{"other":1.0}}');
    expect(other).not.toHaveProperty('exactArguments');
    expect(single('{"jsonrpc":"2.0","id":1,"method":"m","x":1.0}')).toMatchObject({ kind: 'request' });
  });
});

describe('readBody (MP5, F-C1, F-C4, F-C16)', () => {
  const id = fc.oneof(fc.integer(), fc.string());
  const params = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });

  it('gives requests, notifications and answers as they are (MP6)', () => {
    fc.assert(
      fc.property(id, fc.string(), params, (given, method, value) => {
        const parsed = JSON.parse(JSON.stringify(value)) as object;
        expect(single(JSON.stringify({ jsonrpc: '2.0', id: given, method, params: value }))).toMatchObject({
          kind: 'request',
          id: given,
          method,
          params: parsed,
        });
        expect(single(JSON.stringify({ jsonrpc: '2.0', method, params: value }))).toEqual({
          kind: 'notification',
          method,
          params: parsed,
        });
        expect(single(JSON.stringify({ jsonrpc: '2.0', id: given, result: value }))).toEqual({
          kind: 'response',
          id: given,
          answer: { result: parsed },
        });
      }),
      { numRuns: 500 },
    );
    expect(single('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}')).toMatchObject({
      kind: 'response',
      id: 1,
    });
  });

  it.each([
    ['{"jsonrpc":"2.0","id":1}', -32600, 1],
    ['{"jsonrpc":"2.0","id":1,"result":[]}', -32600, 1],
    ['{"jsonrpc":"2.0","id":1,"error":{}}', -32600, 1],
    ['{"jsonrpc":"1.0","id":"a","method":"m"}', -32600, 'a'],
    ['{"jsonrpc":"2.0","id":1.5,"method":"m"}', -32600, null],
    ['{"jsonrpc":"2.0","id":null,"method":"m"}', -32600, null],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":[]}', -32602, 1],
    ['[', -32700, null],
    ['7', -32600, null],
  ])('%s is refused with %i', (text, code, wanted) => {
    expect(single(text)).toMatchObject({ kind: 'invalid', id: wanted, error: { code } });
  });

  it('takes a batch apart', () => {
    const body = readBody(Buffer.from('[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},5]'), 64);
    expect('batch' in body && body.batch.map(({ kind }) => kind)).toEqual(['request', 'notification', 'invalid']);
    expect(readBody(Buffer.from('[]'), 64)).toEqual({ batch: [] });
  });

  it('counts nesting before anything is parsed', () => {
    const nested = (levels: number) => call(`${'['.repeat(levels)}${']'.repeat(levels)}`);
    expect(single(nested(62)).kind).toBe('request');
    expect(single(nested(63))).toMatchObject({ kind: 'invalid', error: { code: -32600 } });
    expect(single(nested(200_000))).toMatchObject({ kind: 'invalid' });
  });

  it(
    'never throws, whatever the bytes, and pollutes nothing',
    () => {
      const message = call('{"__proto__":{"polluted":1},"n":1.0}');
      const mutated = fc
        .tuple(fc.nat(message.length), fc.uint8Array({ maxLength: 5 }), fc.nat(6))
        .map(([at, bytes, cut]) =>
          Buffer.concat([Buffer.from(message.slice(0, at)), Buffer.from(bytes), Buffer.from(message.slice(at + cut))]),
        );
      fc.assert(
        fc.property(
          fc.oneof(
            mutated,
            fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          ),
          ends((bytes) => {
            const body = readBody(bytes, 64);
            if ('single' in body && body.single.kind === 'request') expect(isObject(body.single.params)).toBe(true);
          }),
        ),
        { numRuns: runs(20_000) },
      );
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
    FUZZ,
  );
});
