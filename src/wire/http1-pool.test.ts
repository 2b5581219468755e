import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createDial } from './http-dial.ts';
import { Http1Pool, type Http1PoolOptions, type Http1Request, RequestError } from './http1-pool.ts';
import { Http1Error } from './http1-reader.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

interface Far {
  pool: Http1Pool;
  /** Connections, in the order in which they were opened. */
  sockets: Socket[];
  /** What came on each. */
  requests: string[][];
}

/** A server that answers each request with what `answer` gives: its bytes, in pieces. */
async function far(
  answer: (request: string, nth: number, socket: Socket) => string | Buffer | undefined,
  more: Partial<Http1PoolOptions> = {},
): Promise<Far> {
  const sockets: Socket[] = [];
  const requests: string[][] = [];
  let count = 0;
  const server = createServer((socket) => {
    const own: string[] = [];
    sockets.push(socket);
    requests.push(own);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0);
        if (end === -1 || text.length < end + 4 + length) return;
        own.push(text.slice(0, end + 4 + length));
        text = text.slice(end + 4 + length);
        const says = answer(own.at(-1) as string, count++, socket);
        if (says !== undefined) socket.write(says, 'latin1' as never);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const dial = createDial({ url, tls: { rejectUnauthorized: true }, timeout: 2_000 });
  const pool = new Http1Pool({
    origin: url,
    dial,
    keepAlive: 4_000,
    keepAliveMax: 60_000,
    maxHeaderSize: 64 * 1024,
    ...more,
  });
  cleanup.push(
    () => server.close(),
    () => sockets.forEach((socket) => void socket.destroy()),
    () => pool.destroy(),
  );
  return { pool, sockets, requests };
}

const GET: Http1Request = { method: 'GET', path: '/', headers: [] };
const sized = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

interface Asked {
  whole: Promise<{ status: number; chunks: Buffer[]; body: Buffer }>;
  abort(): void;
}

function ask(pool: Http1Pool, request: Http1Request = GET, onData?: (chunk: Buffer) => boolean): Asked {
  let stop = (): void => {};
  const whole = new Promise<{ status: number; chunks: Buffer[]; body: Buffer }>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    pool.dispatch(request, {
      onConnect: (abort) => {
        stop = abort;
      },
      onHeaders: (code) => {
        status = code;
      },
      onData: (chunk) => {
        chunks.push(chunk);
        return onData?.(chunk) ?? true;
      },
      onComplete: () => resolve({ status, chunks, body: Buffer.concat(chunks) }),
      onError: reject,
    });
  });
  return { whole, abort: () => stop() };
}

const bodyOf = async (pool: Http1Pool, request?: Http1Request): Promise<string> =>
  (await ask(pool, request).whole).body.toString('latin1');

