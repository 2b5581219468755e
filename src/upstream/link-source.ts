// Where a call gets its link from, and whom its failures concern: one link for all (`shared`), or sessions of their
// own beside the link that is kept for lists and health (`pooled`, `isolated`; requirements 10.6), and for callers whose
// headers are forwarded, as a session belongs to whom it was opened for.
import type { CallContext } from '../core/context.ts';
import type { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import { type HeaderSet, identityHeaders } from './forward-headers.ts';
import type { Link } from './link.ts';
import { capabilitiesOf } from './meta.ts';
import type { SessionPool } from './session-pool.ts';
import type { Supervisor } from './supervisor.ts';

export interface LinkSource {
  /** Whether a link could be had without waiting for the connect loop. */
  readonly connected: boolean;
  /** Throws where a call would be refused at once. */
  refuseEarly(): void;
  /** @throws GatewayFault nothing was sent */
  link(context: CallContext, deadline: number, headers?: HeaderSet): Link | Promise<Link>;
  /** The call is done with it. */
  done(link: Link): void;
  /** The way is broken; true if that was news. */
  suspect(link: Link, fault: GatewayFault): boolean;
  /** A call timed out on it and not a byte had come since. */
  doubt(link: Link): void;
  /** Its session is gone. */
  renew(link: Link, fault: GatewayFault): void;
  /** It is of no use any more. */
  lost(link: Link, fault: GatewayFault): void;
}

export function sharedLink(supervisor: Supervisor): LinkSource {
  return {
    get connected() {
      return supervisor.current !== undefined;
    },
    refuseEarly: () => supervisor.refuseEarly(),
    link: (context, deadline) => supervisor.link(deadline, context.signal),
    done: () => undefined,
    doubt: () => undefined, // liveness asks it
    suspect: (link, fault) => supervisor.suspect(link, fault),
    renew: (link, fault) => supervisor.renew(link, fault),
    lost: (link, fault) => supervisor.lost(link, fault),
  };
}

export function ownSessions(supervisor: Supervisor, pool: SessionPool): LinkSource {
  return {
    get connected() {
      return supervisor.current !== undefined;
    },
    refuseEarly: () => supervisor.refuseEarly(),
    async link(context, deadline, headers) {
      await supervisor.link(deadline, context.signal);
      const key = `${context.principal.id}\n${context.client.key}`;
      const caller = { key, capabilities: capabilitiesOf(context), headers: identityHeaders(headers) };
      return pool.lease(caller, deadline, context.signal);
    },
    ...sessionFailures(supervisor, pool),
    lost(link, fault) {
      pool.drop(link);
      const main = supervisor.current?.link;
      // Refused credentials are refused to everybody.
      if (main !== undefined && fault.fault === 'UPSTREAM_UNAUTHORIZED') supervisor.lost(main, fault);
    },
  };
}

/**
 * The one link for all, but a session of its own for every set of identity headers at a server that has sessions. A
 * modern server has none: there the headers of each request say whose it is.
 */
export function sharedByIdentity(supervisor: Supervisor, pool: SessionPool, declared: () => JsonObject): LinkSource {
  const shared = sharedLink(supervisor);
  const own = sessionFailures(supervisor, pool);
  const isMain = (link: Link): boolean => supervisor.current?.link === link;
  return {
    get connected() {
      return shared.connected;
    },
    refuseEarly: shared.refuseEarly,
    async link(context, deadline, headers) {
      const main = await supervisor.link(deadline, context.signal);
      const identity = main.era === 'legacy' ? identityHeaders(headers) : undefined;
      if (identity === undefined) return main;
      return pool.lease({ key: '', capabilities: declared(), headers: identity }, deadline, context.signal);
    },
    done: own.done,
    suspect: own.suspect,
    doubt: own.doubt,
    renew: (link, fault) => (isMain(link) ? shared : own).renew(link, fault),
    lost: (link, fault) => (isMain(link) ? shared.lost(link, fault) : pool.drop(link)),
  };
}

/** What becomes of a session that is not the main link. */
function sessionFailures(
  supervisor: Supervisor,
  pool: SessionPool,
): Pick<LinkSource, 'done' | 'suspect' | 'doubt' | 'renew'> {
  return {
    done: (link) => pool.release(link),
    suspect(link, fault) {
      pool.drop(link);
      const main = supervisor.current?.link;
      return main !== undefined && supervisor.suspect(main, fault);
    },
    doubt: (link) => pool.drop(link),
    renew: (link) => pool.drop(link),
  };
}
