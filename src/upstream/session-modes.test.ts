import { afterEach, describe, expect, test } from 'vitest';
import { allProcesses } from '../../test/support/processes.ts';
import { callContext, plain, textOf, type UnderTest } from '../../test/support/upstream-under-test.ts';
import type { JsonObject } from '../core/json.ts';

const running: UnderTest[] = [];
const start = (more: Record<string, unknown>): UnderTest => {
  const made = plain([], more);
  running.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(running.splice(0).map((made) => made.stop()));
});

/** One caller: a client session with what it declared, and whether it can be asked. */
const caller = (made: UnderTest, key: string, capabilities: JsonObject = {}) => {
  const client = { era: 'legacy' as const, revision: '2025-11-25', capabilities, info: {}, key };
  return async (name: string, args: JsonObject = {}, more: JsonObject = {}) =>
    textOf(
      await made.upstream.call(
        { method: 'tools/call', params: { name, arguments: args }, subject: name, safety: 'read' },
        callContext({ client, ask: () => Promise.resolve({ result: { roots: [] } }), ...more }),
      ),
    );
};
const pid = (text: string): number => (JSON.parse(text) as { pid: number }).pid;
const alive = (process_: number): boolean => {
  try {
    return process.kill(process_, 0);
  } catch {
    return false;
  }
};
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

describe('session.mode pooled (10.6)', () => {
  const pooled = { session: { mode: 'pooled' }, pool: { min: 0, max: 2 } };

  test('each caller has a state of its own and keeps it, its capabilities are told and no others', async () => {
    const made = start(pooled);
    const ada = caller(made, 'ada', { roots: {} });
    const bob = caller(made, 'bob');
    await ada('remember', { value: 'Ada' });
    await bob('remember', { value: 'Bob' });
    expect([await ada('remember'), await bob('remember')]).toEqual(['Ada', 'Bob']);
    expect(JSON.parse(await ada('who'))).toMatchObject({ told: { roots: {} } });
    expect(JSON.parse(await bob('who'))).toMatchObject({ told: {} });
  });

  test('a killed session never reaches the next call, of its caller or of another (B-01, X-01)', async () => {
    const made = start(pooled);
    const ada = caller(made, 'ada');
    const bob = caller(made, 'bob');
    const first = pid(await ada('who'));
    const other = pid(await bob('who'));
    process.kill(first, 'SIGKILL');
    const second = pid(await ada('who'));
    expect(second).not.toBe(first);
    expect(second).not.toBe(other);
    expect(pid(await bob('who'))).toBe(other);
  });

  test('a session that answered nothing until the deadline is not handed out again (C-12, C-43)', async () => {
    const made = start(pooled);
    const ada = caller(made, 'ada');
    const first = pid(await ada('who'));
    process.kill(first, 'SIGSTOP');
    await expect(ada('echo', {}, { deadline: performance.now() + 200 })).rejects.toMatchObject({
      delivery: 'maybe-sent',
    });
    expect(pid(await ada('who'))).not.toBe(first);
    await until(() => !alive(first));
  });

  test('a hard cap: who is unused for longest makes room, who is busy does not (B-50, X-02)', async () => {
    const made = start(pooled);
    const [ada, bob, cy] = ['ada', 'bob', 'cy'].map((key) => caller(made, key));
    if (ada === undefined || bob === undefined || cy === undefined) throw new Error('unreachable');
    const first = pid(await ada('who'));
    const busy = bob('late', { after: 400 });
    const third = pid(await cy('who'));
    await until(() => !alive(first));
    expect(alive(third)).toBe(true);
    expect(await busy).toBe('late');
  });

  test('all busy: the next caller waits for his turn, and is told when it does not come (X-02)', async () => {
    const made = start(pooled);
    const [ada, bob, cy] = ['ada', 'bob', 'cy'].map((key) => caller(made, key));
    for (const has of [ada, bob]) await has?.('echo');
    expect(made.upstream.facts().pool).toEqual({ inUse: 0, idle: 2, waiting: 0 });
    const busy = [ada?.('late', { after: 500 }), bob?.('late', { after: 500 })];
    const waits = cy?.('echo');
    await until(() => made.upstream.facts().pool?.waiting === 1);
    expect(made.upstream.facts().pool).toEqual({ inUse: 2, idle: 0, waiting: 1 });
    await expect(cy?.('echo', {}, { deadline: performance.now() + 100 })).rejects.toMatchObject({
      fault: 'OVERLOADED',
      delivery: 'not-sent',
    });
    expect(await waits).toBe('{}');
    await Promise.all(busy);
  });

  test('calls of one caller share its session at the same time', async () => {
    const made = start(pooled);
    const ada = caller(made, 'ada');
    const pids = await Promise.all(Array.from({ length: 5 }, () => ada('who')));
    expect(new Set(pids.map(pid)).size).toBe(1);
  });

  test('sessions that nobody uses end, down to the minimum (B-50)', async () => {
    const made = start({ session: { mode: 'pooled' }, pool: { min: 0, max: 2, idle: '100ms' } });
    const ada = pid(await caller(made, 'ada')('who'));
    await until(() => !alive(ada));
    expect(await caller(made, 'ada')('echo')).toBe('{}');
  });
});