describe('connections', () => {
  it('are used again, one request at a time on each', async () => {
    const { pool, requests } = await far((_request, nth) => sized(String(nth)));
    expect(await bodyOf(pool)).toBe('0');
    expect(await bodyOf(pool)).toBe('1');
    const both = await Promise.all([bodyOf(pool), bodyOf(pool)]);
    expect(both.sort()).toEqual(['2', '3']);
    expect(requests.map(({ length }) => length)).toEqual([3, 1]);
  });

  it('are not used again where the server closes them, or as soon as it may', async () => {
    const { pool, sockets } = await far((_request, nth) => {
      const header = ['connection: close', 'keep-alive: timeout=1'][nth] ?? 'x: y';
      return `HTTP/1.1 200 OK\r\n${header}\r\ncontent-length: 0\r\n\r\n`;
    });
    for (const opened of [1, 2, 3, 3]) {
      await bodyOf(pool);
      expect(sockets).toHaveLength(opened);
    }
  });

  it('are closed when they have been idle for their time, used or not', async () => {
    const { pool, sockets } = await far(() => sized(''), { keepAlive: 50 });
    await bodyOf(pool);
    await once(sockets[0] as Socket, 'close');
    await bodyOf(pool);
    expect(sockets).toHaveLength(2);
  });

  it('one that the server closed while it was idle is not used', async () => {
    const { pool, sockets } = await far(() => sized('x'));
    await bodyOf(pool);
    (sockets[0] as Socket).end();
    await once(sockets[0] as Socket, 'close');
    expect(await bodyOf(pool)).toBe('x');
    expect(sockets).toHaveLength(2);
  });

  it('what comes behind an answer, with it or later, is nobody’s answer', async () => {
    const { pool, sockets } = await far((_request, nth) => sized(`good ${nth}`) + (nth === 0 ? sized('evil') : ''));
    expect(await bodyOf(pool)).toBe('good 0');
    expect(await bodyOf(pool)).toBe('good 1');
    (sockets[1] as Socket).write(sized('evil'));
    await once(sockets[1] as Socket, 'close');
    expect(await bodyOf(pool)).toBe('good 2');
    expect(sockets).toHaveLength(3);
  });

  it('an answer that came before the whole request was written is one, and its connection is given up', async () => {
    const body = 'x'.repeat(16 * 1024 * 1024);
    const { pool, sockets } = await far(() => sized('later'));
    const asked = ask(pool, { ...GET, method: 'POST', body });
    while (sockets.length === 0) await new Promise(setImmediate);
    (sockets[0] as Socket).pause();
    (sockets[0] as Socket).write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n');
    expect((await asked.whole).status).toBe(413);
    expect(await bodyOf(pool)).toBe('later');
    expect(sockets).toHaveLength(2);
  });
});

describe('what is sent', () => {
  it('the headers in their order, the length in bytes, letters beyond ASCII as they are', async () => {
    const { pool, requests } = await far(() => sized(''));
    const headers = ['x-a', 'é', 'x-b', 'c'];
    await bodyOf(pool, { method: 'POST', path: '/a?b=c', headers, body: '{"a":"漢"}' });
    await bodyOf(pool, { method: 'POST', path: '/', headers: [] });
    const [first, second] = requests[0] as string[];
    expect(first).toBe(
      `POST /a?b=c HTTP/1.1\r\nhost: ${pool.host}\r\nconnection: keep-alive\r\nx-a: é\r\nx-b: c\r\ncontent-length: 11\r\n\r\n${Buffer.from('{"a":"漢"}').toString('latin1')}`,
    );
    expect(second).toMatch(/content-length: 0\r\n\r\n$/);
  });

  it('a Host of one’s own in place of ours, and nothing that says where the request ends', async () => {
    const { pool, requests } = await far(() => sized(''));
    const smuggled = ['Content-Length', '100', 'transfer-encoding', 'chunked', 'Connection', 'close', 'expect', 'x'];
    await bodyOf(pool, { method: 'POST', path: '/', headers: ['Host', 'other', ...smuggled], body: '{}' });
    expect(requests[0]).toEqual([
      'POST / HTTP/1.1\r\nconnection: keep-alive\r\nHost: other\r\ncontent-length: 2\r\n\r\n{}',
    ]);
  });

  it.each([
    ['a line break in a value', { headers: ['x', 'a\r\nb: c'] }],
    ['a name that is none', { headers: ['x y', 'a'] }],
    ['a space in the path', { path: '/a b' }],
    ['a letter beyond ASCII in the path', { path: '/é' }],
  ])('%s is refused before anything is sent', async (_, more) => {
    const { pool, sockets } = await far(() => sized(''));
    await expect(ask(pool, { ...GET, ...more }).whole).rejects.toBeInstanceOf(RequestError);
    expect(sockets).toHaveLength(0);
  });
});

