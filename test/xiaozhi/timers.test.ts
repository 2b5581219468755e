// What takes minutes and hours, with time and sockets made up (F-X1, F-X4, F-X8, X-61, X-62).
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { XiaozhiDeps } from '../../src/faces/xiaozhi/endpoint-manager.ts';
import { DialError } from '../../src/wire/http-dial.ts';
import { type DialedSocket, UpgradeRefused } from '../../src/wire/websocket.ts';
import { type Rig, rig } from './support.ts';

/** As much of a WebSocket as a connection uses. */
class MadeUpSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  answersPings = true;
  received = 0;
  pause(): void {}
  resume(): void {}
  ping(): void {
    if (!this.answersPings) return;
    this.received++;
    this.emit('pong', Buffer.alloc(0));
  }
  send(): void {}
  close(code: number): void {
    this.lose(code);
  }
  terminate(): void {
    this.lose(1006);
  }
  lose(code: number): void {
    if (this.readyState !== 1) return;
    this.readyState = 3;
    this.emit('close', code, Buffer.alloc(0));
  }
  says(message: object): void {
    this.received++;
    this.emit('message', Buffer.from(JSON.stringify(message)), false);
  }
}

interface World extends Rig {
  sockets: Map<string, MadeUpSocket>;
  /** When each URL was dialled, in milliseconds since the start. */
  dials: { url: string; at: number }[];
}

let started: Rig[] = [];
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  for (const { face } of started.splice(0)) await face.close(0);
  vi.useRealTimers();
});

function world(endpoints: unknown, options: { dial?: (url: string) => void; random?: () => number } = {}): World {
  const sockets = new Map<string, MadeUpSocket>();
  const dials: World['dials'] = [];
  const start = Date.now();
  const dial: XiaozhiDeps['dial'] = async ({ url }) => {
    dials.push({ url, at: Date.now() - start });
    options.dial?.(url);
    const socket = new MadeUpSocket();
    sockets.set(url, socket);
    return { socket: socket as unknown as DialedSocket['socket'], bytesRead: () => socket.received };
  };
  const made = rig(endpoints, {}, { dial, ...(options.random !== undefined && { random: options.random }) });
  started = [...started, made];
  return { ...made, sockets, dials };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('time and endpoints', () => {
  it('ten that are lost at once come back over at least 3 s, all of them within 10 s (F-X8)', async () => {
    const urls = Array.from({ length: 10 }, (_, n) => `ws://peer/?token=${n}`);
    const { sockets, dials, face } = world(urls);
    await settle();
    expect(dials).toHaveLength(10);
    await vi.advanceTimersByTimeAsync(120_000);
    dials.length = 0;
    for (const socket of sockets.values()) socket.lose(1006);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(dials).toHaveLength(10);
    const times = dials.map(({ at }) => at);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(3_000);
    expect(face.isAnyConnected()).toBe(true);
  });

  it('a half-open socket is found and dialled again within 45 s (F-X4)', async () => {
    const { sockets, dials } = world('ws://peer/');
    await settle();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(dials).toHaveLength(1);
    const silent = sockets.get('ws://peer/') as MadeUpSocket;
    silent.answersPings = false;
    const since = Date.now();
    while (dials.length < 2) await vi.advanceTimersByTimeAsync(100);
    expect(Date.now() - since).toBeLessThanOrEqual(45_000);
  });

  it('a bad token is tried three times, then once an hour, and no oftener (F-X1)', async () => {
    const { dials, face } = world('ws://peer/', {
      dial: () => {
        throw new UpgradeRefused(401, {});
      },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dials).toHaveLength(3);
    expect(face.status()[0]?.state).toBe('stopped');
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(dials).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(dials).toHaveLength(5);
    expect(face.status()[0]?.state).toBe('stopped');
  });

  it('refusals that are far apart, or broken by something else, do not count together (F-X1)', async () => {
    let n = 0;
    const { face } = world('ws://peer/', {
      dial: () => {
        n++;
        if (n % 2 === 1) throw new UpgradeRefused(401, {});
        throw new DialError('refused', 'ECONNREFUSED');
      },
    });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(n).toBeGreaterThan(10);
    expect(face.status()[0]?.state).not.toBe('stopped');
  });

  it('never gives up on what can heal, and tells after ten failures in a row (D-08)', async () => {
    let n = 0;
    const { warnings } = world('ws://peer/', {
      dial: () => {
        n++;
        throw new DialError('nobody there', 'EHOSTUNREACH');
      },
    });
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    // 30 s on average at the cap.
    expect(n).toBeGreaterThan(2_000);
    expect(warnings().filter((text) => text.includes('failures in a row'))).toHaveLength(1);
  });

  it('an idle but sound peer is not hunted: half an hour of silence, then one new connection', async () => {
    const { dials, sockets } = world('ws://peer/');
    await settle();
    await vi.advanceTimersByTimeAsync(1_700_000);
    expect(dials).toHaveLength(1);
    sockets.get('ws://peer/')?.says({ jsonrpc: '2.0', id: 0, method: 'ping' });
    await vi.advanceTimersByTimeAsync(1_700_000);
    expect(dials).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(dials).toHaveLength(2);
  });

  it('a peer whose regular pings stop is dialled again (X-61)', async () => {
    const { dials, sockets } = world('ws://peer/');
    await settle();
    for (let n = 0; n < 5; n++) {
      await vi.advanceTimersByTimeAsync(25_000);
      sockets.get('ws://peer/')?.says({ jsonrpc: '2.0', id: n, method: 'ping' });
    }
    expect(dials).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(90_000);
    expect(dials).toHaveLength(2);
  });

  it('silence while a call is under way is ours, not the peer’s', async () => {
    const { dials, sockets, view } = world([{ url: 'ws://peer/', longTool: { enabled: false } }]);
    let finish = (_: string): void => undefined;
    view.tool('slow', () => new Promise<string>((resolve) => (finish = resolve)));
    await settle();
    const socket = sockets.get('ws://peer/');
    const initialize = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: {} };
    socket?.says({ jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize });
    socket?.says({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow' } });
    await vi.advanceTimersByTimeAsync(2_000_000);
    expect(dials).toHaveLength(1);
    finish('done');
    const since = Date.now();
    while (dials.length < 2) await vi.advanceTimersByTimeAsync(1_000);
    expect(Date.now() - since).toBeLessThanOrEqual(40_000);
  });

  it('a bug while a connection is set up ends that one, not the endpoint', async () => {
    const dial: XiaozhiDeps['dial'] = async () => {
      dials++;
      const socket = new MadeUpSocket();
      if (dials === 1) socket.resume = () => JSON.parse('not JSON');
      return { socket: socket as unknown as DialedSocket['socket'], bytesRead: () => 0 };
    };
    let dials = 0;
    const made = rig('ws://peer/?token=abcdefghijkl', {}, { dial });
    started = [...started, made];
    await vi.advanceTimersByTimeAsync(2_000);
    expect(dials).toBe(2);
    expect(made.face.isAnyConnected()).toBe(true);
    expect(made.events.some((event) => event.type === 'log' && event.level === 'error')).toBe(true);
  });

  it('leaves no timer behind', async () => {
    const { face, sockets } = world(['ws://a/', 'ws://b/']);
    await settle();
    sockets.get('ws://a/')?.lose(1011);
    await face.close(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
