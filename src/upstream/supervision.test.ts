import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { allProcesses } from '../../test/support/processes.ts';
import { removeDir } from '../../test/support/temp-dir.ts';
import { callContext, plain, type UnderTest } from '../../test/support/upstream-under-test.ts';
import { NO_LISTS, type Safety } from '../core/upstream.ts';

const running: UnderTest[] = [];
const started = (made: UnderTest): UnderTest => {
  running.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(running.splice(0).map((made) => made.stop()));
});
const call = ({ upstream }: UnderTest, name: string, safety: Safety, args: Record<string, unknown> = {}) =>
  upstream.call({ method: 'tools/call', params: { name, arguments: args }, subject: name, safety }, callContext());
const pidOf = (made: UnderTest): number => made.upstream.facts().pid as number;
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a killed process under load', () => {
  test('read-only calls in flight are answered, writes are told once, calls not in flight never fail', async () => {
    const made = started(plain());
    await made.reached('ready');
    const reads = Array.from({ length: 8 }, () => call(made, 'late', 'read', { after: 300 }));
    const write = call(made, 'late', 'write', { after: 300 });
    const told = expect(write).rejects.toMatchObject({ fault: 'UPSTREAM_EXITED', delivery: 'maybe-sent' });
    await wait(50);
    process.kill(pidOf(made), 'SIGKILL');
    await told;
    const after = await Promise.all(Array.from({ length: 8 }, () => call(made, 'echo', 'write')));
    expect(after.every((answer) => 'result' in answer)).toBe(true);
    for (const answer of await Promise.all(reads)) expect(answer).toMatchObject({ timing: { attempts: 2 } });
    expect(made.upstream.state.state).toBe('ready');
  });

  test('F-P3 dies after executing: the write ran once, a repeatable call ran twice at most', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'supervision-'));
    const record = join(folder, 'record');
    const made = started(plain([`--record=${record}`]));
    await made.reached('ready');
    const { readFileSync } = await import('node:fs');
    const runs = (): number => readFileSync(record, 'utf8').split('"touched"').length - 1;
    await expect(call(made, 'crash-after', 'write')).rejects.toMatchObject({ delivery: 'maybe-sent' });
    expect(runs()).toBe(1);
    await expect(call(made, 'crash-after', 'idempotent')).rejects.toMatchObject({ delivery: 'maybe-sent' });
    expect(runs()).toBe(3);
    await removeDir(folder);
  });

  test('F-P1 an exit while idle is mended before anybody notices', async () => {
    const made = started(plain());
    await made.text('echo');
    const pid = pidOf(made);
    process.kill(pid, 'SIGKILL');
    await made.reached('starting');
    await made.reached('ready');
    expect(pidOf(made)).not.toBe(pid);
    expect(made.upstream.facts()).toMatchObject({ restarts: 1, lastExit: { signal: 'SIGKILL' } });
  });

  test('10.3 an exit before the first answered request is a failure, one after it is not', async () => {
    const made = started(plain([], {}, { random: () => 0.5 }));
    await made.reached('ready');
    for (let n = 0; n < 2; n++) {
      process.kill(pidOf(made), 'SIGKILL');
      await made.reached('backoff', 'starting');
      await made.reached('ready');
    }
    process.kill(pidOf(made), 'SIGKILL');
    expect(await made.reached('backoff')).toMatchObject({ attempt: 3 });
    await made.text('echo');
    process.kill(pidOf(made), 'SIGKILL');
    expect(await made.reached('starting')).toMatchObject({ attempt: 1 });
  });
});

