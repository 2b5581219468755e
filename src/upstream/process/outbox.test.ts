import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

/** A pipe that takes a write only when it is told to. */
class Pipe extends Writable {
  readonly writes: string[] = [];
  #next: (() => void) | undefined;
  open = true;

  constructor() {
    super({ highWaterMark: 16, decodeStrings: false, defaultEncoding: 'utf8' });
  }
  override _write(chunk: string, _: string, done: () => void): void {
    this.writes.push(chunk);
    if (this.open) done();
    else this.#next = done;
  }
  read(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }
}

describe('Outbox (F-P22)', () => {
  it('sends the first message of a turn at once and the rest of it in one write', async () => {
    const pipe = new Pipe();
    const outbox = new Outbox(pipe, 1000);
    for (const text of ['a', 'b', 'c']) expect(outbox.send(text)).toBe(true);
    expect(pipe.writes).toEqual(['a\n']);
    await turn();
    expect(pipe.writes).toEqual(['a\n', 'b\nc\n']);
    await turn();
    outbox.send('d');
    expect(pipe.writes.at(-1)).toBe('d\n');
    expect(outbox.close()).toEqual([]);
  });

  it('sends all of a turn in one write while others are under way (performance row 6)', async () => {
    const pipe = new Pipe();
    const outbox = new Outbox(pipe, 1000);
    for (const [at, text] of ['a', 'b', 'c'].entries()) expect(outbox.send(text, at, false)).toBe(true);
    expect([pipe.writes, outbox.waiting]).toEqual([[], 6]);
    expect(outbox.withdraw(1)).toBe(true);
    await turn();
    expect(pipe.writes).toEqual(['a\nc\n']);
    expect(outbox.send('d', 4, false)).toBe(true);
    expect(outbox.close()).toEqual([4]);
    await turn();
    expect(pipe.writes).toEqual(['a\nc\n']);
  });

  it('does not let eight wait for more: the server begins with them (performance row 18)', async () => {
    const pipe = new Pipe();
    const outbox = new Outbox(pipe, 1000);
    for (const [at, text] of [...'abcdefghi'].entries()) outbox.send(text, at, false);
    expect(pipe.writes).toEqual(['a\nb\nc\nd\ne\nf\ng\nh\n']);
    await turn();
    expect(pipe.writes.slice(1)).toEqual(['i\n']);
  });

  it('keeps the order while the pipe is full, and goes on when it is read', async () => {
    const pipe = new Pipe();
    pipe.open = false;
    const outbox = new Outbox(pipe, 1000);
    outbox.send('x'.repeat(20), 1);
    outbox.send('b', 2);
    await turn();
    outbox.send('c', 3);
    expect(pipe.writes.length).toBe(1);
    pipe.open = true;
    pipe.read();
    await turn();
    expect(pipe.writes.slice(1).join('')).toBe('b\nc\n');
    expect(outbox.waiting).toBe(0);
  });

  it('takes back what has not been handed over, and says which that are at the end', async () => {
    const pipe = new Pipe();
    pipe.open = false;
    const outbox = new Outbox(pipe, 1000);
    outbox.send('x'.repeat(20), 1);
    outbox.send('b', 2);
    outbox.send('c', 3);
    outbox.send('notification');
    expect([outbox.withdraw(2), outbox.withdraw(2), outbox.withdraw(1)]).toEqual([true, false, false]);
    expect(outbox.close()).toEqual([3]);
    expect(outbox.send('late')).toBe(false);
  });

  it('refuses what passes the limit, in bytes, but always takes one message', () => {
    const pipe = new Pipe();
    pipe.open = false;
    const outbox = new Outbox(pipe, 100);
    expect(outbox.send('你'.repeat(100))).toBe(true);
    expect(outbox.waiting).toBe(301);
    expect(outbox.send('a')).toBe(false);
    const other = new Outbox(new Pipe(), 20);
    expect(other.send('a')).toBe(true);
    outbox.close();
    other.close();
  });
});
