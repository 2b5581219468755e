// Joins a gateway to the others that share its store (docs/explanation/scale-out.md). The store's library is loaded
// only here, and only where `storage.shared` is set (requirements F-R4).
import { networkInterfaces } from 'node:os';
import type { ParkedAmong, ParkedCalls } from './bridge/parked.ts';
import type { RunningCatalog } from './catalog/catalog.ts';
import { Cluster, type ClusterDeps } from './cluster/cluster.ts';
import { type SharedCounts, shareCounts } from './cluster/shared-counts.ts';
import { shareEvents } from './cluster/shared-events.ts';
import { shareSessions } from './cluster/shared-sessions.ts';
import { serveSingletons } from './cluster/singleton.ts';
import type { Config } from './config/schema.ts';
import { sharedOf } from './config/schema-shared.ts';
import type { JsonObject } from './core/json.ts';
import type { Operation } from './core/operation.ts';
import type { McpHttpFace } from './faces/mcp/http.ts';
import type { SaidElsewhere } from './faces/mcp/legacy.ts';
import type { SessionStates } from './faces/mcp/session-states.ts';
import type { Fleet } from './fleet.ts';
import { isLoopback } from './http/listener.ts';
import type { Approvals } from './security/approvals.ts';
import type { Decided } from './security/records.ts';
import { SetupRefused } from './setup.ts';
import { VERSION } from './version.ts';

/** What of a gateway the others have to do with. */
export interface Joined {
  sessions: SessionStates;
  parked: ParkedCalls;
  mcp: Pick<McpHttpFace, 'heard'>;
  fleet: Fleet;
  catalog: RunningCatalog;
  counts: SharedCounts;
  approvals: Approvals;
  /** What was kept of an upstream's resources is old. */
  forget(upstream: string, uri: unknown): void;
}

export interface ScaleOut {
  readonly cluster: Cluster;
  /** For calls that wait for their client's retry. */
  readonly parked: ParkedAmong;
  /** A client said something that concerns a request at another gateway. */
  elsewhere(said: SaidElsewhere): void;
  /** Connects; to be awaited before anything is served. @throws SetupRefused for files that cannot be read */
  join(joined: Joined): Promise<void>;
  /** Tells the others where this gateway listens. */
  announce(url: string, host: string): Promise<void>;
}

const SAID = 'client.said';
const DECIDED = 'approval.decided';
const RESUME = 'call.resume';

/** Undefined for a gateway that is alone. */
export function createScaleOut(
  configured: Config['storage']['shared'],
  deps: Omit<ClusterDeps, 'version'>,
): ScaleOut | undefined {
  if (configured === undefined) return undefined;
  const shared = sharedOf(configured);
  const cluster = new Cluster({ ...deps, version: VERSION });
  return {
    cluster,
    parked: {
      id: cluster.id,
      resume: (owner, operation, context) =>
        cluster.peers.ask(owner, { verb: RESUME, body: { operation } as unknown as JsonObject }, context),
    },
    elsewhere: (said) => cluster.tell(SAID, said),
    async join({ sessions, parked, mcp, fleet, catalog, counts, approvals, forget }) {
      const { RedisStore } = await import('./store/redis.ts');
      cluster.peers.serve(RESUME, ({ operation }, context) =>
        parked.resume(operation as unknown as Operation, context),
      );
      cluster.on(SAID, (said) => mcp.heard(said as SaidElsewhere));
      serveSingletons(cluster, (name) => fleet.singleton(name));
      try {
        await cluster.join(new RedisStore({ ...shared, instance: cluster.id }));
      } catch (error) {
        throw new SetupRefused(`storage.shared: ${(error as Error).message}`);
      }
      shareSessions(cluster, sessions);
      shareCounts(cluster, counts);
      approvals.onDecision((decided) => cluster.tell(DECIDED, decided));
      cluster.on(DECIDED, (decided) => approvals.take(decided as Decided));
      shareEvents(cluster, {
        local: (upstream) => {
          const config = fleet.config(upstream);
          return config?.transport === 'stdio' && !config.singleton;
        },
        lists: (upstream) => fleet.get(upstream)?.lists,
        onNotification: (listener) => fleet.onNotification(listener),
        onListChange: (listener) => catalog.onChange(listener),
        heard: (upstream, notification) => {
          forget(upstream, notification.params?.uri);
          fleet.heard(upstream, notification);
        },
        listsChanged: (upstream, kinds) => catalog.changedElsewhere(upstream, kinds),
      });
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
