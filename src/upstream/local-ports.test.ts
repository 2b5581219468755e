import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LocalPorts } from './local-ports.ts';

const opened: Server[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

let accepted = 0;
function listen(port: number): Promise<number> {
  accepted = 0;
  const server = createServer(() => accepted++);
  opened.push(server);
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

it('F-H7 a server that listens again is seen at once, by one connection that is closed again', async () => {
  const port = await listen(0);
  await new Promise((resolve) => opened.pop()?.close(resolve));
  const ports = new LocalPorts();
  const looks: number[] = [];
  const seen = new Promise<number>((resolve) => {
    const wanted = () => Boolean(looks.push(performance.now()));
    ports.watch(`http://localhost:${port}/mcp`, wanted, () => resolve(performance.now()));
  });
  await vi.waitFor(() => expect(looks.length).toBeGreaterThan(1), 30_000);
  await listen(port);
  const listens = performance.now();
  expect((await seen) - listens).toBeLessThan(10_000); // 10 ms on a quiet machine
  await vi.waitFor(async () => {
    const open = await new Promise((resolve) => opened[0]?.getConnections((_, count) => resolve(count)));
    expect([accepted, open]).toEqual([1, 0]);
  });
});

describe('with a table of the test', () => {
  function scene() {
    vi.useFakeTimers();
    const listening = new Set<string>();
    let looks = 0;
    const ports = new LocalPorts({
      read: async () => {
        looks++;
        return listening;
      },
    });
    let told = 0;
    const watch = (url: string, wanted = () => true) => ports.watch(url, wanted, () => told++);
    return {
      listening,
      watch,
      pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
      told: () => told,
      looks: () => looks,
    };
  }

  it('tells once, and looks no more', async () => {
    const { watch, pass, told, looks, listening } = scene();
    watch('http://127.0.0.1:7/mcp');
    watch('ws://[::1]:7');
    await pass(50);
    listening.add('127.0.0.1:7').add('[::1]:7');
    await pass(50);
    expect(told()).toBe(2);
    const before = looks();
    await pass(1_000);
    expect(looks()).toBe(before);
  });

  it('who listens by the first look has come since the dial, and is told', async () => {
    const { watch, pass, told, listening } = scene();
    listening.add('localhost:7');
    watch('http://localhost:7');
    await pass(50);
    expect(told()).toBe(1);
  });

  it('a dial that is refused although somebody listens there is not hurried again and again', async () => {
    const { watch, pass, told, looks, listening } = scene();
    listening.add('localhost:7');
    const again = () => true;
    watch('http://localhost:7', again);
    for (let n = 0; n < 10; n++) {
      await pass(20);
      watch('http://localhost:7', again);
    }
    expect([told(), looks()]).toEqual([1, 1]);
  });

  it('nobody looks for what nobody waits for any more', async () => {
    const { watch, pass, told, looks, listening } = scene();
    let wanted = true;
    watch('http://localhost:8', () => wanted);
    await pass(50);
    wanted = false;
    await pass(20);
    const before = looks();
    listening.add('localhost:8');
    await pass(50);
    expect([told(), looks()]).toEqual([0, before]);
  });

  it('ends when it is told to, and never begins for another machine', async () => {
    const { watch, pass, told, looks, listening } = scene();
    for (const url of ['https://mcp.example/mcp', 'http://10.0.0.7:7', 'http://127.example:7', 'nonsense']) watch(url);
    await pass(50);
    expect(looks()).toBe(0);
    const end = watch('https://localhost/mcp');
    await pass(20);
    end();
    listening.add('localhost:443');
    await pass(50);
    expect(told()).toBe(0);
  });
});
