import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeDir } from '../../test/support/temp-dir.ts';
import { mapMemory, plain, textOf, type UnderTest, upstreamUnderTest } from '../../test/support/upstream-under-test.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type { EraVerdict } from './connect.ts';

let folder: string;
const running: UnderTest[] = [];
const started = (made: UnderTest): UnderTest => {
  running.push(made);
  return made;
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upstream-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((made) => made.stop()));
  await removeDir(folder);
});
/** What the server wrote down of what it got. */
const recorded = (): Record<string, unknown>[] =>
  readFileSync(join(folder, 'record'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const methods = (): unknown[] => recorded().flatMap((entry) => (entry.method === undefined ? [] : [entry.method]));
const recording = (): string => `--record=${join(folder, 'record')}`;

describe.each(['legacy', 'modern'] as const)('a %s server over stdio', (era) => {
  const start = (flags: string[] = [], more = {}): UnderTest => started(plain([`--era=${era}`, ...flags], more));

  test('MP10 its era is found, its lists are read, a call is answered', async () => {
    const { upstream, text, memory } = start();
    expect(await text('echo', { a: 1 })).toBe('{"a":1}');
    expect(upstream.state.state).toBe('ready');
    expect(upstream.identity).toMatchObject({ era, instructions: 'be kind', serverInfo: { name: 'plain' } });
    expect(upstream.lists.confirmed).toBe(true);
    expect(upstream.lists.tools).toHaveLength(15);
    expect(upstream.lists.resources).toEqual([{ uri: 'test://a', name: 'a' }]);
    expect(upstream.lists.prompts).toEqual([{ name: 'hi' }]);
    expect(memory.get('u')).toMatchObject({ era, transport: 'stdio', server: 'plain@1' });
  });

  test('F-L5 tools without a schema are excluded with a reason, the others stay', async () => {
    const { upstream, reached } = start();
    await reached('ready');
    expect(upstream.lists.excluded).toEqual([
      { kind: 'tools', name: 'no-schema', reason: 'inputSchema is not an object' },
      { kind: 'tools', name: 'null-schema', reason: 'inputSchema is not an object' },
    ]);
  });

  test('lists come in pages', async () => {
    const { upstream, reached } = start(['--page=4']);
    await reached('ready');
    expect(upstream.lists.tools).toHaveLength(15);
  });

  test('a cursor that repeats ends the list', async () => {
    const { upstream, reached } = start(['--loop']);
    await reached('ready');
    expect(upstream.lists.tools).toHaveLength(15);
  });

  test('MP8 vendor keys of _meta pass, the keys of the hop do not', async () => {
    const { upstream } = start();
    const answer = await upstream.call(
      {
        method: 'tools/call',
        params: {
          name: 'meta',
          arguments: {},
          extra: 1,
          _meta: {
            traceparent: 't',
            'io.modelcontextprotocol/protocolVersion': 'x',
            'io.modelcontextprotocol/clientInfo': { name: 'downstream' },
            progressToken: 'theirs',
          },
        },
        safety: 'write',
      },
      (await import('../../test/support/upstream-under-test.ts')).callContext(),
    );
    const got = JSON.parse(textOf(answer)) as Record<string, unknown>;
    expect(got).toEqual({
      name: 'meta',
      arguments: {},
      extra: 1,
      _meta:
        era === 'legacy'
          ? { traceparent: 't' }
          : {
              traceparent: 't',
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'holdfast', version: '0' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
    });
  });

  test('MP6 MP7 progress comes under the token of its caller, before the answer, to nobody else', async () => {
    const { tool } = start();
    const seen: RpcNotification[][] = [[], []];
    await Promise.all(
      [0, 1].map((at) =>
        tool('progress', { steps: 2 }, { progressToken: 'same', notify: (told) => seen[at]?.push(told) }),
      ),
    );
    for (const told of seen) {
      expect(told.map((one) => one.params)).toEqual([
        { progressToken: 'same', progress: 1, total: 3 },
        { progressToken: 'same', progress: 2, total: 3 },
      ]);
    }
  });

  test('MP21 log messages reach the call that wants them, from its level on', async () => {
    const { tool } = start();
    const seen: RpcNotification[] = [];
    await tool('log', {}, { logLevel: 'info', notify: (told) => seen.push(told) });
    expect(seen.map((told) => told.params?.level)).toEqual(['info', 'error']);
    await tool('log', {}, { notify: (told) => seen.push(told) });
    expect(seen).toHaveLength(2);
  });

  test('MP4 an aborted call is cancelled upstream, by our id', async () => {
    const { tool, text } = start([recording()]);
    await text('echo');
    const caller = new AbortController();
    const call = tool('hang', {}, { signal: caller.signal });
    await text('echo');
    caller.abort();
    await expect(call).rejects.toMatchObject({ fault: 'CANCELLED', delivery: 'maybe-sent' });
    await text('echo');
    const cancelled = recorded().find((entry) => entry.notification === 'notifications/cancelled');
    expect(cancelled?.params).toMatchObject({ requestId: expect.any(Number) as number });
  });

  test('F-I26 a call that hangs fails in time, is cancelled upstream, and others go on', async () => {
    const { tool, text } = start([recording()]);
    await text('echo');
    const deadline = performance.now() + 150;
    await expect(tool('hang', {}, { deadline })).rejects.toMatchObject({
      fault: 'DEADLINE_EXCEEDED',
      delivery: 'maybe-sent',
    });
    expect(performance.now() - deadline).toBeLessThan(5_000);
    await text('echo');
    expect(recorded().some((entry) => entry.notification === 'notifications/cancelled')).toBe(true);
  });

  test('MP26 progress keeps a call alive beyond its timeout', async () => {
    const { upstream } = start();
    const { callContext } = await import('../../test/support/upstream-under-test.ts');
    const params = { name: 'progress', arguments: { steps: 6, every: 250 } };
    const answer = await upstream.call(
      { method: 'tools/call', params, safety: 'write', timeout: 1_000 },
      callContext({ progressToken: 1, notify: () => undefined }),
    );
    expect(textOf(answer)).toBe('done');
    await expect(
      upstream.call({ method: 'tools/call', params, safety: 'write', timeout: 1_000 }, callContext()),
    ).rejects.toMatchObject({ fault: 'UPSTREAM_TIMEOUT' });
  });

  test('F-I17 an answer after the deadline is dropped and counted', async () => {
    const { tool, text, upstream } = start();
    await text('echo');
    await expect(tool('late', { after: 200 }, { deadline: performance.now() + 50 })).rejects.toThrow();
    expect(await text('late', { after: 300 })).toBe('late');
    expect(upstream.facts().noise).toBe(1);
  });

  test('F-P4 an exit in the middle of calls fails them at once, and the next call works', async () => {
    const { tool, text, upstream, events } = start();
    await text('echo');
    const hanging = [tool('hang'), tool('hang')];
    const crash = tool('crash');
    for (const call of [...hanging, crash]) {
      await expect(call).rejects.toMatchObject({ fault: 'UPSTREAM_EXITED', delivery: 'maybe-sent', upstream: 'u' });
    }
    expect(await text('echo', { again: true })).toBe('{"again":true}');
    expect(upstream.facts()).toMatchObject({ restarts: 1, lastExit: { code: null, signal: 'SIGKILL' } });
    expect(events.filter((event) => event.type === 'process.exited')).toHaveLength(1);
  });

  test('MP23 changed tools are read again and told once', async () => {
    const { text, upstream, reached } = start();
    await reached('ready');
    const before = upstream.lists;
    const told = new Promise<void>((resolve) => {
      upstream.onChange((what) => what === 'lists' && resolve());
    });
    await text('change');
    await told;
    expect(upstream.lists.tools).toHaveLength(16);
    expect(upstream.lists.revision).toBe(before.revision + 1);
  });

  test('F-I1 F-I12 noise is skipped, an id that comes back as text is ours', async () => {
    const { text, upstream, events } = start();
    expect(await text('odd', { how: 'noise' })).toBe('noisy');
    expect(await text('odd', { how: 'id' })).toBe('string id');
    expect(upstream.facts().noise).toBe(2);
    expect(events.filter((event) => event.type === 'log' && event.level === 'warn')).toHaveLength(1);
  });

  test.each(['content', 'both'])('F-I18 F-I19 an answer with odd %s is a fault, never a success', async (how) => {
    const { tool } = start();
    await expect(tool('odd', { how })).rejects.toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
  });

  test('its own JSON-RPC error is an answer', async () => {
    const { tool } = start();
    expect(await tool('odd')).toMatchObject({ error: { code: -32000, message: 'odd' }, era });
  });

  test('X-05, X-20, X-52 a healthy call costs one request upstream, a connection reads each list once', async () => {
    const { text } = start([recording()]);
    await text('echo');
    const before = methods().length;
    const lists = methods().filter((method) => String(method).endsWith('/list'));
    expect(lists.toSorted()).toEqual(['prompts/list', 'resources/list', 'resources/templates/list', 'tools/list']);
    for (let n = 0; n < 5; n++) await text('echo');
    expect(methods().slice(before)).toEqual(Array.from({ length: 5 }, () => 'tools/call'));
  });
});

describe('finding the era', () => {
  test('MP10 a server that exits on the probe is started again and spoken to as legacy; known, it is not probed', async () => {
    const made = started(plain(['--exit-on-probe', recording()]));
    expect(await made.text('echo')).toBe('{}');
    expect(recorded().filter((entry) => entry.started !== undefined)).toHaveLength(2);
    await expect(made.tool('crash')).rejects.toThrow();
    expect(await made.text('echo')).toBe('{}');
    expect(recorded().filter((entry) => entry.started !== undefined)).toHaveLength(3);
  });

  test('MP10 a server that is silent on the probe is tried as legacy after a while', async () => {
    const made = started(plain(['--silent-on-probe']));
    expect(await made.text('echo')).toBe('{}');
    expect(made.upstream.identity?.era).toBe('legacy');
    // The question that was never answered holds nothing up.
    const began = performance.now();
    await made.upstream.stop({ drain: 100_000, reason: 'removed' });
    expect(performance.now() - began).toBeLessThan(50_000);
  });

  test.each([
    ['legacy', 'modern'],
    ['modern', 'legacy'],
  ] as const)('MP10 a server remembered as %s that came back as %s is found out', async (before, now) => {
    const memory = new Map([['u', { era: before, transport: 'stdio', server: 'plain@1' }]]);
    const eraMemory = {
      get: (name: string) => memory.get(name),
      set: (name: string, verdict: unknown) => void memory.set(name, verdict as never),
    };
    const made = started(plain([`--era=${now}`], {}, { eraMemory }));
    expect(await made.text('echo')).toBe('{}');
    expect(made.upstream.identity?.era).toBe(now);
    expect(memory.get('u')?.era).toBe(now);
  });

  test('MP10 a server remembered as legacy that has learnt the modern era is found out beside its work', async () => {
    const verdict = { era: 'legacy' as const, transport: 'stdio', server: 'plain@1', askable: true };
    const memory = new Map([['u', verdict as EraVerdict]]);
    const made = started(plain(['--era=dual', recording()], {}, { eraMemory: mapMemory(memory) }));
    await made.reached('ready');
    expect(made.upstream.identity?.era).toBe('legacy');
    expect(methods()[0]).toBe('initialize');
    await made.reached('starting');
    expect(await made.text('echo')).toBe('{}');
    expect(made.upstream.identity?.era).toBe('modern');
    expect(memory.get('u')?.era).toBe('modern');
  });

  test('MP10 a known legacy server is not kept waiting by a probe, and never asked what would end it', async () => {
    const made = started(plain([recording()]));
    await made.text('echo');
    expect(methods().slice(0, 2)).toEqual(['server/discover', 'initialize']);
    const before = methods().length;
    made.upstream.restart({ force: true });
    await made.text('echo');
    expect(methods()[before]).toBe('initialize');
    expect(made.upstream.identity?.era).toBe('legacy');
  });

  test('F-P14 a version that nobody speaks is a permanent failure that shows both', async () => {
    const made = started(plain(['--revision=1999-01-01']));
    const state = await made.reached('failed');
    expect(state).toMatchObject({ cause: { fault: 'UPSTREAM_START_FAILED' } });
    await expect(made.tool('echo')).rejects.toMatchObject({
      fault: 'UPSTREAM_START_FAILED',
      message: expect.stringMatching(/1999-01-01.*2025-11-25/) as string,
    });
  });

  test('F-I2 a banner before the handshake is skipped', async () => {
    const made = started(plain(['--banner']));
    expect(await made.text('echo')).toBe('{}');
  });
});

describe('questions of the server (10.6, MP20)', () => {
  const asks = (answer: unknown) => ({
    client: {
      era: 'legacy' as const,
      revision: '2025-11-25',
      capabilities: { elicitation: {}, roots: {} },
      info: {},
      key: 'asked',
    },
    ask: () => Promise.resolve({ result: answer as Record<string, unknown> }),
  });

  test('F-I25 go to the caller that can answer', async () => {
    const { text } = started(plain());
    expect(await text('ask', {}, asks({ action: 'accept', content: { name: 'Ada' } }))).toBe(
      '{"action":"accept","content":{"name":"Ada"}}',
    );
    expect(await text('roots', {}, asks({ roots: [{ uri: 'file:///a' }] }))).toBe('{"roots":[{"uri":"file:///a"}]}');
  });

  test('F-I25 are answered for a caller that cannot', async () => {
    const { text } = started(plain());
    expect(await text('ask')).toBe('{"action":"decline"}');
    expect(await text('roots')).toBe('{"roots":[]}');
  });

  test('are never guessed between two callers, and an interactive server then gets one such caller at a time', async () => {
    const { text, tool } = started(plain());
    const other = tool('late', { after: 150 }, asks({ action: 'accept', content: {} }));
    expect(await text('ask', {}, asks({ action: 'accept', content: {} }))).toBe('{"action":"decline"}');
    await other;
    const answers = await Promise.all(
      ['Ada', 'Bob', 'Cy'].map((name) => text('ask', {}, asks({ action: 'accept', content: { name } }))),
    );
    expect(answers.map((answer) => (JSON.parse(answer) as { content: { name: string } }).content.name)).toEqual([
      'Ada',
      'Bob',
      'Cy',
    ]);
  });
});

describe('starting and waiting (10.3, 10.15)', () => {
  test('F-P9, C-01, C-34, X-40 a process that prints that it has started, and nothing else, is never ready', async () => {
    const say = 'console.log("Server started"); console.error("Server LISTENING on stdio")';
    const args = ['-e', `${say}; setInterval(() => undefined, 1000)`];
    const supervisor = { readyPatterns: ['listening', 'connected'] };
    const made = started(
      upstreamUnderTest({ command: process.execPath, args, timeouts: { start: '500ms' }, supervisor }),
    );
    made.upstream.start();
    // What it prints is shown as the hint that it is.
    await vi.waitFor(() => expect(made.upstream.facts().printed).toEqual(['listening']), 30_000);
    expect(made.upstream.state.state).toBe('starting');
    const state = await made.reached('backoff');
    expect(state).toMatchObject({ attempt: 1, cause: { fault: 'UPSTREAM_TIMEOUT' } });
    expect(made.events.filter((event) => event.type === 'upstream.state').map((event) => event.to)).not.toContain(
      'ready',
    );
  });

  test('F-P11, C-03 a missing command fails for good and says so', async () => {
    const made = started(upstreamUnderTest({ command: '/no/such/program' }));
    made.upstream.start();
    await made.reached('failed');
    await expect(made.tool('echo')).rejects.toMatchObject({ fault: 'UPSTREAM_START_FAILED', delivery: 'not-sent' });
  });

  test('F-P8 a process that stumbles twice comes up by itself, and the first call waited for it', async () => {
    const file = join(folder, 'fails');
    (await import('node:fs')).writeFileSync(file, '2');
    const made = started(plain([`--fail-starts=${file}`]));
    expect(await made.text('echo')).toBe('{}');
  });

  test('F-P7 a crash at every start ends in cooling_down, and calls are told at once', async () => {
    const file = join(folder, 'fails');
    (await import('node:fs')).writeFileSync(file, '99');
    const made = started(plain([`--fail-starts=${file}`], {}, { random: () => 0 }));
    const state = await made.reached('cooling_down');
    expect(state).toMatchObject({ attempt: 4 });
    const began = performance.now();
    await expect(made.tool('echo')).rejects.toMatchObject({
      fault: 'COOLING_DOWN',
      delivery: 'not-sent',
      data: { state: 'cooling_down' },
    });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('force skips the wait and brings it back', async () => {
    const file = join(folder, 'fails');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, '99');
    const made = started(plain([`--fail-starts=${file}`], {}, { random: () => 0 }));
    await made.reached('cooling_down');
    writeFileSync(file, '0');
    made.upstream.restart({ force: false });
    expect(made.upstream.state.state).toBe('cooling_down');
    made.upstream.restart({ force: true });
    expect(await made.text('echo')).toBe('{}');
  });

  test('A-08 started twice, it is one process', async () => {
    const made = started(plain([recording()]));
    made.upstream.start();
    await made.reached('ready');
    made.upstream.start();
    expect(await made.text('echo')).toBe('{}');
    expect(recorded().filter((entry) => entry.started !== undefined)).toHaveLength(1);
  });

  test('F-K7 a stopped upstream is not revived by a call', async () => {
    const made = started(plain());
    await made.reached('ready');
    const pid = made.upstream.facts().pid as number;
    await made.upstream.stop({ drain: 0, reason: 'removed' });
    expect(made.upstream.state).toMatchObject({ state: 'stopped', reason: 'removed' });
    await expect(made.tool('echo')).rejects.toMatchObject({ fault: 'UPSTREAM_NOT_READY' });
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test('a stop gives calls in flight their time', async () => {
    const made = started(plain());
    await made.reached('ready');
    const call = made.text('late', { after: 150 });
    await made.upstream.stop({ drain: 2_000, reason: 'removed' });
    expect(await call).toBe('late');
  });

  test('`serial` lets one call through at a time', async () => {
    const made = started(plain([], { serial: true }));
    await made.reached('ready');
    const first = made.text('late', { after: 100 });
    const began = performance.now();
    await made.text('echo');
    expect(performance.now() - began).toBeGreaterThan(60);
    await first;
  });

  test('F-C15 what does not fit the queue is refused at once', async () => {
    const made = started(plain([], { limits: { inFlight: 1, queue: 1 } }));
    await made.reached('ready');
    const first = made.text('late', { after: 100 });
    const second = made.text('echo');
    await expect(made.tool('echo')).rejects.toMatchObject({ fault: 'OVERLOADED', delivery: 'not-sent' });
    await first;
    await second;
  });
});

describe('subscriptions', () => {
  test('MP22 a legacy server is asked once per URI, and again after it came back', async () => {
    const made = started(plain([recording()]));
    const { callContext } = await import('../../test/support/upstream-under-test.ts');
    await made.reached('ready');
    const first = await made.upstream.subscribe('test://a', callContext());
    expect(first).toMatchObject({ era: 'legacy' });
    expect(await made.upstream.subscribe('test://a', callContext())).toBeUndefined();
    expect(methods().filter((method) => method === 'resources/subscribe')).toHaveLength(1);
    await expect(made.tool('crash')).rejects.toThrow();
    await made.text('echo');
    expect(methods().filter((method) => method === 'resources/subscribe')).toHaveLength(2);
    await made.upstream.unsubscribe('test://a');
    expect(methods()).not.toContain('resources/unsubscribe');
    await made.upstream.unsubscribe('test://a');
    expect(methods()).toContain('resources/unsubscribe');
  });

  test('MP16 a modern server gets one stream with the union of what is wanted', async () => {
    const made = started(plain(['--era=modern', recording()]));
    const { callContext } = await import('../../test/support/upstream-under-test.ts');
    await made.reached('ready');
    await made.upstream.subscribe('test://a', callContext());
    await made.text('echo');
    const filters = recorded()
      .filter((entry) => entry.method === 'subscriptions/listen')
      .map((entry) => (entry.params as { notifications: unknown }).notifications);
    expect(filters).toEqual([
      { toolsListChanged: true, resourcesListChanged: true },
      { toolsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ['test://a'] },
    ]);
    expect(recorded().filter((entry) => entry.notification === 'notifications/cancelled')).toHaveLength(1);
  });
});
