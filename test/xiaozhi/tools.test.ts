// What an endpoint is shown, and what its calls bring: filter, names, budget, pages, long calls, large results
// (X-66, X-70, D-40, D-41, 10.12, 10.19, F-X11).
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type CloudConnection, CloudSimulator, type Message } from './simulators/cloud.ts';
import { configured, rig } from './support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open(endpoint: JsonObject = {}, deps: Parameters<typeof rig>[2] = {}, cloudOptions = {}) {
  const cloud = await CloudSimulator.start(cloudOptions);
  ends.push(() => cloud.stop());
  const opened = cloud.next();
  const made = rig([{ url: cloud.url(), name: 'a', ...endpoint }], {}, deps);
  ends.push(() => made.face.close(0));
  const connection = await opened;
  await connection.message(({ id }) => id === 1);
  return { ...made, cloud, connection };
}

const resultOf = (message: Message) =>
  message.result as { content: { type: string; text: string }[]; isError?: boolean; structuredContent?: unknown };
const textOf = (message: Message) =>
  resultOf(message)
    .content.map(({ text }) => text)
    .join('');

async function names(connection: CloudConnection): Promise<string[]> {
  return connection.list();
}

describe('tools of an endpoint', () => {
  it('are filtered by globs, in the list and in calls; both with and without the upstream (X-66)', async () => {
    const { view, connection } = await open({ tools: { allow: ['a/*', 'hello'], disabled: ['*secret*'] } });
    view.tool('one', undefined, { upstream: 'a' }).tool('two', undefined, { upstream: 'b' });
    view.tool('secret', undefined, { upstream: 'a' });
    expect(await names(connection)).toEqual(['hello', 'a__one', 'get_result']);
    expect(await connection.text('a__one')).toBe('one says hello');
    for (const hidden of ['b__two', 'a__secret']) {
      expect(await connection.call(hidden)).toMatchObject({ error: { code: -32602, data: { fault: 'TOOL_UNKNOWN' } } });
    }
    expect(view.called).toEqual(['a__one']);
  });

  it('are limited by number and bytes, with a remark; a large one does not keep small ones out (X-66, D-29)', async () => {
    const { view, face, connection } = await open({ maxTools: 4, maxBytes: 600 });
    view.tool('huge', undefined, { definition: { description: 'x'.repeat(1000) } });
    for (const name of ['b', 'c', 'd']) view.tool(name);
    expect(await names(connection)).toEqual(['hello', 'b', 'c', 'get_result']);
    const [status] = face.status();
    expect(status?.tools).toMatchObject({ listed: 4, leftOut: 2 });
    expect(status?.tools.bytes).toBeLessThanOrEqual(600);
    expect(Buffer.byteLength(connection.frames.at(-1)?.text ?? '') - 40).toBeLessThanOrEqual(600);
    expect(status?.remarks.join()).toContain('huge, d');
    // The limit is one of the list: what was listed once is still answered.
    expect(await connection.text('d')).toBe('d says hello');
  });

  it('above 25 without a limit, the status says so (D-29)', async () => {
    const { view, face } = await open();
    for (let n = 0; n < 30; n++) view.tool(`t${n}`);
    expect(face.status()[0]?.remarks.join()).toContain('32 tools are listed; some relays hang above 25');
  });

  it('come on pages where asked, with cursors of ours only (X-66, 10.8)', async () => {
    const { view, connection } = await open({ pageSize: 2 });
    for (const name of ['b', 'c', 'd']) view.tool(name);
    const page = async (cursor?: string) =>
      (await connection.request('tools/list', cursor === undefined ? {} : { cursor })) as {
        result?: { tools: { name: string }[]; nextCursor?: string };
        error?: Message;
      };
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { result } = await page(cursor);
      seen.push(...(result?.tools.map(({ name }) => name) ?? []));
      cursor = result?.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(['hello', 'b', 'c', 'd', 'get_result']);
    expect((await page('nonsense')).error).toMatchObject({ code: -32602 });
    expect((await page(Buffer.from('page 99').toString('base64url'))).error).toMatchObject({ code: -32602 });
  });

  it('have names that the platform takes, unique, found by table (10.12); custom tools have no prefix (D-40)', async () => {
    const { view, connection } = await open({ tools: { disabled: ['hello'] } });
    view
      .tool('天气.查询')
      .tool('a.b')
      .tool('a_b')
      .tool('x'.repeat(80))
      .tool('weather', undefined, { upstream: 'custom' });
    const shown = await names(connection);
    expect(shown.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name))).toBe(true);
    expect(new Set(shown).size).toBe(6);
    expect(shown).toContain('weather');
    for (const name of shown.filter((one) => one !== 'get_result')) await connection.text(name);
    expect(view.called).toEqual(['天气.查询', 'a.b', 'a_b', 'x'.repeat(80), 'custom__weather']);
  });

  it('a tool that is called like the gateway own one keeps its name', async () => {
    const { view, connection } = await open();
    view.tool('get_result', () => 'mine');
    expect(await names(connection)).toEqual(['hello', 'get_result', 'holdfast_get_result']);
    expect(await connection.text('get_result')).toBe('mine');
  });

  it('a call waits for a tool of an upstream that is coming up (10.15)', async () => {
    const late = new ScriptedUpstream('late');
    late.list({ confirmed: false });
    late.become({ state: 'starting', since: 0, attempt: 1, deadline: 0, phase: 'listing' });
    const { view, connection } = await open({}, { upstreams: () => [late] });
    const answer = connection.text('late');
    await expect.poll(() => late.listeners.changes).toBeGreaterThan(0);
    view.tool('late', () => 'here');
    late.become({ state: 'ready', since: 1 });
    expect(await answer).toBe('here');
  });

  it('arguments are checked before anything is sent, and the model is told (10.19)', async () => {
    const { view, connection } = await open(
      {},
      {
        validate: async (tool, args) =>
          tool.name === 'hello' && typeof args.n !== 'number'
            ? [{ path: '/n', expected: 'number', got: 'nothing' }]
            : [],
      },
    );
    const refused = await connection.call('hello');
    expect(resultOf(refused).isError).toBe(true);
    expect(textOf(refused)).toContain('/n: expected number, got nothing');
    expect(view.called).toEqual([]);
    expect(await connection.text('hello', { n: 1 })).toBe('hello says hello');
  });

  it('arguments that are null or missing are none; what is no object is refused (10.19)', async () => {
    const { view, connection } = await open();
    view.tool('what', (args) => JSON.stringify(args));
    for (const params of [{ name: 'what', arguments: null, serialNumber: null }, { name: 'what' }])
      expect(textOf(await connection.request('tools/call', params))).toBe('{}');
    for (const wrong of ['{"city":"Rome"}', [1], 7]) {
      const answer = await connection.request('tools/call', { name: 'what', arguments: wrong });
      expect(resultOf(answer).isError).toBe(true);
      expect(textOf(answer)).toContain('arguments: expected object, got');
    }
  });

  it('faults of an upstream and its own errors are told as everywhere', async () => {
    const { view, connection } = await open();
    view.tool('bad', () => {
      throw new Error('boom');
    });
    expect(await connection.call('bad')).toMatchObject({ error: { code: -32603, data: { fault: 'INTERNAL' } } });
  });
});