test('a session that is too old is replaced when it is next unused (C-42)', async () => {
  const made = start({ session: { mode: 'pooled' }, pool: { min: 0, max: 2, maxAge: '300ms' } });
  const ada = caller(made, 'ada');
  const first = pid(await ada('who'));
  // In use it is left alone.
  expect(await ada('late', { after: 500 })).toBe('late');
  await until(() => !alive(first));
  expect(pid(await ada('who'))).not.toBe(first);
});

describe.each(['pooled', 'isolated'] as const)('session.mode %s under kills (10.6, X-01)', (mode) => {
  test('no caller sees the session, the error or the result of another', async () => {
    const made = start({ session: { mode }, pool: { min: 1, max: 4 }, timeouts: { ready: '20s' } });
    const pids = new Set<number>();
    let faults = 0;
    const one = async (name: string): Promise<void> => {
      const ask = caller(made, name);
      for (let n = 0; n < 15; n++) {
        const value = `${name} ${n}`;
        try {
          pids.add(pid(await ask('who')));
          expect(await ask('remember', { value })).toBe(value);
          expect(await ask('remember')).toMatch(new RegExp(`^(${name} \\d+|nothing)$`));
        } catch (fault) {
          expect(fault).toMatchObject({
            upstream: 'u',
            fault: expect.stringMatching(/^UPSTREAM_|^OVERLOADED/) as string,
          });
          faults++;
        }
        const victim = [...pids].at(n % pids.size);
        if (n % 4 === 3 && victim !== undefined && pids.delete(victim) && alive(victim))
          process.kill(victim, 'SIGKILL');
      }
    };
    await Promise.all(['ada', 'bob', 'cy', 'dee'].map(one));
    // Most of it went well, and afterwards all of it does.
    expect(faults).toBeLessThan(40);
    expect(await caller(made, 'eve')('remember', { value: 'eve' })).toBe('eve');
  });
});

describe('session.mode isolated (10.6)', () => {
  const isolated = { session: { mode: 'isolated' }, pool: { min: 1, max: 3 } };

  test('every call has a fresh session that was told nothing of another caller, handed out once (A-01, A-10)', async () => {
    const made = start(isolated);
    const ada = caller(made, 'ada');
    const pids: number[] = [];
    for (let n = 0; n < 4; n++) {
      expect(await ada('remember', { value: n })).toBe(String(n));
      pids.push(pid(await ada('who')));
    }
    expect(await ada('remember')).toBe('nothing');
    expect(new Set(pids).size).toBe(4);
    for (const one of pids) await until(() => !alive(one));
  });

  test('A-12 a resource is read in a fresh session too, and a read that fails says why', async () => {
    const made = start(isolated);
    const reads = async (uri: string) =>
      await made.upstream.call(
        { method: 'resources/read', params: { uri }, subject: uri, safety: 'read' },
        callContext(),
      );
    const sessions = await Promise.all([reads('test://a'), reads('test://a')]);
    const pids = sessions.map((answer) => ('result' in answer ? JSON.stringify(answer.result.value.contents) : ''));
    expect(new Set(pids).size).toBe(2);
    expect(pids[0]).toContain('test://a');
    expect(await reads('test://nothing')).toMatchObject({ error: { code: -32002, message: 'Resource not found' } });
  });

  test('S0: a file read twice, its session killed between; both are answered (A-15)', async () => {
    const made = start(isolated);
    const ada = caller(made, 'ada');
    const first = pid(await ada('who'));
    if (alive(first)) process.kill(first, 'SIGKILL');
    expect(pid(await ada('who'))).not.toBe(first);
  });

  test('a stop leaves no process behind (B-53)', async () => {
    const made = start(isolated);
    const ada = caller(made, 'ada');
    const used = pid(await ada('who'));
    await made.upstream.stop({ drain: 0, reason: 'removed' });
    await until(() => !alive(used));
    const left = allProcesses().filter(
      ({ ppid, command }) => ppid === process.pid && command.includes('plain/stdio.mjs'),
    );
    expect(left).toEqual([]);
  });
});
