import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ends, FUZZ, runs } from '../../test/support/fuzz.ts';
import { Http1Error, ResponseReader } from './http1-reader.ts';

interface Read {
  status: number;
  type: string | undefined;
  body: string;
  idle: number | undefined;
}

/** What a reader makes of bytes that come in these pieces; a request is sent for each answer but for `asked`. */
function read(pieces: readonly (string | Buffer)[], { closed = false, longestHead = 1_000 } = {}): Read[] {
  const answers: Read[] = [];
  const last = (): Read => answers.at(-1) as Read;
  const reader = new ResponseReader(
    {
      head: (status, headers) =>
        void answers.push({ status, type: headers.get('content-type'), body: '', idle: undefined }),
      body: (bytes) => {
        last().body += bytes.toString('latin1');
      },
      end: (idle) => {
        last().idle = idle;
        if (idle > 0) reader.expect();
      },
    },
    longestHead,
  );
  reader.expect();
  for (const piece of pieces) reader.push(Buffer.from(piece as string, 'latin1'));
  if (closed) reader.close();
  return answers;
}

const one = (text: string, more?: Parameters<typeof read>[1]): Read | undefined => read([text], more)[0];
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: a/b\r\n';

describe('where an answer ends (RFC 9112, 6.3)', () => {
  it('by its length, by its last chunk, by the end of the connection, or with its head', () => {
    expect(one(`${OK}Content-Length: 3\r\n\r\nabc`)).toMatchObject({ type: 'a/b', body: 'abc', idle: Infinity });
    expect(one(`${OK}Transfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2 \r\nde\r\n0\r\nt: x\r\n\r\n`)).toMatchObject({
      body: 'abcde',
      idle: Infinity,
    });
    expect(one(`${OK}\r\nabc`)).toMatchObject({ body: 'abc', idle: undefined });
    expect(one(`${OK}\r\nabc`, { closed: true })).toMatchObject({ body: 'abc', idle: 0 });
    expect(one('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ status: 204, body: '', idle: 0 });
    expect(one('HTTP/1.1 304\r\ncontent-length: 9\r\n\r\n')).toMatchObject({ status: 304, idle: Infinity });
    expect(one(`${OK}content-length: 0\r\n\r\n`)).toMatchObject({ body: '', idle: Infinity });
  });

  it('is not where the connection is closed too early', () => {
    const reader = new ResponseReader({ head: () => {}, body: () => {}, end: () => {} }, 1_000);
    expect(reader.close()).toBe(false);
    reader.expect();
    expect(reader.close()).toBe(false);
    reader.push(Buffer.from(`${OK}content-length: 3\r\n\r\nab`));
    expect(reader.close()).toBe(false);
  });

  it('reads over interim answers', () => {
    const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}content-length: 1\r\n\r\na`;
    expect(read([text])).toEqual([{ status: 200, type: 'a/b', body: 'a', idle: Infinity }]);
  });

  it('what comes behind it is nobody’s: the connection is not used again', () => {
    expect(() => read([`${OK}content-length: 1\r\n\r\na${OK}content-length: 1\r\n\r\nb`])).toThrow(Http1Error);
    expect(() => read(['HTTP/1.1 204 x\r\ncontent-length: 0\r\n\r\n', 'x'])).toThrow(Http1Error);
  });
});

describe('how long the connection may be kept', () => {
  it.each([
    ['HTTP/1.1', '', Infinity],
    ['HTTP/1.1', 'connection: close\r\n', 0],
    ['HTTP/1.1', 'connection: Keep-Alive, Close\r\n', 0],
    ['HTTP/1.1', 'keep-alive: timeout=5, max=100\r\n', 5_000],
    ['HTTP/1.1', 'keep-alive: max=1; timeout=0\r\n', 0],
    ['HTTP/1.0', '', 0],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', Infinity],
  ])('%s %s: %s', (version, header, idle) => {
    expect(one(`${version} 200 OK\r\n${header}content-length: 0\r\n\r\n`)?.idle).toBe(idle);
  });
});

describe('what could be understood in two ways', () => {
  it.each([
    ['length and transfer coding', `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`],
    ['two lengths', `${OK}content-length: 1\r\ncontent-length: 1\r\n\r\n`],
    ['a length that is none', `${OK}content-length: +1\r\n\r\n`],
    ['another transfer coding', `${OK}transfer-encoding: gzip, chunked\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['bare line feeds', 'HTTP/1.1 200 OK\ncontent-length: 1\r\n\r\n'],
    ['a bare carriage return', `${OK}x: a\rb\r\n\r\n`],
    ['a folded header', `${OK}x: a\r\n b\r\n\r\n`],
    ['a space before the colon', `${OK}content-length : 1\r\n\r\n`],
    ['a header without a name', `${OK}: 1\r\n\r\n`],
    ['a NUL in a value', `${OK}x: \0\r\n\r\n`],
    ['another protocol', 'SSH-2.0-OpenSSH'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n'],
    ['the size of a chunk', `${OK}transfer-encoding: chunked\r\n\r\n0x1\r\n`],
    ['a size too large', `${OK}transfer-encoding: chunked\r\n\r\n1000000000000f\r\n`],
    ['a chunk longer than it says', `${OK}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ['a line that never ends', `${OK}transfer-encoding: chunked\r\n\r\n1;${'x'.repeat(5_000)}`],
    ['trailers without end', `${OK}transfer-encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(500)}`],
    ['a head without end', `${OK}${'a: b\r\n'.repeat(500)}`],
  ])('%s ends the connection', (_, text) => {
    expect(() => read([text])).toThrow(Http1Error);
    expect(() => read([...text])).toThrow(Http1Error);
  });
});

const header = fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^[ -~]{0,20}$/));
const answer = fc
  .record({
    status: fc.constantFrom(200, 202, 404, 500),
    headers: fc.array(header, { maxLength: 4 }),
    chunks: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 5 }),
    sized: fc.boolean(),
  })
  .map(({ status, headers, chunks, sized }) => {
    const parts = chunks.map((chunk) => Buffer.from(chunk).toString('latin1'));
    const body = parts.join('');
    const lines = headers.map(([name, value]) => `${name}:${value}\r\n`).join('');
    const text = sized
      ? `content-length: ${body.length}\r\n\r\n${body}`
      : `transfer-encoding: chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`;
    return { text: `HTTP/1.1 ${status} x\r\n${lines}${text}`, status, body };
  });

describe('any cut, any bytes (fuzz)', () => {
  it(
    'gives the same answers however they are cut',
    () => {
      fc.assert(
        fc.property(
          fc.array(answer, { minLength: 1, maxLength: 3 }),
          fc.infiniteStream(fc.nat(30)),
          ends((answers, sizes) => {
            // Each answer comes after its request, in pieces of its own.
            const pieces = answers.flatMap(({ text }) => {
              const cut: string[] = [];
              for (let at = 0; at < text.length; ) {
                const size = 1 + (sizes.next().value as number);
                cut.push(text.slice(at, at + size));
                at += size;
              }
              return cut;
            });
            expect(read(pieces)).toEqual(
              answers.map(({ status, body }) => ({ status, type: undefined, body, idle: Infinity })),
            );
          }),
        ),
        { numRuns: runs(1_000) },
      );
    },
    FUZZ,
  );

  it(
    'refuses what it cannot read, and nothing else happens',
    () => {
      const damaged = fc.tuple(answer, fc.nat(200), fc.string({ maxLength: 5 })).map(([{ text }, at, stray]) => {
        return text.slice(0, at % text.length) + stray + text.slice(at % text.length);
      });
      fc.assert(
        fc.property(
          fc.oneof(damaged, fc.string()),
          ends((text) => {
            try {
              read([text], { closed: true });
            } catch (error) {
              if (!(error instanceof Http1Error)) throw error;
            }
          }),
        ),
        { numRuns: runs(2_000) },
      );
    },
    FUZZ,
  );
});
