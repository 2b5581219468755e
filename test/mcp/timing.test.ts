// What time does to answers and streams; the clock is the test's (10.18, 10.28, F-C7).
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutgoingStream } from '../../src/faces/mcp/event-stream.ts';
import { Exchanges } from '../../src/faces/mcp/exchanges.ts';
import { exchange, type SseEvent } from '../support/http-exchange.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { type McpHouse, openHouse } from '../support/mcp-house.ts';
import { held, ScriptedUpstream, text } from '../support/scripted-upstream.ts';

let house: McpHouse;
let upstream: ScriptedUpstream;
let client: LegacyHttpClient;
beforeEach(async () => {
  // Only what the face itself uses; sockets keep their own time.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  upstream = new ScriptedUpstream('u', ['read']);
  house = await openHouse({ upstreams: [upstream] });
  client = new LegacyHttpClient(`${house.url}/mcp/u`);
  await client.initialize();
});
afterEach(async () => {
  await client.close();
  await house[Symbol.asyncDispose]();
  vi.useRealTimers();
});

/** Real time, for sockets. */
const soon = () => new Promise((resolve) => setTimeout(resolve, 30));
const later = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms);
  await soon();
};
const session = () => ({ 'content-type': 'application/json', 'mcp-session-id': client.sessionId as string });
const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}';

describe('an answer that takes long (10.28)', () => {
  it('opens a stream after 5 s, keeps it alive with comments every 15 s, and ends with the answer', async () => {
    const hold = held();
    upstream.script = hold.script;
    const events: SseEvent[] = [];
    let opened = false;
    const reply = exchange(`${house.url}/mcp/u`, {
      body: call,
      headers: { ...session(), accept: 'application/json, text/event-stream' },
      onEvent: (event) => events.push(event),
    }).then((one) => {
      opened = true;
      return one;
    });
    await hold.called;
    await later(4_000);
    expect(opened).toBe(false);
    await later(2_000);
    expect(opened).toBe(true);
    await later(31_000);
    expect(events.filter(({ event }) => event === ':').length).toBe(2);
    hold.answer(text('late'));
    const { type, body } = await reply;
    expect(await body).toContain('late');
    expect(type).toBe('text/event-stream');
    expect(house.mcp.open.answers).toBe(0);
  });

  it('stays JSON where the client takes nothing else', async () => {
    const hold = held();
    upstream.script = hold.script;
    const reply = exchange(`${house.url}/mcp/u`, { body: call, headers: { ...session(), accept: 'application/json' } });
    await hold.called;
    await later(60_000);
    hold.answer(text('late'));
    expect((await reply).type).toBe('application/json');
  });
});

describe('a standing stream (MP3, MP22)', () => {
  it('gets a comment every 15 s', async () => {
    const events: SseEvent[] = [];
    await client.openStream({ onEvent: (event) => events.push(event) });
    for (let second = 0; second < 46; second += 2) await later(2_000);
    expect(events.filter(({ event }) => event === ':')).toHaveLength(3);
  });

  it('without a client listens for 30 s more, then is gone with its listeners', async () => {
    const stream = await client.openStream();
    expect(upstream.listeners.notifications).toBe(1);
    stream.leave();
    await soon();
    await later(29_000);
    expect(upstream.listeners.notifications).toBe(1);
    await later(3_000);
    expect(upstream.listeners.notifications).toBe(0);
    expect(house.mcp.open.streams).toBe(0);
  });

  it('that ended can be resumed for five minutes, then it is a fresh one', async () => {
    upstream.script = (_call, context) => {
      context.notify?.({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
      return text('kept');
    };
    let first = '';
    const reply = await exchange(`${house.url}/mcp/u`, {
      body: call,
      headers: { ...session(), accept: 'application/json, text/event-stream' },
      onEvent: ({ id }) => {
        first ||= id ?? '';
      },
    });
    await reply.body;
    const resume = async () => {
      const one = await exchange(`${house.url}/mcp/u`, {
        method: 'GET',
        headers: { ...session(), accept: 'text/event-stream', 'last-event-id': first },
      });
      const got = await Promise.race([one.body, soon().then(() => 'a fresh one')]);
      one.leave();
      return got;
    };
    expect(await resume()).toContain('kept');
    await later(4 * 60_000);
    expect(await resume()).toContain('kept');
    await later(6 * 60_000);
    expect(await resume()).toBe('a fresh one');
  });
});

describe('OutgoingStream (10.18, F-C7)', () => {
  /** A response that never gets anything away. */
  function slow() {
    const written: Buffer[] = [];
    return {
      written,
      req: { headers: {}, rawHeaders: [] },
      destroyed: false,
      writableLength: 0,
      on() {},
      writeHead() {},
      flushHeaders() {},
      end() {},
      write(bytes: Buffer) {
        written.push(bytes);
        this.writableLength += bytes.length;
      },
      destroy() {
        this.destroyed = true;
      },
    };
  }
  const attach = (stream: OutgoingStream, response: ReturnType<typeof slow>, options = {}) =>
    stream.attach(response as never, options);

  it('cuts off whoever does not read, before it takes more memory; one large message is no reason', () => {
    const stream = new OutgoingStream(false);
    const response = slow();
    attach(stream, response);
    stream.send(Buffer.alloc(OutgoingStream.MAX_WAITING + 1, 'x'));
    expect([response.destroyed, response.written.length]).toEqual([false, 1]);
    stream.send('{"more":1}');
    expect([response.destroyed, response.written.length, stream.attached]).toEqual([true, 1, false]);
    stream.send('{"more":2}');
    expect(response.written).toHaveLength(1);
  });

  it('replays what came after an event, at most the last 256 or 1 MB', () => {
    const stream = new OutgoingStream(true);
    for (let event = 1; event <= 300; event++) stream.send(`{"n":${event}}`);
    const response = slow();
    attach(stream, response, { after: 250 });
    expect(response.written).toHaveLength(50);
    expect(String(response.written[0])).toContain('"n":251');
    const all = slow();
    attach(stream, all, { after: 0 });
    expect(all.written).toHaveLength(256);
    const large = new OutgoingStream(true);
    for (let event = 1; event <= 20; event++) large.send(Buffer.alloc(100_000, 'x'));
    const last = slow();
    attach(large, last, { after: 0 });
    expect(last.written.length).toBeLessThanOrEqual(10);
  });

  it('sends nothing after its end', () => {
    const stream = new OutgoingStream(true);
    stream.end();
    stream.send('{}');
    const response = slow();
    attach(stream, response, { after: 0 });
    expect([stream.ended, response.written]).toEqual([true, []]);
  });

  it.each([
    ['large ones', 20, 10_000_000, 6],
    ['many', 1_500, 10, 1_000],
  ])('what is kept for a resumption is bounded, the oldest of %s go first', async (_name, count, size, most) => {
    const exchanges = new Exchanges();
    const streams = Array.from({ length: count }, () => {
      const stream = new OutgoingStream(true);
      exchanges.keep(stream, 'n');
      stream.send(Buffer.alloc(size, 'x'));
      stream.end();
      return stream;
    });
    await vi.advanceTimersByTimeAsync(3_000);
    const kept = streams.map((stream) => exchanges.resume(stream.id, 0, 'n', slow() as never));
    expect(kept.filter(Boolean)).toHaveLength(most);
    expect(kept.lastIndexOf(false)).toBe(count - most - 1);
    exchanges.close();
  });
});
