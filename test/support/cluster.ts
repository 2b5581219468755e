// Gateways that share a Redis, behind a plain balancer.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Balancer } from './balancer.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { makeTempDir, removeDir } from './temp-dir.ts';
import { waitFor } from './wait.ts';

export interface ClusterOptions {
  /** Laid over the configuration of all; a function is given the number of the gateway. */
  config?: object | ((place: number) => object);
  size?: number;
  redis?: readonly string[];
  /** Upstreams that have to be up; by default all. */
  waitFor?: readonly string[];
}

export interface ClusterUnderTest {
  readonly redis: RedisServer;
  readonly gateways: Gateway[];
  readonly balancer: Balancer;
  /** A file to which the upstream writes every execution. */
  readonly ledger: string;
  /** Another gateway of the cluster, added to the balancer. */
  add(place?: number): Promise<Gateway>;
  /** GET or POST of the management API at one gateway. */
  api(gateway: Gateway, path: string, init?: RequestInit): Promise<Record<string, unknown>>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const SERVER = new URL('../servers/cluster/main.mjs', import.meta.url).pathname;

export async function startCluster({
  config = {},
  size = 3,
  redis: more,
  waitFor: names,
}: ClusterOptions = {}): Promise<ClusterUnderTest> {
  const folder = await makeTempDir('cluster');
  const ledger = join(folder, 'ledger');
  const redis = await startRedis(more);
  const gateways: Gateway[] = [];
  const configOf = (place: number) => ({
    storage: { shared: redis.url },
    upstreams: { box: { command: process.execPath, args: [SERVER, ledger] } },
    defaultView: 'box',
    ...(typeof config === 'function' ? config(place) : config),
  });
  const start = (place: number) => startGateway({ config: configOf(place) });
  gateways.push(...(await Promise.all(Array.from({ length: size }, (_, place) => start(place)))));
  const balancer = await Balancer.start(gateways.map(({ port }) => port));
  const cluster: ClusterUnderTest = {
    redis,
    gateways,
    balancer,
    ledger,
    async add(place = gateways.length) {
      const gateway = await start(place);
      gateways.push(gateway);
      balancer.backends = gateways.filter(({ program }) => program.running).map(({ port }) => port);
      return gateway;
    },
    async api(gateway, path, init) {
      const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
      const response = await fetch(`${gateway.url}/api/v1${path}`, {
        ...init,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...init?.headers },
      });
      return (await response.json()) as Record<string, unknown>;
    },
    async [Symbol.asyncDispose]() {
      const ends = await Promise.allSettled([
        balancer[Symbol.asyncDispose](),
        ...gateways.map((gateway) => gateway.stop({ within: 60_000 })),
      ]);
      await redis[Symbol.asyncDispose]();
      await removeDir(folder);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
  try {
    await Promise.all(gateways.map((gateway) => gateway.upstreamsIn(names)));
    await seen(cluster, size);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

/** Waits until every living gateway knows of `size`. */
export async function seen(cluster: ClusterUnderTest, size: number): Promise<void> {
  for (const gateway of cluster.gateways.filter(({ program }) => program.running)) {
    await waitFor(
      async () => ((await cluster.api(gateway, '/cluster')).instances as unknown[] | undefined)?.length === size,
      { within: 60_000, every: 50, what: () => `${size} gateways to be known\n${gateway.stderr}` },
    );
  }
}
