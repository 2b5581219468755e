import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { allProcesses, processInfo } from '../../../test/support/processes.ts';
import { removeDir } from '../../../test/support/temp-dir.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { UpstreamConfig } from '../../config/schema.ts';
import { GatewayFault } from '../../core/fault.ts';
import type { Incoming } from '../../wire/envelope.ts';
import type { TransportSink } from '../transport.ts';
import { createStdioTransport, type StdioTransport } from './stdio.ts';

const SERVERS = path.resolve(import.meta.dirname, '../../../test/servers/process');
const MB = 1024 * 1024;

type Answer = Extract<Incoming, { kind: 'result' }>;

/** A transport with everything it told, and requests as promises. */
class Harness implements TransportSink {
  readonly transport: StdioTransport;
  readonly logs: unknown[];
  readonly messages: Incoming[] = [];
  readonly noises: string[] = [];
  readonly order: string[] = [];
  readonly ended: Promise<GatewayFault>;
  #end: (fault: GatewayFault) => void = () => undefined;
  #pending = new Map<number, { resolve(answer: Answer): void; reject(fault: GatewayFault): void }>();
  #id = 0;

  constructor(config: object, logs: unknown[] = []) {
    this.logs = logs;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.transport = createStdioTransport({
      upstream: 'test',
      config: config as UpstreamConfig,
      log: (...entry) => logs.push(entry),
    });
  }

  message(message: Incoming): void {
    this.messages.push(message);
    this.order.push(message.kind);
    if (message.kind !== 'result') return;
    this.#pending.get(message.id as number)?.resolve(message);
    this.#pending.delete(message.id as number);
  }
  failed(id: number, fault: GatewayFault): void {
    this.order.push('failed');
    this.#pending.get(id)?.reject(fault);
    this.#pending.delete(id);
  }
  noise(sample: string): void {
    this.noises.push(sample);
  }
  closed(fault: GatewayFault): void {
    this.order.push('closed');
    for (const { reject } of this.#pending.values()) reject(fault);
    this.#pending.clear();
    this.#end(fault);
  }

  async open(): Promise<this> {
    await this.transport.open(this, AbortSignal.timeout(20_000));
    return this;
  }

  send(method: string, params: object = {}): { id: number; answer: Promise<Answer> } {
    const id = ++this.#id;
    const answer = new Promise<Answer>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    answer.catch(() => undefined);
    this.transport.request({ id, method, text: JSON.stringify({ jsonrpc: '2.0', id, method, params }) });
    return { id, answer };
  }

  async ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return (await this.send(method, params).answer).result.value;
  }
}

const running: Harness[] = [];

function server(name: string, config: object = {}): Harness {
  const harness = new Harness({ command: process.execPath, args: [path.join(SERVERS, name)], ...config });
  running.push(harness);
  return harness;
}

async function fault(promise: Promise<unknown>): Promise<GatewayFault> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GatewayFault);
  return thrown as GatewayFault;
}

const groupOf = (pid: number) => allProcesses().filter((info) => info.pgid === pid && info.state !== 'Z');

afterEach(async () => {
  await Promise.all(running.splice(0).map((harness) => harness.transport.close(400)));
});

