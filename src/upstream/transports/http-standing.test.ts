import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayFault } from '../../core/fault.ts';
import { ResponseHeaders } from '../../wire/http-client.ts';
import type { Answer } from './http-answer.ts';
import { StandingStream } from './http-standing.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Opens the stream; every GET is answered by `answer`. Gives the times of the GETs, in ms. */
function standing(answer: (answer: Answer, lastEventId: string) => void) {
  const opened: number[] = [];
  const events: string[] = [];
  const logs: string[] = [];
  const stream = new StandingStream({
    upstream: 'far',
    limit: 1_000,
    send: (sent, lastEventId) => {
      opened.push(performance.now());
      answer(sent, lastEventId);
    },
    event: (data) => events.push(data.toString()),
    bytes: () => {},
    log: (_level, text) => logs.push(text),
  });
  return { opened, events, logs, stream };
}

const sse = new ResponseHeaders(['content-type', 'text/event-stream']);
const none = new ResponseHeaders([]);

describe('the GET stream of a legacy session', () => {
  it.each([
    ['nothing', ''],
    ['an event', 'data: {}\n\n'],
    ['an event and retry', 'retry: 100\ndata: {}\n\n'],
  ])('F-H18: dropped every 200 ms after %s, it comes back fewer than 10 times in any minute', async (_, text) => {
    const { opened, stream } = standing((answer) => {
      setTimeout(() => {
        answer.head(200, sse);
        if (text !== '') answer.data(Buffer.from(text));
        answer.end();
      }, 200);
    });
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    stream.close();
    const again = opened.slice(1);
    for (const at of again) {
      expect(again.filter((other) => other >= at && other < at + 60_000).length).toBeLessThan(10);
    }
    expect(opened.length).toBeGreaterThan(10);
  });

  it('waits longer while the server cannot be reached, but never gives up', async () => {
    const { opened, stream } = standing((answer) => {
      queueMicrotask(() => answer.failed(new GatewayFault('UPSTREAM_UNREACHABLE', 'gone')));
    });
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    stream.close();
    expect(opened.length).toBeGreaterThan(100);
    expect(opened.length).toBeLessThan(600);
  });

  it.each([[405], [404], [400], [401], [501]])('HTTP %i: there is none', async (status) => {
    const { opened } = standing((answer) => queueMicrotask(() => answer.head(status, none)));
    await vi.advanceTimersByTimeAsync(600_000);
    expect(opened).toHaveLength(1);
  });

  it.each([[503], [500], [429], [409]])('HTTP %i: later', async (status) => {
    const { opened, stream } = standing((answer) =>
      queueMicrotask(() => {
        answer.head(status, none);
        answer.end();
      }),
    );
    await vi.advanceTimersByTimeAsync(600_000);
    stream.close();
    expect(opened.length).toBeGreaterThan(1);
  });

  it('goes on behind the last event, also one that was too large and skipped', async () => {
    const asked: string[] = [];
    const { stream, events, logs } = standing((answer, lastEventId) => {
      asked.push(lastEventId);
      queueMicrotask(() => {
        answer.head(200, sse);
        const large = `id: b\ndata: ${'x'.repeat(2_000)}\n\n`;
        if (asked.length < 3) answer.data(Buffer.from(asked.length === 1 ? 'id: a\ndata: 1\n\n' : large));
        answer.end();
      });
    });
    await vi.advanceTimersByTimeAsync(60_000);
    stream.close();
    expect(asked.slice(0, 4)).toEqual(['', 'a', 'b', 'b']);
    expect(events).toEqual(['1']);
    expect(logs.filter((text) => text.includes('limits.message'))).toHaveLength(1);
  });

  it('close ends the wait', async () => {
    const { opened, stream } = standing((answer) => queueMicrotask(() => answer.end()));
    stream.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(opened).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
