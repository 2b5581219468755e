// The history of calls: found again, bounded in memory and on disk, without secrets.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { type Bench, call, memoryDocuments, startBench } from './support/fixture.ts';

let folder: string;
const running: Bench[] = [];

function start(callLog: object, upstreams: object = { a: { command: 'x' } }): Bench {
  const documents = { ...memoryDocuments(folder), writable: true };
  const bench = startBench({ upstreams, storage: { callLog } } as never, { documents });
  running.push(bench);
  return bench;
}

beforeEach(async () => {
  folder = await makeTempDir('calls');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ operations }) => operations.close()));
  await removeDir(folder);
});

const lines = (name = 'calls.jsonl') =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('searching', () => {
  it('finds by upstream, tool, outcome, client, time, slowness and words, newest first', () => {
    const { operations, events } = start({});
    events.emit(call({ subject: 'one', total: 5 }));
    events.emit(call({ subject: 'two', upstream: 'b', principal: 'alice', total: 500 }));
    events.emit(call({ subject: 'three', outcome: 'fault', fault: 'UPSTREAM_TIMEOUT' }));
    const found = (query: object) => operations.calls({ limit: 100, ...query }).map(({ subject }) => subject);
    expect(found({})).toEqual(['three', 'two', 'one']);
    expect(found({ upstream: 'b' })).toEqual(['two']);
    expect(found({ subject: 'one' })).toEqual(['one']);
    expect(found({ outcome: 'fault' })).toEqual(['three']);
    expect(found({ fault: 'UPSTREAM_TIMEOUT' })).toEqual(['three']);
    expect(found({ client: 'alice' })).toEqual(['two']);
    expect(found({ client: 'inspector 1.0' })).toEqual(['three', 'one']);
    expect(found({ slowerThan: 100 })).toEqual(['two']);
    expect(found({ text: 'ALICE two' })).toEqual(['two']);
    expect(found({ limit: 1 })).toEqual(['three']);
    expect(found({ since: Date.now() + 10_000 })).toEqual([]);
    const [row] = operations.calls({ limit: 1 });
    expect(operations.call(row?.id as string)).toEqual(row);
    expect(row).toMatchObject({
      face: 'mcp',
      method: 'tools/call',
      attempts: 1,
      total: 3,
      upstreamTime: 2,
      bytes: 100,
    });
  });

  it('keeps as many as it may, and hands out what is new', () => {
    const { operations, events } = start({ maxRecords: 10 });
    for (let n = 0; n < 25; n++) events.emit(call({ subject: `t${n}` }));
    expect(operations.calls({ limit: 100 }).map(({ subject }) => subject)).toEqual(
      [24, 23, 22, 21, 20, 19, 18, 17, 16, 15].map((n) => `t${n}`),
    );
    const { count, rows } = operations.recent(23, 100);
    expect([count, rows.map(({ subject }) => subject)]).toEqual([25, ['t23', 't24']]);
    expect(operations.recent(0, 3).rows.map(({ subject }) => subject)).toEqual(['t22', 't23', 't24']);
  });

  it('learns a moment later what a converged view spared', () => {
    const { operations, events } = start({});
    const told = call();
    events.emit(told);
    for (let n = 0; n < 10; n++) events.emit(call());
    events.emit({ type: 'tokens.saved', id: told.id, upstream: 'a', tool: 'echo', tokens: 40 });
    expect(operations.call(told.id)).toMatchObject({ tokensSaved: 40 });
    expect(operations.metrics()).toHaveProperty('performance.a.tokens_saved', 40);
  });

  it('keeps nothing when it is switched off', async () => {
    const { operations, events } = start({ enabled: false });
    events.emit(call());
    expect(operations.calls({ limit: 10 })).toEqual([]);
    await operations.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('lines on disk', () => {
  it('writes one line of JSON per call, equal to what a search shows', async () => {
    const { operations, events } = start({});
    events.emit(call({ subject: 'a "quoted"\nname', tokensSaved: 12 }));
    events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    const shown = operations.calls({ limit: 10 });
    await operations.close();
    expect(lines()).toEqual(shown.toReversed());
    expect(statSync(join(folder, 'calls.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('writes every number, name and id as JSON would, whatever it is', async () => {
    const { operations, events } = start({ arguments: 'redacted', perSecond: 100_000 });
    const numbers = [
      0, 0.0004, 0.0005, 0.001, 0.1, 0.25, 1, 9.999, 9.9996, 10.01, 123.456, 999.9996, 65_000.5, 1e7, 3e9,
    ];
    const names = ['echo', 'wörter "und" \\', '工具', '\u0000\u2028', 'x'.repeat(2000), '😀'.repeat(300), ''];
    const ids = [
      'a'.repeat(36),
      `${'"\\'.repeat(12)}`.padEnd(36, 'z').slice(0, 36),
      'short',
      'é'.repeat(36),
      '-'.repeat(36),
    ];
    for (const [index, total] of numbers.entries())
      for (const [at, subject] of names.entries())
        events.emit(
          call({
            id: ids[(index + at) % ids.length] as string,
            subject,
            client: names[(index + 1) % names.length] as string,
            total,
            queue: numbers[at] as number,
            upstreamTime: total / 3,
            bytes: Math.floor(total * 1e3),
            attempts: index,
            ...(at % 2 === 0 && { params: { arguments: { subject } } }),
          }),
        );
    const shown = operations.calls({ limit: 1000 });
    await operations.close();
    expect(shown).toHaveLength(numbers.length * names.length);
    expect(lines()).toEqual(shown.toReversed());
  });

  it('puts files aside at their size and keeps so many', async () => {
    const { operations, events } = start({ maxSize: '2KB', files: 2 });
    const written = () =>
      readdirSync(folder)
        .map((name) => statSync(join(folder, name), { throwIfNoEntry: false }))
        .map((file) => `${file?.ino} ${file?.size}`)
        .join();
    for (let round = 0; round < 6; round++) {
      for (let n = 0; n < 12; n++) events.emit(call());
      // What is written together goes into one file; the next round begins another.
      const before = written();
      await expect.poll(written, { timeout: 10_000 }).not.toBe(before);
    }
    await operations.close();
    const names = readdirSync(folder).sort();
    expect(names.filter((name) => name !== 'calls.jsonl')).toEqual(['calls.jsonl.1', 'calls.jsonl.2']);
    for (const name of names) for (const line of lines(name)) expect(line.upstream).toBe('a');
  });

  it('says how many it left out when more came than the memory holds', async () => {
    const { operations, events } = start({ maxRecords: 10 });
    for (let n = 0; n < 35; n++) events.emit(call());
    await operations.close();
    expect(lines().at(-1)).toEqual({ at: expect.any(String) as string, skipped: 25 });
    expect(lines()).toHaveLength(11);
  });

  it('thins out ordinary calls above its rate, and keeps those that somebody will look for', async () => {
    const { operations, events } = start({ perSecond: 20 });
    for (let n = 0; n < 1000; n++) events.emit(call());
    events.emit(call({ outcome: 'tool-error' }));
    events.emit(call({ outcome: 'fault', fault: 'UPSTREAM_EXITED' }));
    events.emit(call({ attempts: 2 }));
    events.emit(call({ total: 2000 }));
    await operations.close();
    const written = lines();
    const skipped = written.at(-1)?.skipped as number;
    expect(skipped + written.length - 1).toBe(1004);
    expect(written.length).toBeLessThan(20);
    expect(written.slice(-5, -1).map(({ outcome, attempts, total }) => [outcome, attempts, total])).toEqual([
      ['tool-error', 1, 3],
      ['fault', 1, 3],
      ['result', 2, 3],
      ['result', 1, 2000],
    ]);
  });

  it('begins a line of its own behind one that a killed gateway left half', async () => {
    writeFileSync(join(folder, 'calls.jsonl'), '{"at":"2026-');
    const { operations, events } = start({});
    events.emit(call());
    await operations.close();
    const [half, whole] = readFileSync(join(folder, 'calls.jsonl'), 'utf8').split('\n');
    expect(half).toBe('{"at":"2026-');
    expect(JSON.parse(whole as string)).toMatchObject({ upstream: 'a' });
  });

  it('says once that it cannot write, and goes on', async () => {
    const { operations, events, seen } = start({ file: '/dev/full' });
    events.emit(call());
    await expect.poll(() => seen.length, { timeout: 30_000 }).toBe(1);
    events.emit(call());
    await operations.close();
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ type: 'log', level: 'warn', text: expect.stringContaining('ENOSPC') as string });
    expect(operations.calls({ limit: 10 })).toHaveLength(2);
  });
});

describe('arguments', () => {
  const params = {
    name: 'echo',
    arguments: { query: 'hello', password: 'hunter22', note: 'uses sk-abcdefghijklmnop' },
  };

  it('keeps nothing of them by default', () => {
    const { operations, events } = start({});
    events.emit(call({ params }));
    expect(operations.calls({ limit: 1 })[0]).not.toHaveProperty('arguments');
  });

  it('keeps a hash that is equal for equal arguments', () => {
    const { operations, events } = start({ arguments: 'hash' });
    events.emit(call({ params }));
    events.emit(call({ params: structuredClone(params) }));
    events.emit(call({ params: { name: 'echo', arguments: {} } }));
    const hashes = operations.calls({ limit: 3 }).map((row) => row.arguments);
    expect(hashes[2]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[2]);
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it('keeps them without secrets, and no more than 2 KB', async () => {
    const { operations, events } = start({ arguments: 'redacted' });
    events.emit(call({ params }));
    expect(operations.calls({ limit: 1 })[0]?.arguments).toEqual({ query: 'hello', password: '***', note: 'uses ***' });
    events.emit(call({ params: { arguments: { text: 'x'.repeat(100_000) } } }));
    expect(String(operations.calls({ limit: 1 })[0]?.arguments).length).toBeLessThan(2100);
    await operations.close();
    expect(lines()).toHaveLength(2);
  });

  it('plants no secret anywhere: by value in every spelling, and by pattern', async () => {
    const value = 'p@ss/word"+1';
    const { operations, events } = start(
      { arguments: 'redacted' },
      { a: { command: 'x', env: { SECRET_KEY: value } } },
    );
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij';
    events.emit(
      call({
        method: 'resources/read',
        subject: `https://example.com/?token=${jwt}&x=${encodeURIComponent(value)}`,
        client: `client ${value}`,
        params: { uri: `x://${value}`, list: [Buffer.from(value).toString('base64')], jwt },
      }),
    );
    const shown = JSON.stringify(operations.calls({ limit: 1 }));
    await operations.close();
    const written = readFileSync(join(folder, 'calls.jsonl'), 'utf8');
    for (const text of [shown, written])
      for (const secret of [
        value,
        encodeURIComponent(value),
        JSON.stringify(value).slice(1, -1),
        Buffer.from(value).toString('base64'),
        jwt,
      ])
        expect(text).not.toContain(secret);
  });
});