describe('messages (MP12)', () => {
  it('carries requests and their answers, many in one turn, each to its own', async () => {
    const echo = await server('echo.mjs').open();
    const answers = await Promise.all(Array.from({ length: 200 }, (_, nonce) => echo.ask('echo', { nonce })));
    expect(answers).toEqual(Array.from({ length: 200 }, (_, nonce) => ({ echo: { nonce } })));
    expect(echo.transport.pid).toBeGreaterThan(0);
    expect(performance.now() - echo.transport.lastByteAt).toBeLessThan(5000);
  });

  it('F-I5 puts characters together that arrive in pieces', async () => {
    const split = await server('split.mjs').open();
    expect(await split.ask('any')).toEqual({ text: '各端点已连接 🎉 ü' });
  });

  it('F-I1 F-I2 skips and counts what is no message', async () => {
    const banner = await server('banner.mjs').open();
    expect(await banner.ask('tools/list')).toEqual({ ok: true });
    expect(banner.noises).toEqual([
      'Server v1.2 starting...',
      '[1, 2, 3]',
      '"ready"',
      '{ not: "json" }',
      'handling tools/list',
    ]);
    expect(banner.transport.noiseCount).toBe(5);
  });

  it('accepts batches, which a server of 2025-03-26 may send', async () => {
    const batch = await server('batch.mjs').open();
    expect(await batch.ask('any')).toEqual({ batched: true });
    expect(batch.order).toEqual(['notification', 'result']);
  });

  it('F-I7 delivers a message of 20 MB whole', async () => {
    const large = await server('large.mjs').open();
    const { result } = await large.send('large', { bytes: 20 * MB }).answer;
    expect(result.size).toBe(20 * MB + '{"text":""}'.length);
  });

  it.each([{ last: false }, { last: true }])(
    'F-I7 refuses an answer over limits.message, and only that one (id last: $last)',
    async ({ last }) => {
      const large = await server('large.mjs', { limits: { message: MB } }).open();
      const refused = large.send('large', { bytes: 3 * MB, last });
      const other = large.send('small');
      const thrown = await fault(refused.answer);
      expect(thrown.fault).toBe('RESULT_TOO_LARGE');
      expect(thrown.message).toContain(`limits.message (${MB} bytes)`);
      expect(thrown.delivery).toBe('answered');
      expect((await other.answer).result.value).toEqual({ small: true });
    },
  );

  it('F-I6, X-83 ends a server that never ends its line, with bounded memory', async () => {
    const endless = await server('endless.mjs', { limits: { message: MB } }).open();
    const before = process.memoryUsage.rss();
    const thrown = await fault(endless.send('any').answer);
    expect(thrown.fault).toBe('UPSTREAM_PROTOCOL');
    expect(thrown.message).toContain('limits.message');
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * MB);
    await endless.transport.close();
    expect(groupOf(endless.transport.pid as number)).toEqual([]);
  });

  it('F-I3 fails the call whose answer was cut, and the server stays', async () => {
    const cut = await server('cut.mjs').open();
    const thrown = await fault(cut.send('cut').answer);
    expect(thrown.fault).toBe('UPSTREAM_PROTOCOL');
    expect(thrown.delivery).toBe('maybe-sent');
    expect(await cut.ask('whole')).toEqual({ text: 'whole' });
  });

  it.each([20_000, 50_000])('F-I20 an answer nested %i deep is delivered or refused, never fatal', async (depth) => {
    const deep = await server('deep.mjs').open();
    const outcome = await deep.send('any', { depth }).answer.then(
      () => 'delivered',
      (thrown: GatewayFault) => thrown.fault,
    );
    expect(['delivered', 'UPSTREAM_PROTOCOL']).toContain(outcome);
  });

  it('F-P19 drains 8 MB of stderr and keeps the last 64 KB', async () => {
    const flood = await server('stderr-flood.mjs').open();
    expect(await flood.ask('any')).toEqual({ done: true });
    await waitFor(() => flood.transport.stderr.at(-1) === 'the last line');
    expect(flood.transport.stderr.join('\n').length).toBeLessThanOrEqual(64 * 1024);
  });
});

