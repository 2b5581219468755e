// Load through a plain balancer while gateways are killed and stopped and the store is silent, killed and emptied: no
// session is lost, reads are answered, nothing that changes something is done twice.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ClusterUnderTest, seen, startCluster } from '../support/cluster.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { NO_REDIS } from '../support/redis.ts';
import { RpcFailure } from '../support/rpc.ts';

type Client = LegacyHttpClient | ModernHttpClient;

/** What clients saw, by the calls they made. */
class Load {
  readonly #clients: Client[];
  readonly #ends: Promise<void>[];
  #on = true;
  reads = 0;
  /** Reads that had to be sent again because their connection broke. */
  repeated = 0;
  writes = 0;
  /** Writes of which it is not known whether they were done. */
  unknown = 0;
  slowest = 0;
  readonly unanswered: string[] = [];
  readonly sessionsLost: string[] = [];
  readonly #done: string[] = [];

  private constructor(clients: Client[]) {
    this.#clients = clients;
    this.#ends = clients.map((client, place) => this.#run(client, place));
  }

  static async start(url: string, each: number): Promise<Load> {
    const clients = Array.from({ length: each }, () => [new LegacyHttpClient(url), new ModernHttpClient(url)]).flat();
    await Promise.all(clients.map((client) => client.initialize()));
    return new Load(clients);
  }

  async #run(client: Client, place: number): Promise<void> {
    for (let n = 0; this.#on; n++) {
      const id = `${place}-${n}`;
      if (n % 3 === 0) await this.#write(client, id);
      else await this.#read(client, id);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  async #read(client: Client, id: string): Promise<void> {
    this.reads++;
    const began = performance.now();
    for (let tries = 0; ; tries++) {
      try {
        await client.call('read', { id }, { within: 20_000 });
        this.slowest = Math.max(this.slowest, performance.now() - began);
        return;
      } catch (error) {
        this.#judge(error, id);
        if (tries === 3) return void this.unanswered.push(`${id}: ${String(error)}`);
        this.repeated++;
      }
    }
  }

  async #write(client: Client, id: string): Promise<void> {
    this.writes++;
    try {
      await client.call('write', { id }, { within: 20_000 });
      this.#done.push(id);
    } catch (error) {
      this.#judge(error, id);
      this.unknown++;
    }
  }

  #judge(error: unknown, id: string): void {
    if (error instanceof RpcFailure && (error.status === 404 || error.status === 400))
      this.sessionsLost.push(`${id}: ${error.message}`);
  }

  async stop(): Promise<readonly string[]> {
    this.#on = false;
    await Promise.all(this.#ends);
    for (const client of this.#clients) await client.close();
    return this.#done;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(NO_REDIS !== undefined)(`a cluster under load${NO_REDIS ? `: ${NO_REDIS}` : ''}`, () => {
  async function underLoad(
    act: (cluster: ClusterUnderTest, load: Load) => Promise<void>,
  ): Promise<{ load: Load; executed: Map<string, number>; done: readonly string[] }> {
    await using cluster = await startCluster({ config: { server: { drainDelay: '500ms' } } });
    const load = await Load.start(`${cluster.balancer.url}/mcp`, 4);
    let done: readonly string[];
    try {
      await pause(500);
      await act(cluster, load);
      await pause(500);
    } finally {
      done = await load.stop();
    }
    const executed = new Map<string, number>();
    for (const line of readFileSync(cluster.ledger, 'utf8').trim().split('\n')) {
      if (line.startsWith('write ')) executed.set(line, (executed.get(line) ?? 0) + 1);
    }
    return { load, executed, done };
  }

  function expectSafe({ load, executed, done }: Awaited<ReturnType<typeof underLoad>>): void {
    expect(load.sessionsLost).toEqual([]);
    expect(load.unanswered).toEqual([]);
    expect([...executed].filter(([, times]) => times > 1)).toEqual([]);
    expect(done.filter((id) => !executed.has(`write ${id}`))).toEqual([]);
    expect(load.reads).toBeGreaterThan(10);
  }

  it('loses no session when one gateway is killed and one is stopped in order, and no call to the latter (F-R1, F-R13)', async () => {
    const seenBy = await underLoad(async (cluster, load) => {
      const [first, second] = cluster.gateways;
      await second?.stop();
      expect(load.unknown).toBe(0);
      expect(load.repeated).toBe(0);
      await cluster.add();
      await seen(cluster, 3);
      first?.program.signal('SIGKILL');
      await pause(2_000);
      await first?.stop().catch(() => undefined);
    });
    expectSafe(seenBy);
    // What was under way at the killed one.
    expect(seenBy.load.unknown).toBeLessThanOrEqual(8);
  });

  it('is replaced whole, one after the other, without a lost call (F-R13)', async () => {
    const seenBy = await underLoad(async (cluster) => {
      for (const old of [...cluster.gateways]) {
        const fresh = await cluster.add();
        await fresh.upstreamsIn();
        await old.stop();
      }
    });
    expectSafe(seenBy);
    expect(seenBy.load.unknown).toBe(0);
    expect(seenBy.load.repeated).toBe(0);
  });

  it('answers everything while the store is silent for 10 s, is killed, starts empty and is emptied (F-R6)', async () => {
    const seenBy = await underLoad(async (cluster, load) => {
      cluster.redis.signal('SIGSTOP');
      await pause(10_000);
      cluster.redis.signal('SIGCONT');
      await seen(cluster, 3);
      await cluster.redis.kill();
      await pause(3_000);
      await cluster.redis.start();
      await seen(cluster, 3);
      await cluster.redis.client.flushall();
      await pause(1_500);
      await seen(cluster, 3);
      // A gateway that comes now still knows the sessions of before.
      await cluster.add();
      await seen(cluster, 4);
      await pause(1_000);
      for (const gateway of cluster.gateways) {
        const { store } = (await cluster.api(gateway, '/cluster')) as { store: { state: string } };
        expect(store.state).toBe('ready');
      }
      expect(load.slowest).toBeLessThan(30_000);
    });
    expectSafe(seenBy);
    expect(seenBy.load.unknown).toBe(0);
    expect(seenBy.load.repeated).toBe(0);
  }, 180_000);

  it('goes on with a store that is read-only, says so, and is well again by itself (F-R6)', async () => {
    await using cluster = await startCluster({ size: 1 });
    const [gateway] = cluster.gateways as [ClusterUnderTest['gateways'][0]];
    const state = async () => ((await cluster.api(gateway, '/cluster')) as { store: { state: string } }).store.state;
    const until = async (wanted: string) => {
      for (let n = 0; (await state()) !== wanted; n++) {
        expect(n, `${wanted}, not ${await state()}`).toBeLessThan(200);
        await pause(50);
      }
    };
    await cluster.redis.client.replicaof('127.0.0.1', '1');
    await until('read-only');
    const client = new LegacyHttpClient(`${gateway.url}/mcp`);
    await client.initialize();
    expect(await client.request('ping')).toEqual({});
    await cluster.redis.client.replicaof('NO', 'ONE');
    await until('ready');
    expect(gateway.stderr).toContain('shared store read-only');
    await client.close();
  });
});
