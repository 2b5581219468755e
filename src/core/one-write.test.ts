import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { TurnWriter, writeAsOne } from './one-write.ts';

const open: { destroy?(): void; close?(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    one.destroy?.();
    one.close?.();
  }
});

/** A socket whose short messages are written as one, and what its other end has received. */
async function pair(
  prepare: (socket: Socket) => void = writeAsOne,
): Promise<{ socket: Socket; received: Promise<Buffer> }> {
  let take: (bytes: Buffer) => void = () => undefined;
  const received = new Promise<Buffer>((resolve) => {
    take = resolve;
  });
  const server = createServer((peer) => {
    const chunks: Buffer[] = [];
    peer.on('data', (chunk: Buffer) => chunks.push(chunk));
    peer.on('end', () => take(Buffer.concat(chunks)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  open.push(server, socket);
  prepare(socket);
  return { socket, received };
}

const piece = fc.oneof(
  fc.record({ chunk: fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes)) }),
  fc.record({ chunk: fc.string({ unit: 'binary', maxLength: 300 }), encoding: fc.constant('utf8' as const) }),
  fc.record({
    chunk: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    encoding: fc.constant('latin1' as const),
  }),
  fc.constant({ chunk: '', encoding: 'utf8' as const }),
);

describe('short messages are written as one (performance rows 2, 4, 6)', () => {
  it.each([
    ['at once', writeAsOne],
    ['at the end of the turn', (socket: Socket) => new TurnWriter().add(socket)],
  ])('what arrives is what was written %s, whatever the pieces are', async (_, prepare) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(piece, { maxLength: 5 }), { maxLength: 5 }), async (turns) => {
        const { socket, received } = await pair(prepare);
        const wanted: Buffer[] = [];
        for (const pieces of turns) {
          socket.cork();
          for (const { chunk, ...rest } of pieces) {
            const encoding = 'encoding' in rest ? rest.encoding : undefined;
            wanted.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
            socket.write(chunk as Buffer, encoding);
          }
          socket.uncork();
        }
        socket.end();
        expect((await received).equals(Buffer.concat(wanted))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('a head and a body leave in one plain write', async () => {
    const { socket, received } = await pair();
    await once(socket, 'connect');
    const plain = socket._write.bind(socket);
    const writes: unknown[] = [];
    socket._write = (chunk, encoding, done) => {
      writes.push(chunk);
      plain(chunk, encoding, done);
    };
    socket.cork();
    socket.write('head: é\r\n\r\n', 'latin1');
    socket.write(Buffer.from('böse'));
    socket.write('Accepted', 'utf8');
    socket.uncork();
    socket.end();
    expect(writes).toHaveLength(1);
    const wanted = [Buffer.from('head: é\r\n\r\n', 'latin1'), Buffer.from('böseAccepted')];
    expect(await received).toEqual(Buffer.concat(wanted));
  });

  it('messages of one turn leave together at its end (performance rows 2, 3, 4, 14)', async () => {
    let alone = true;
    const writer = new TurnWriter(() => alone);
    const prepare = (socket: Socket) => writer.add(socket);
    const [one, two] = [await pair(prepare), await pair(prepare)];
    await Promise.all([once(one.socket, 'connect'), once(two.socket, 'connect')]);
    const left = () => [one.socket.bytesWritten, two.socket.bytesWritten];
    one.socket.write('1');
    expect(left()).toEqual([1, 0]);
    alone = false;
    one.socket.write('one');
    two.socket.write('two');
    expect(left()).toEqual([1, 0]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(left()).toEqual([4, 3]);
    one.socket.end();
    two.socket.end();
    expect([`${await one.received}`, `${await two.received}`]).toEqual(['1one', 'two']);
  });
});
