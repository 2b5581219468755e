// Joins a gateway to the others that share its store (docs/explanation/scale-out.md). The store's library is loaded
// only here, and only where `storage.shared` is set (requirements F-R4).
import { networkInterfaces } from 'node:os';
import { Cluster } from './cluster/cluster.ts';
import type { KeyRing } from './cluster/key-ring.ts';
import { type SharedFields, shareSessions } from './cluster/shared-sessions.ts';
import type { Config } from './config/schema.ts';
import { sharedOf } from './config/schema-shared.ts';
import type { EventStream } from './core/events.ts';
import type { JsonObject } from './core/json.ts';
import { isLoopback } from './http/listener.ts';
import { SetupRefused } from './setup.ts';
import { VERSION } from './version.ts';

export interface ScaleOutParts {
  shared: NonNullable<Config['storage']['shared']>;
  events: EventStream;
  keys: KeyRing;
  sessions: SharedFields;
  /** What is reported of this gateway beside who it is. */
  report(): JsonObject;
}

export interface ScaleOut {
  readonly cluster: Cluster;
  /** Connects; to be awaited before anything is served. @throws SetupRefused for files that cannot be read */
  join(): Promise<void>;
  /** Tells the others where this gateway listens. */
  announce(url: string, host: string): Promise<void>;
}

export function createScaleOut(parts: ScaleOutParts): ScaleOut {
  const { events, keys, sessions, report } = parts;
  const shared = sharedOf(parts.shared);
  const cluster = new Cluster({ events, keys, version: VERSION, report });
  return {
    cluster,
    async join() {
      const { RedisStore } = await import('./store/redis.ts');
      try {
        await cluster.join(new RedisStore({ ...shared, instance: cluster.id }));
      } catch (error) {
        throw new SetupRefused(`storage.shared: ${(error as Error).message}`);
      }
      shareSessions(cluster, sessions);
    },
    announce: (url, host) => cluster.announce(shared.advertise?.replace(/\/+$/, '') ?? reachable(url, host)),
  };
}

/** The address under which other machines reach a listener: its own, or that of the first network it is on. */
function reachable(url: string, host: string): string {
  if (isLoopback(host) || (host !== '0.0.0.0' && host !== '::')) return url;
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outer =
    all.find(({ internal, family }) => !internal && family === 'IPv4') ?? all.find(({ internal }) => !internal);
  if (outer === undefined) return url;
  const there = new URL(url);
  there.hostname = outer.family === 'IPv6' ? `[${outer.address}]` : outer.address;
  return there.origin;
}