describe('a server that does not read (F-P22)', () => {
  it('never blocks, refuses what passes the limit as not sent, and takes back what waits', async () => {
    const deaf = await server('deaf.mjs').open();
    await deaf.transport.firstByte;
    const text = 'x'.repeat(4 * MB);
    const begun = performance.now();
    const sent = Array.from({ length: 20 }, () => deaf.send('any', { text }));
    expect(performance.now() - begun).toBeLessThan(10_000);
    const thrown = await fault((sent.at(-1) as (typeof sent)[number]).answer);
    expect(thrown.fault).toBe('UPSTREAM_DISCONNECTED');
    expect(thrown.delivery).toBe('not-sent');
    for (const { id } of sent) deaf.transport.abandon(id);
    deaf.send('small');
    await sleep(20);
    expect(deaf.order).not.toContain('closed');
    await expect(deaf.transport.post('{"jsonrpc":"2.0","method":"notifications/cancelled"}')).resolves.toBeUndefined();
  });

  it('tells requests of which nothing had left as not sent when it dies', async () => {
    const deaf = await server('deaf.mjs').open();
    await deaf.transport.firstByte;
    const first = deaf.send('any', { text: 'x'.repeat(MB) });
    const second = deaf.send('any');
    process.kill(deaf.transport.pid as number, 'SIGKILL');
    expect((await fault(second.answer)).delivery).toBe('not-sent');
    const thrown = await fault(first.answer);
    expect(thrown.fault).toBe('UPSTREAM_EXITED');
    expect(thrown.delivery).toBe('maybe-sent');
    expect(thrown.data?.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });
});

describe('exits', () => {
  it('F-P2 tells the exit with its code and the last lines of stderr', async () => {
    const exits = await server('exits.mjs').open();
    const begun = performance.now();
    const thrown = await fault(exits.send('before', { code: 3 }).answer);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(thrown.fault).toBe('UPSTREAM_EXITED');
    expect(thrown.message).toContain('exit code 3');
    expect(thrown.data).toMatchObject({ exit: { code: 3, signal: null }, stderr: ['leaving with 3'] });
    expect(thrown.data?.permanent).toBeUndefined();
    expect(exits.transport.exit).toEqual({ code: 3, signal: null });
  });

  it('delivers an answer that was written before the exit, however long it is', async () => {
    const exits = await server('exits.mjs').open();
    const { result } = await exits.send('after', { code: 0, bytes: 5 * MB }).answer;
    expect(result.size).toBeGreaterThan(5 * MB);
    expect((await exits.ended).data?.exit).toEqual({ code: 0, signal: null });
    expect(exits.order).toEqual(['result', 'closed']);
  });

  it('takes exit 78 for permanent (EX_CONFIG)', async () => {
    const exits = await server('exits.mjs').open();
    exits.send('before', { code: 78 });
    expect((await exits.ended).data?.permanent).toBe(true);
  });

  it('C-08, X-49 tells a kill within 100 ms, and requests after it are refused as not sent', async () => {
    const echo = await server('echo.mjs').open();
    await echo.ask('any');
    const begun = performance.now();
    process.kill(echo.transport.pid as number, 'SIGKILL');
    await echo.ended;
    expect(performance.now() - begun).toBeLessThan(10_000);
    const thrown = await fault(echo.send('late').answer);
    expect(thrown.delivery).toBe('not-sent');
    await expect(echo.transport.post('{}')).rejects.toBeInstanceOf(GatewayFault);
  });

  it('counts a closed stdout as a lost connection, and ends the process', async () => {
    const half = await server('half-closed.mjs').open();
    half.send('any');
    expect((await half.ended).fault).toBe('UPSTREAM_DISCONNECTED');
    await half.transport.close();
    expect(groupOf(half.transport.pid as number)).toEqual([]);
  });

  it('F-P4 a wrapper that dies takes its group with it', async () => {
    const wrapper = await server('', { command: path.join(SERVERS, 'wrapper.sh'), args: [] }).open();
    await wrapper.ask('any');
    const pid = wrapper.transport.pid as number;
    expect(groupOf(pid).length).toBe(3);
    process.kill(pid, 'SIGKILL');
    await wrapper.ended;
    await waitFor(() => groupOf(pid).length === 0);
  });
});

describe('start failures (F-P11, F-P13)', () => {
  it('names a missing command and where it was searched', async () => {
    const missing = server('', { command: 'no-such-program', env: { PATH: '/nowhere:/usr/nowhere' } });
    const thrown = await fault(missing.open());
    expect(thrown.fault).toBe('UPSTREAM_START_FAILED');
    expect(thrown.message).toContain('ENOENT');
    expect(thrown.message).toContain('/nowhere:/usr/nowhere');
    expect(thrown.data).toMatchObject({ permanent: true, errno: 'ENOENT' });
    await missing.transport.close();
  });

  it('tells a file that is not executable, a script without its interpreter and a missing directory', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'stdio-'));
    const plain = path.join(directory, 'plain');
    const script = path.join(directory, 'script');
    await writeFile(plain, '#!/bin/sh\n');
    await writeFile(script, '#!/usr/bin/env no-such-interpreter\n');
    await chmod(script, 0o755);
    const refused = async (config: object) => (await fault(server('', { args: [], ...config }).open())).data;
    expect(await refused({ command: plain })).toMatchObject({ permanent: true, errno: 'EACCES' });
    expect(await refused({ command: script })).toMatchObject({ permanent: true, errno: 'ENOENT' });
    expect(await refused({ command: 'sh', cwd: `${directory}/none` })).toMatchObject({
      permanent: true,
      errno: 'ENOENT',
    });
    expect(await refused({ command: 'sh', cwd: plain })).toMatchObject({ permanent: true, errno: 'ENOTDIR' });
    await removeDir(directory);
  });

  it('refuses before the spawn when a required variable is missing, by name', async () => {
    const thrown = await fault(server('echo.mjs', { requiredEnv: ['API_TOKEN'] }).open());
    expect(thrown.fault).toBe('UPSTREAM_START_FAILED');
    expect(thrown.message).toContain('API_TOKEN');
    expect(thrown.data).toMatchObject({ permanent: true, missingEnv: ['API_TOKEN'] });
  });

  it('gives up a start that is aborted, without leaving a process', async () => {
    const echo = server('echo.mjs');
    await fault(echo.transport.open(echo, AbortSignal.abort()));
    const other = server('stubborn.mjs');
    const opening = other.transport.open(other, new AbortController().signal);
    await Promise.all([fault(opening), other.transport.close(200)]);
    if (other.transport.pid !== undefined) expect(groupOf(other.transport.pid)).toEqual([]);
  });
});