describe('large results (F-X11)', () => {
  it('are cut at maxResult, at a whole character, with a note in the language of the endpoint', async () => {
    for (const [locale, note] of [
      ['zh', '已截断'],
      ['en', 'cut:'],
      ['auto', '已截断'],
    ]) {
      const { view, connection } = await open({ maxResult: 1000, locale });
      view.tool('long', () => '天气'.repeat(5000));
      const answer = await connection.call('long');
      expect(Buffer.byteLength(JSON.stringify(answer.result))).toBeLessThanOrEqual(1000);
      expect(textOf(answer)).toContain(note);
      expect(textOf(answer)).not.toContain('\ufffd');
      expect(textOf(answer).startsWith('天气天气')).toBe(true);
    }
  });

  it('follows the language of the gateway where the endpoint has none', async () => {
    const { view, connection } = await open({ maxResult: 300 }, { locale: () => 'en' });
    view.tool('long', () => 'x'.repeat(5000));
    expect(textOf(await connection.call('long'))).toContain('cut:');
  });
});

describe('calls that take long (D-41, X-70)', () => {
  const LONG = { longTool: { after: '40ms', keep: '10s' }, locale: 'en' };

  it('are answered in time with a task number; the result is fetched later, or comes with the next identical call, once', async () => {
    const { view, face, connection } = await open(LONG);
    let runs = 0;
    const finish: ((text: string) => void)[] = [];
    view.tool('slow', () => {
      runs++;
      return new Promise<string>((resolve) => finish.push(resolve));
    });
    const told = await connection.call('slow', { city: 'Berlin', n: 1 });
    expect(resultOf(told).isError).toBe(false);
    const [task] = /\b\d{4}\b/.exec(textOf(told)) ?? [];
    expect(textOf(told)).toContain('get_result');
    // Still running: patience, both ways, and nothing is started twice.
    expect(textOf(await connection.call('get_result', { task }))).toContain('still working');
    expect(textOf(await connection.call('slow', { n: 1, city: 'Berlin' }))).toContain(task);
    expect(runs).toBe(1);
    // Another call is another call.
    expect(textOf(await connection.call('slow', { city: 'Rome', n: 1 }))).not.toContain(task);
    expect(runs).toBe(2);
    finish[0]?.('sunny');
    expect(textOf(await connection.call('get_result', { task }))).toBe('sunny');
    expect(textOf(await connection.call('get_result', { task: Number(task) }))).toBe('sunny');
    finish[1]?.('rain');
    expect(textOf(await connection.call('slow', { city: 'Rome', n: 1 }))).toBe('rain');
    // Delivered: the next ones run anew.
    expect(textOf(await connection.call('slow', { city: 'Rome', n: 1 }))).toContain('task number');
    expect(textOf(await connection.call('slow', { city: 'Berlin', n: 1 }))).toContain('task number');
    expect(runs).toBe(4);
    expect(face.status()[0]?.tasks).toBe(3);
  });

  it('quick results are never kept, and failures that come late are told when fetched', async () => {
    const { view, face, connection } = await open(LONG);
    let fail = (_: Error): void => undefined;
    view.tool('fails', () => new Promise<string>((_, reject) => (fail = reject)));
    await connection.text('hello');
    expect(face.status()[0]?.tasks).toBe(0);
    const [task] = /\b\d{4}\b/.exec(textOf(await connection.call('fails'))) ?? [];
    fail(new Error('boom'));
    expect(await connection.call('get_result', { task })).toMatchObject({ error: { code: -32603 } });
    expect(resultOf(await connection.call('get_result', { task: '1' }))).toMatchObject({ isError: true });
  });

  it('the result outlives the connection, and expires', async () => {
    const { view, face, cloud, connection } = await open({
      longTool: { after: '20ms', keep: '150ms' },
      locale: 'en',
      reconnect: { baseDelay: '5ms' },
    });
    let finish = (_: string): void => undefined;
    view.tool('slow', () => new Promise<string>((resolve) => (finish = resolve)));
    const [task] = /\b\d{4}\b/.exec(textOf(await connection.call('slow'))) ?? [];
    const again = cloud.next();
    connection.break();
    const second = await again;
    await second.message(({ id }) => id === 1);
    finish('done');
    expect(textOf(await second.call('get_result', { task }))).toBe('done');
    await expect.poll(() => face.status()[0]?.tasks).toBe(0);
    expect(resultOf(await second.call('get_result', { task })).isError).toBe(true);
  });

  it('notifications of a call stop when it was answered with a number; a caller that leaves early cancels it', async () => {
    const { view, connection } = await open(LONG);
    let notify: (() => void) | undefined;
    let aborted = false;
    view.tool('slow', (_, context) => {
      notify = () =>
        context.notify?.({ method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } });
      context.signal.addEventListener('abort', () => {
        aborted = true;
      });
      notify();
      return new Promise<string>(() => undefined);
    });
    await connection.call('slow');
    notify?.();
    await connection.request('ping');
    expect(connection.received.filter(({ method }) => method === 'notifications/progress')).toHaveLength(1);
    connection.send({ jsonrpc: '2.0', id: 'q', method: 'tools/call', params: { name: 'slow', arguments: { q: 1 } } });
    await connection.request('ping');
    connection.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'q' } });
    await expect.poll(() => aborted).toBe(true);
  });

  it('can be switched off', async () => {
    const { view, connection } = await open({ longTool: { enabled: false, after: '10ms' } });
    view.tool('slow', () => new Promise<string>((resolve) => setTimeout(resolve, 60, 'late')));
    expect(await names(connection)).toEqual(['hello', 'slow']);
    expect(await connection.text('slow')).toBe('late');
  });

  it('settings change while a connection stays', async () => {
    const { face, cloud, connection } = await open({}, {}, { followsChanges: true });
    const told = connection.message(({ method }) => method === 'notifications/tools/list_changed');
    face.apply(configured([{ url: cloud.url(), name: 'a', longTool: { enabled: false } }]));
    await told;
    await expect.poll(() => connection.lists.at(-1)).toEqual(['hello']);
    expect(cloud.connections).toHaveLength(1);
  });
});
