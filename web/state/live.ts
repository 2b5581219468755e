// What is going on, as the gateway tells it: one stream of events for the whole page. It comes back by itself; what it
// says while it is away is asked for again.
import { effect, signal } from '@preact/signals';
import { ApiError, api, BASE } from '../api/client.ts';
import type { CallRow, Overview, StateName, UpstreamView } from '../api/types.ts';
import { session } from './session.ts';

export const connected = signal(false);
export const overview = signal<Overview | undefined>(undefined);
export const upstreams = signal<readonly UpstreamView[] | undefined>(undefined);
export const upstreamsProblem = signal<ApiError | undefined>(undefined);
/** The figures since the page was opened, oldest first: what the gateway samples is a line of dots 30 s apart. */
export const points = signal<readonly { at: number; facts: Overview }[]>([]);
const MOST_POINTS = 900;
/** The newest calls, newest first. */
export const recentCalls = signal<readonly CallRow[]>([]);
/** Each goes up when what it is named after may be another one: pages that show it ask again. */
export const revisions = {
  alerts: signal(0),
  approvals: signal(0),
  catalog: signal(0),
  config: signal(0),
  endpoints: signal(0),
  calls: signal(0),
};

export interface Happening {
  id: number;
  at: number;
  type: string;
  /** The data of the event. */
  fact: Record<string, unknown>;
}
export const happenings = signal<readonly Happening[]>([]);

const MOST_HAPPENINGS = 60;
const MOST_CALLS = 200;
const SHOWN = [
  'upstream.state',
  'process.exited',
  'config.applied',
  'config.rejected',
  'alert.raised',
  'alert.changed',
  'alert.resolved',
  'face.connected',
  'face.lost',
  'endpoint.promoted',
  'endpoint.stood_down',
  'auth.refused',
  'admin.action',
  'approval.waiting',
  'approval.decided',
] as const;

let source: EventSource | undefined;
let again: ReturnType<typeof setTimeout> | undefined;
let looking: ReturnType<typeof setTimeout> | undefined;
let waits = 1000;
let count = 0;

/** Asks for the list of upstreams, soon; many changes at once are one question. */
export function refreshUpstreams(delay = 150): void {
  if (session.peek() == null || looking !== undefined) return;
  looking = setTimeout(async () => {
    looking = undefined;
    try {
      upstreams.value = (await api.get<{ upstreams: UpstreamView[] }>('/upstreams')).upstreams;
      upstreamsProblem.value = undefined;
    } catch (error) {
      if (error instanceof ApiError) upstreamsProblem.value = error;
    }
  }, delay);
}

/** Shows a change at once; the rest of what is known of the upstream follows. */
function changeState(name: string, state: StateName, reason: string | undefined): void {
  upstreams.value = upstreams.value?.map((one) => {
    if (one.name !== name) return one;
    const { attempt: _, nextTryAt: __, reason: ___, fault: ____, hint: _____, ...rest } = one;
    return { ...rest, state, since: new Date().toISOString(), ...(reason !== undefined && { reason }) };
  });
  refreshUpstreams();
}

function take(type: string, fact: Record<string, unknown>): void {
  happenings.value = [{ id: ++count, at: Date.now(), type, fact }, ...happenings.value].slice(0, MOST_HAPPENINGS);
  if (type === 'upstream.state')
    changeState(String(fact.upstream), fact.to as StateName, typeof fact.reason === 'string' ? fact.reason : undefined);
  else if (type === 'process.exited') refreshUpstreams();
  else if (type.startsWith('config.')) {
    revisions.config.value++;
    revisions.catalog.value++;
    refreshUpstreams();
  } else if (type.startsWith('alert.')) revisions.alerts.value++;
  else if (type.startsWith('approval.')) {
    revisions.approvals.value++;
    revisions.catalog.value++;
    refreshUpstreams();
  } else if (type.startsWith('face.') || type.startsWith('endpoint.')) revisions.endpoints.value++;
}

function listen(events: EventSource, type: string, then: (data: Record<string, unknown>) => void): void {
  events.addEventListener(type, (event) => then(JSON.parse((event as MessageEvent<string>).data)));
}

function open(): void {
  clearTimeout(again);
  const events = new EventSource(`${BASE}/events`);
  source = events;
  events.onopen = () => {
    connected.value = true;
    waits = 1000;
    refreshUpstreams(0);
    for (const one of Object.values(revisions)) one.value++;
  };
  // The browser would try again by itself, but not after an answer that is no stream, and not at our pace.
  events.onerror = () => {
    events.close();
    connected.value = false;
    again = setTimeout(() => {
      // Tells a login that is over from a gateway that is away.
      api.get('/session').then(open, (error: unknown) => {
        if (!(error instanceof ApiError && error.status === 401)) events.onerror?.(new Event('error'));
      });
    }, waits);
    waits = Math.min(waits * 2, 10_000);
  };
  listen(events, 'overview', (data) => {
    const facts = data as unknown as Overview;
    overview.value = facts;
    points.value = [...points.value, { at: Date.now() / 1000, facts }].slice(-MOST_POINTS);
  });
  listen(events, 'calls', ({ calls }) => {
    recentCalls.value = [...(calls as CallRow[]).reverse(), ...recentCalls.value].slice(0, MOST_CALLS);
    revisions.calls.value++;
  });
  listen(events, 'catalog.changed', () => {
    revisions.catalog.value++;
    refreshUpstreams();
  });
  listen(events, 'endpoint.state', () => {
    revisions.endpoints.value++;
  });
  for (const type of SHOWN) listen(events, type, (fact) => take(type, fact));
}

function close(): void {
  clearTimeout(again);
  source?.close();
  source = undefined;
  connected.value = false;
  overview.value = undefined;
  upstreams.value = undefined;
  points.value = [];
  recentCalls.value = [];
  happenings.value = [];
}

/** Follows the gateway while somebody is logged in. */
export function follow(): void {
  effect(() => {
    if (session.value != null) {
      if (source === undefined) open();
    } else if (session.value === null) close();
  });
  // Counters and next tries change without an event.
  setInterval(() => {
    if (document.visibilityState === 'visible' && connected.peek()) refreshUpstreams(0);
  }, 5000);
}
