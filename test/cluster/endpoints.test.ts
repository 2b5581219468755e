// Of all gateways that know an endpoint one dials it, whatever happens to the others and to the store. The cloud's own
// log of sockets decides.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterUnderTest, startCluster } from '../support/cluster.ts';
import type { Gateway } from '../support/gateway.ts';
import { NO_REDIS } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { CloudSimulator } from '../xiaozhi/simulators/cloud.ts';

/** When sockets opened and closed, in order. */
class Log {
  readonly spans: { opened: number; closed: number }[] = [];

  open(closed: Promise<unknown>): void {
    const span = { opened: performance.now(), closed: Number.POSITIVE_INFINITY };
    this.spans.push(span);
    void closed.then(() => {
      span.closed = performance.now();
    });
  }

  get up(): number {
    return this.spans.filter(({ closed }) => closed === Number.POSITIVE_INFINITY).length;
  }

  /** Milliseconds for which two sockets were open at the same time. */
  get overlap(): number {
    const [...sorted] = this.spans.sort((a, b) => a.opened - b.opened);
    return sorted.reduce((sum, { opened }, at) => sum + Math.max(0, (sorted[at - 1]?.closed ?? 0) - opened), 0);
  }
}

describe.skipIf(NO_REDIS !== undefined)(`one endpoint, three gateways${NO_REDIS ? `: ${NO_REDIS}` : ''}`, () => {
  let cluster: ClusterUnderTest;
  let cloud: CloudSimulator;
  const log = new Log();

  beforeAll(async () => {
    cloud = await CloudSimulator.start({ opened: (connection) => log.open(connection.closed) });
    const endpoints = [{ url: cloud.url('one'), reconnect: { baseDelay: '50ms', maxDelay: '200ms' } }];
    cluster = await startCluster({ config: { endpoints } });
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await cloud?.stop();
  });

  async function owner(among: readonly Gateway[] = cluster.gateways): Promise<Gateway> {
    return await waitFor(
      async () => {
        for (const gateway of among.filter(({ program }) => program.running)) {
          const { endpoints } = (await cluster.api(gateway, '/endpoints')) as { endpoints: { connected: boolean }[] };
          if (endpoints[0]?.connected) return gateway;
        }
        return undefined;
      },
      { within: 15_000, every: 50, what: 'an owner' },
    );
  }

  const connected = (within: number) => waitFor(() => log.up === 1, { within, what: () => `a socket: ${log.up}` });

  it('is dialled by one; the others say who has it and raise no alert (F-R3)', async () => {
    await connected(10_000);
    const first = await owner();
    const others = cluster.gateways.filter((gateway) => gateway !== first);
    const { instance } = (await cluster.api(first, '/cluster')) as { instance: string };
    for (const other of others) {
      const seen = async () =>
        ((await cluster.api(other, '/endpoints')) as { endpoints: { owner?: string }[] }).endpoints;
      await waitFor(async () => (await seen())[0]?.owner === instance, { what: 'who has it' });
      expect((await seen())[0]).toMatchObject({ state: 'elsewhere', connected: false });
    }
    expect(log.spans).toHaveLength(1);
  });

  it('is taken over at once when its owner is stopped in order, within 5 s when it is killed (F-R3)', async () => {
    const first = await owner();
    const ended = performance.now();
    await Promise.all([first.stop(), waitFor(() => log.spans.length === 2 && log.up === 1, { within: 60_000 })]);
    await cluster.add();
    const second = await owner();
    const killed = performance.now();
    second.program.signal('SIGKILL');
    await waitFor(() => log.spans.length >= 3, { within: 60_000 });
    const takeover = (log.spans[2]?.opened ?? Number.POSITIVE_INFINITY) - killed;
    expect(takeover).toBeLessThan(30_000);
    expect((log.spans[1]?.opened ?? Number.POSITIVE_INFINITY) - ended).toBeLessThan(30_000);
    await second.stop().catch(() => undefined);
    await cluster.add();
    expect(log.overlap).toBe(0);
  });

  it('is left before the lease ends while the store is silent, and dialled again after it (F-R3, F-R6)', async () => {
    const before = log.spans.length;
    cluster.redis.signal('SIGSTOP');
    await waitFor(() => log.up === 0, { within: 60_000, what: 'the end of the socket' });
    expect(log.spans).toHaveLength(before);
    cluster.redis.signal('SIGCONT');
    await connected(10_000);
    expect(log.overlap).toBe(0);
  });

  it('has one owner though the store forgets everything, again and again (F-R3, F-R6)', async () => {
    for (let n = 0; n < 3; n++) {
      await cluster.redis.client.flushall();
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(log.up).toBe(1);
    }
    expect(log.overlap).toBe(0);
  });

  it('is left first thing by an owner that was stopped longer than its lease (F-R3)', async () => {
    const sleeper = await owner();
    const before = log.spans.length;
    sleeper.program.signal('SIGSTOP');
    await waitFor(() => log.spans.length === before + 1, { within: 60_000, what: 'the next owner' });
    expect(log.up).toBe(2);
    sleeper.program.signal('SIGCONT');
    const woken = performance.now();
    await waitFor(() => log.up === 1, { within: 60_000, what: 'the end of the sleeper' });
    expect(performance.now() - woken).toBeLessThan(20_000);
    expect(log.spans[before]?.closed).toBe(Number.POSITIVE_INFINITY);
  });
});
