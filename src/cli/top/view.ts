// What somebody at the keyboard wants to see of a look: order, filter, place. Keys change it; nothing here draws.
import type { UpstreamLook } from './look.ts';

export const SORTS = ['trouble', 'name', 'calls', 'p99', 'errors', 'configured'] as const;
export type Sort = (typeof SORTS)[number];

export interface View {
  sort: Sort;
  reverse: boolean;
  /** Only upstreams whose row holds this text. */
  filter: string;
  /** What is typed goes into the filter. */
  typing: boolean;
  /** Rows scrolled away above. */
  above: number;
}

export const FIRST_VIEW: View = { sort: 'trouble', reverse: false, filter: '', typing: false, above: 0 };

/** A key as `node:readline` tells it. */
export interface Key {
  name?: string | undefined;
  ctrl?: boolean | undefined;
  meta?: boolean | undefined;
  sequence?: string | undefined;
}

/** The view after a key; `quit` ends the program. `page`: rows of upstreams on the screen. */
export function pressed(view: View, { name, ctrl, meta, sequence = '' }: Key, page: number): View | 'quit' {
  if (ctrl === true && (name === 'c' || name === 'd')) return 'quit';
  if (view.typing) {
    if (name === 'return' || name === 'enter') return { ...view, typing: false };
    if (name === 'escape') return { ...view, typing: false, filter: '' };
    if (name === 'backspace') return { ...view, filter: [...view.filter].slice(0, -1).join(''), above: 0 };
    if (ctrl === true || meta === true || /\p{Cc}/u.test(sequence)) return view;
    return { ...view, filter: view.filter + sequence, above: 0 };
  }
  const scrolled = (by: number): View => ({ ...view, above: Math.max(0, view.above + by) });
  switch (name ?? sequence) {
    case 'q':
      return 'quit';
    case 's': {
      const next = (SORTS.indexOf(view.sort) + 1) % SORTS.length;
      return { ...view, sort: SORTS[next] as Sort, above: 0 };
    }
    case 'r':
      return { ...view, reverse: !view.reverse, above: 0 };
    case '/':
      return { ...view, typing: true };
    case 'escape':
      return { ...view, filter: '', above: 0 };
    case 'up':
    case 'k':
      return scrolled(-1);
    case 'down':
    case 'j':
      return scrolled(1);
    case 'pageup':
      return scrolled(-page);
    case 'pagedown':
      return scrolled(page);
    case 'home':
      return { ...view, above: 0 };
    case 'end':
      return { ...view, above: Number.MAX_SAFE_INTEGER };
    default:
      return view;
  }
}

/** The worst first. */
const HEALTH = ['failed', 'unhealthy', 'cooling_down', 'degraded', 'starting', 'unknown', 'healthy', 'disabled'];

const ORDER: Record<Sort, (a: UpstreamLook, b: UpstreamLook) => number> = {
  trouble: (a, b) => HEALTH.indexOf(a.health) - HEALTH.indexOf(b.health) || b.calls.errors - a.calls.errors,
  name: (a, b) => a.name.localeCompare(b.name),
  calls: (a, b) => b.calls.perSecond - a.calls.perSecond,
  p99: (a, b) => (b.calls.p99 ?? -1) - (a.calls.p99 ?? -1),
  errors: (a, b) => (b.calls.errorPercent ?? -1) - (a.calls.errorPercent ?? -1) || b.calls.errors - a.calls.errors,
  configured: () => 0,
};

/** The upstreams that the view shows, in its order; equal ones in that of the configuration. */
export function chosen(upstreams: readonly UpstreamLook[], { sort, reverse, filter }: View): UpstreamLook[] {
  const wanted = filter.toLowerCase();
  const rows = upstreams
    .filter(({ name, state, reason = '' }) => `${name} ${state} ${reason}`.toLowerCase().includes(wanted))
    .sort(ORDER[sort]);
  return reverse ? rows.reverse() : rows;
}