describe('what is read', () => {
  const large = Buffer.alloc(5_000_000, 'The quick brown fox. ').toString('latin1');

  it('a large answer is read to where it stays: pieces of 64 KB, none written over later (row 9)', async () => {
    const { pool } = await far((_request, nth) => sized(nth === 0 ? large : large.toUpperCase()));
    const first = await ask(pool).whole;
    const second = await ask(pool).whole;
    expect(first.body.equals(Buffer.from(large, 'latin1'))).toBe(true);
    expect(second.body.equals(Buffer.from(large.toUpperCase(), 'latin1'))).toBe(true);
    expect(new Set(first.chunks.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(80);
  });

  it('small answers and chunks are copies, so that the next read does not change them', async () => {
    const chunked = (text: string): string =>
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
    const { pool } = await far((_request, nth) => (nth % 2 === 0 ? sized : chunked)(String(nth).repeat(10_000)));
    const answers = [];
    for (let nth = 0; nth < 6; nth++) answers.push(await ask(pool).whole);
    answers.forEach(({ chunks }, nth) => {
      expect(Buffer.concat(chunks).toString()).toBe(String(nth).repeat(10_000));
    });
  });

  it('waits while its receiver takes no more (back-pressure)', async () => {
    const { pool, sockets } = await far((_request, _nth, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${64 * 1024 * 1024}\r\n\r\n`);
      socket.write(Buffer.alloc(64 * 1024 * 1024));
      return undefined;
    });
    let resume = (): void => {};
    let got = 0;
    let isOpen = false;
    const whole = new Promise<void>((resolve, reject) => {
      pool.dispatch(GET, {
        onConnect: () => {},
        onHeaders: (_status, _headers, again) => {
          resume = again;
        },
        onData: (chunk) => {
          got += chunk.length;
          return isOpen;
        },
        onComplete: resolve,
        onError: reject,
      });
    });
    while (got === 0) await new Promise(setImmediate);
    // What the system holds is full, and the server is not rid of the rest.
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    expect(got).toBeLessThan(1024 * 1024);
    expect((sockets[0] as Socket).writableLength).toBeGreaterThan(0);
    isOpen = true;
    resume();
    await whole;
    expect(got).toBe(64 * 1024 * 1024);
  });
});

describe('ends', () => {
  it('a connection that closes before the answer is whole is told as the end it is', async () => {
    const { pool } = await far((_request, nth, socket) => {
      socket.end(nth === 0 ? '' : nth === 1 ? 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc' : 'no HTTP');
      return undefined;
    });
    await expect(ask(pool).whole).rejects.toMatchObject({ code: 'EOF' });
    await expect(ask(pool).whole).rejects.toMatchObject({ code: 'EOF' });
    await expect(ask(pool).whole).rejects.toBeInstanceOf(Http1Error);
  });

  it('an abort closes the connection; one before anything was sent leaves it', async () => {
    const { pool, sockets, requests } = await far((_request, nth) => (nth === 0 ? sized('a') : undefined));
    await bodyOf(pool);
    pool.dispatch(GET, {
      onConnect: (abort) => abort(),
      onHeaders: () => {},
      onData: () => true,
      onComplete: () => {},
      onError: () => {},
    });
    const asked = ask(pool);
    while ((requests[0] as string[]).length < 2) await new Promise(setImmediate);
    asked.abort();
    await once(sockets[0] as Socket, 'close');
    expect(requests.map(({ length }) => length)).toEqual([2]);
  });

  it('closing the pool tells everybody who waits, also for a connection, and leaves none', async () => {
    const { pool, sockets } = await far(() => undefined);
    const waiting = ask(pool).whole;
    waiting.catch(() => {});
    while (sockets.length === 0) await new Promise(setImmediate);
    const dialling = ask(pool).whole;
    const [all] = await Promise.all([Promise.allSettled([waiting, dialling]), pool.destroy()]);
    expect(all).toMatchObject([{ reason: { code: 'ECANCELED' } }, { reason: { code: 'ECANCELED' } }]);
    await expect(ask(pool).whole).rejects.toMatchObject({ code: 'ECANCELED' });
  });
});
