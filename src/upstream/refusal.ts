// What a caller is told while an upstream cannot be called: its state, since when, and when it is tried again (10.15).
import { GatewayFault } from '../core/fault.ts';
import type { HeldWhy } from '../core/held.ts';
import type { UpstreamState } from '../core/upstream.ts';

const HELD: Record<HeldWhy, string> = {
  new: 'it was added over the management API and nobody has approved it',
  changed: 'what it starts or dials has changed since it was approved',
  flagged: 'the scanner found something in it',
  rejected: 'an operator rejected it',
};

/** The fault for a call in this state. `now` is the wall clock in milliseconds. */
export function refusal(upstream: string, state: UpstreamState, now: number): GatewayFault {
  const since = new Date(state.since).toISOString();
  const cause = 'cause' in state && state.cause instanceof GatewayFault ? state.cause : undefined;
  const why = cause === undefined ? '' : `: ${cause.message}`;
  const until = 'until' in state ? Math.max(0, state.until - now) : undefined;
  const next = until === undefined ? '' : `; next try in ${Math.ceil(until / 1000)} s`;
  const text = (what: string): string => `upstream "${upstream}" ${what} since ${since}${next}${why}`;
  const details = {
    upstream,
    delivery: 'not-sent' as const,
    retryAfterMs: until,
    data: { state: state.state, since },
    ...(cause !== undefined && { cause }),
  };
  switch (state.state) {
    case 'cooling_down':
      return new GatewayFault('COOLING_DOWN', text('is cooling down'), details);
    case 'failed':
      return new GatewayFault('UPSTREAM_START_FAILED', text('has failed'), { ...details, hint: cause?.hint });
    case 'needs_auth':
      return new GatewayFault('UPSTREAM_UNAUTHORIZED', text('needs a login'), { ...details, hint: cause?.hint });
    case 'quarantined':
      return new GatewayFault('UPSTREAM_NOT_READY', text(`is quarantined (${HELD[state.why]})`), {
        ...details,
        data: { ...details.data, held: state.why },
        hint: `An operator looks at what it would start and decides: holdfast approvals ${upstream}, or the dashboard. Repeating the call changes nothing.`,
      });
    case 'disabled':
      return new GatewayFault('UPSTREAM_NOT_READY', text(`is ${state.state}`), {
        ...details,
        hint: 'Enable it first: it is not started by a call.',
      });
    case 'backoff':
      return new GatewayFault('UPSTREAM_NOT_READY', text('is away'), details);
    default:
      return new GatewayFault('UPSTREAM_NOT_READY', text(`is ${state.state}`), { ...details, retryAfterMs: 1000 });
  }
}

/** Whether a failed start would fail again just so, until somebody changes something (reliability §3, Start). */
export function isPermanent(fault: GatewayFault): boolean {
  const permanent = fault.data?.permanent;
  return permanent === true || (fault.fault === 'UPSTREAM_START_FAILED' && permanent !== false);
}