describe('the child', () => {
  it('10.30 sees only what it is meant to see, and the log shows names, never values', async () => {
    const logs: unknown[] = [];
    process.env.STDIO_TEST_SECRET = 'planted-a';
    const harness = new Harness(
      {
        command: process.execPath,
        args: [path.join(SERVERS, 'environment.mjs'), 'a b', '$HOME', '"'],
        cwd: tmpdir(),
        env: { TOKEN: 'planted-b' },
      },
      logs,
    );
    running.push(harness);
    await harness.open();
    const { env, cwd, args } = (await harness.ask('any')) as {
      env: Record<string, string>;
      cwd: string;
      args: string[];
    };
    delete process.env.STDIO_TEST_SECRET;
    expect(env.TOKEN).toBe('planted-b');
    expect(env.STDIO_TEST_SECRET).toBeUndefined();
    expect(env.PATH).toBe(process.env.PATH);
    expect(env.HOLDFAST_TAG).toMatch(/^\d+-\d+:test:[0-9a-f]{12}$/);
    expect(cwd).toBe(tmpdir());
    expect(args).toEqual(['a b', '$HOME', '"']);
    expect(JSON.stringify(logs)).toContain('TOKEN');
    expect(JSON.stringify(logs)).not.toContain('planted');
  });

  it('leads its own process group as our direct child, with the priority asked for', async () => {
    const echo = await server('echo.mjs', { supervisor: { nice: 5 } }).open();
    await echo.ask('any');
    const info = processInfo(echo.transport.pid as number);
    expect(info).toMatchObject({ ppid: process.pid, pgid: echo.transport.pid });
    expect(info?.command).toContain('echo.mjs');
    expect(info?.command).not.toContain('setpriv');
    const usage = await echo.transport.usage();
    expect(usage?.rss).toBeGreaterThan(10 * MB);
    expect(usage?.frozen).toBe(false);
  });
});

describe('close (10.31)', () => {
  it('ends a well-behaved server by the end of its stdin, at once', async () => {
    const echo = await server('echo.mjs').open();
    await echo.ask('any');
    await Promise.all([echo.transport.close(), echo.transport.close()]);
    // Three seconds later it would have been a signal that ended it.
    expect(echo.transport.exit).toEqual({ code: 0, signal: null });
    expect(echo.order).not.toContain('closed');
  });

  it('F-P15, C-31 kills one that ignores everything, within the grace', async () => {
    const stubborn = await server('stubborn.mjs').open();
    await stubborn.transport.firstByte;
    const begun = performance.now();
    await stubborn.transport.close(800);
    expect(performance.now() - begun).toBeLessThan(7_000); // 8 s unless it is told
    expect(stubborn.transport.exit).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('F-P16 ends grandchildren in the group', async () => {
    const wrapper = await server('', { command: path.join(SERVERS, 'wrapper.sh'), args: [] }).open();
    await wrapper.ask('any');
    const pid = wrapper.transport.pid as number;
    await wrapper.transport.close(2000);
    expect(groupOf(pid)).toEqual([]);
  });

  it('F-P17 finds a grandchild in a session of its own by its tag, and reports it', async () => {
    const escaping = await server('escape.mjs').open();
    const { pid } = (await escaping.ask('any')) as { pid: number };
    expect(processInfo(pid)?.sid).toBe(pid);
    await escaping.transport.close();
    expect(escaping.transport.escaped).toEqual([pid]);
    expect(processInfo(pid)?.state ?? 'Z').toBe('Z');
    expect(JSON.stringify(escaping.logs)).toContain('left the group');
  });

  it('F-P5 sees a frozen process and does not wait for it', async () => {
    const echo = await server('echo.mjs').open();
    await echo.ask('any');
    process.kill(echo.transport.pid as number, 'SIGSTOP');
    await waitFor(() => processInfo(echo.transport.pid as number)?.state === 'T');
    expect((await echo.transport.usage())?.frozen).toBe(true);
    const begun = performance.now();
    await echo.transport.close(100_000);
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(echo.transport.exit?.signal).toBe('SIGKILL');
  });
});