describe('liveness (F-P5, F-P6, F-I27)', () => {
  const quick = { health: { interval: '200ms', timeout: '150ms' } };

  test('F-P5 a stopped process is found and replaced, also with calls in flight', async () => {
    const made = started(plain([], quick));
    await made.text('echo');
    const pid = pidOf(made);
    const hanging = call(made, 'hang', 'write');
    const told = expect(hanging).rejects.toMatchObject({ delivery: 'maybe-sent' });
    process.kill(pid, 'SIGSTOP');
    await told;
    expect(await made.text('echo')).toBe('{}');
    expect(pidOf(made)).not.toBe(pid);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test('A-09 it is asked once it is ready, and only where that is wanted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'supervision-'));
    const { readFileSync } = await import('node:fs');
    const methods = (name: string) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/"method":"([^"]+)"/g)].map(([, method]) => method);
    const health = { interval: '50ms', timeout: '1s' };
    const watched = started(plain([`--record=${join(folder, 'on')}`], { health }));
    const left = started(plain([`--record=${join(folder, 'off')}`], { health: { ...health, enabled: false } }));
    await Promise.all([watched.reached('ready'), left.reached('ready')]);
    await vi.waitFor(() => expect(methods('on').filter((one) => one === 'ping').length).toBeGreaterThan(3), 30_000);
    expect(methods('on').indexOf('ping')).toBeGreaterThan(methods('on').indexOf('tools/list'));
    expect(methods('off')).not.toContain('ping');
    await removeDir(folder);
  });

  test('an idle server that answers is left alone, however long it is silent', async () => {
    const made = started(plain([], quick));
    await made.text('echo');
    const pid = pidOf(made);
    await wait(1_200);
    expect(pidOf(made)).toBe(pid);
    expect(made.upstream.facts().lastCheck).toBeGreaterThan(Date.now() - 1_000);
  });

  test('F-I27 a server that hears nothing any more is replaced after its misses', async () => {
    const made = started(plain(['--deaf-after=1'], quick));
    await made.text('echo');
    const pid = pidOf(made);
    await made.reached('starting');
    await made.reached('ready');
    expect(pidOf(made)).not.toBe(pid);
  });

  test('F-P6 a server with a call inside its deadline is not replaced for being silent', async () => {
    const made = started(plain(['--deaf-after=1'], quick));
    await made.text('echo');
    const pid = pidOf(made);
    const hanging = made.tool('hang', {}, { deadline: performance.now() + 1_500 });
    const told = expect(hanging).rejects.toMatchObject({ delivery: 'maybe-sent' });
    await wait(1_200);
    expect(pidOf(made)).toBe(pid);
    await told;
    await made.reached('starting');
  });
});

describe('on demand, and stopped when idle (8.2)', () => {
  test('with lists of an earlier run nothing is started before the first call', async () => {
    const keptLists = { ...NO_LISTS, revision: 3, confirmed: true, tools: [{ name: 'echo' }] };
    const made = started(plain([], { start: 'on-demand' }, { keptLists }));
    expect(made.upstream.state).toMatchObject({ state: 'stopped', reason: 'never-started' });
    expect(made.upstream.lists).toMatchObject({ confirmed: false, tools: [{ name: 'echo' }] });
    expect(await made.text('echo')).toBe('{}');
    expect(made.upstream.lists.confirmed).toBe(true);
  });

  test('A-02 without them it is started to learn what there is, and rests', async () => {
    const made = started(plain([], { start: 'on-demand' }));
    await made.reached('ready');
    expect(await made.reached('stopped')).toMatchObject({ reason: 'idle' });
    expect(made.upstream.lists.tools).toHaveLength(15);
    expect(await made.text('echo')).toBe('{}');
    expect(made.upstream.state.state).toBe('ready');
  });

  test('stopWhenIdle: the process ends, the tools stay listed, the next call starts it', async () => {
    const made = started(plain([], { stopWhenIdle: '200ms' }));
    await made.reached('ready');
    const pid = pidOf(made);
    const late = made.text('late', { after: 500 });
    expect(await late).toBe('late');
    expect(await made.reached('stopped')).toMatchObject({ reason: 'idle' });
    expect(made.upstream.lists.tools).toHaveLength(15);
    expect(await made.text('echo')).toBe('{}');
    expect(pidOf(made)).not.toBe(pid);
    expect(() => process.kill(pid, 0)).toThrow();
  });
});

describe('stopping', () => {
  test('while it starts: nothing is left behind', async () => {
    const made = started(plain(['--silent-on-probe']));
    await made.reached('starting');
    await wait(200);
    await made.upstream.stop({ drain: 0, reason: 'removed' });
    expect(made.upstream.state.state).toBe('stopped');
    const left = allProcesses().filter(
      ({ ppid, command }) => ppid === process.pid && command.includes('--silent-on-probe'),
    );
    expect(left).toEqual([]);
  });

  test('calls that wait are refused, calls in flight are told', async () => {
    const made = started(plain());
    await made.reached('ready');
    const hanging = expect(made.tool('hang')).rejects.toMatchObject({ delivery: 'maybe-sent' });
    await made.upstream.stop({ drain: 0, reason: 'disabled' });
    await hanging;
    expect(made.upstream.state.state).toBe('disabled');
    await expect(made.tool('echo')).rejects.toMatchObject({ fault: 'UPSTREAM_NOT_READY', delivery: 'not-sent' });
    made.upstream.start();
    expect(await made.text('echo')).toBe('{}');
  });

  test('a restart under load answers what was not sent', async () => {
    const made = started(plain());
    await made.text('echo');
    const pid = pidOf(made);
    made.upstream.restart({ force: true });
    expect(await made.text('echo')).toBe('{}');
    expect(pidOf(made)).not.toBe(pid);
  });
});
