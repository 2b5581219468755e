// Draws a look as lines of text. Colour only underlines what the words say already.
import { styleText } from 'node:util';
import type { AlertInfo, CallRow } from '../../core/ports.ts';
import { oneLine } from '../../operations/log.ts';
import { cut, padded, widthOf } from '../columns.ts';
import { said, t } from '../words.ts';
import type { Look, UpstreamLook } from './look.ts';
import { chosen, type View } from './view.ts';

export interface Screen {
  /** Columns and rows of the terminal; without limit where it is none. */
  columns: number;
  rows: number;
  colour: boolean;
}

type Style = Parameters<typeof styleText>[0];
type Painter = (style: Style, text: string) => string;

export interface Drawing {
  lines: string[];
  /** Rows of upstreams that are shown, and how many are above them. */
  page: number;
  above: number;
}

/** Alerts and calls that are shown at most, where there is room. */
const MOST = 8;
/** So many upstreams are worth more than any alert or call. */
const FEWEST_UPSTREAMS = 4;
const WIDEST_NAME = 28;

/** `help`: with the line that names the keys. */
export function draw(look: Look, view: View, { columns, rows, colour }: Screen, help: boolean): Drawing {
  // The look of a screen is asked for by its own colour switch, not by what stdout happens to be.
  const paint: Painter = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const head = summary(look, columns, paint);
  const shown = chosen(look.upstreams, view);
  const foot = help ? [footer(view, columns, paint)] : [];
  let room = rows - head.length - foot.length - 2 - Math.min(FEWEST_UPSTREAMS, shown.length);
  const block = (title: string, lines: string[]): string[] => {
    const most = Math.min(MOST, room - 2);
    if (lines.length === 0 || most < 1) return [];
    const kept = lines.slice(0, most);
    room -= kept.length + 2;
    const more = lines.length > kept.length ? t` (${kept.length} of ${lines.length})` : '';
    return ['', paint('bold', cut(title + more, columns)), ...kept];
  };
  const alerts = block(
    t`ALERTS`,
    look.alerts.map((alert) => alertLine(alert, columns, paint)),
  );
  const calls = block(
    t`CALLS THAT FAILED`,
    (look.calls ?? []).map((call) => callLine(call, columns)),
  );
  const table = columnsFor(columns, look.upstreams);
  const page = Math.max(1, rows - head.length - foot.length - 2 - alerts.length - calls.length);
  const above = Math.min(view.above, Math.max(0, shown.length - page));
  const lines = [
    ...head,
    '',
    paint('bold', line(table.map(({ title, width, at }) => padded(title, width, at)))),
    ...shown.slice(above, above + page).map((upstream) => upstreamLine(upstream, look.at, table, paint)),
  ];
  if (shown.length === 0) lines.push(look.upstreams.length === 0 ? t`no upstreams` : t`no upstream matches the filter`);
  lines.push(...alerts, ...calls);
  if (help) while (lines.length < rows - 1) lines.push('');
  return { lines: [...lines, ...foot], page, above };
}

function summary({ overview, upstreams, alerts, url, at }: Look, columns: number, paint: Painter): string[] {
  const { calls, gateway, recovery } = overview;
  const states = new Map<string, number>();
  for (const { state } of upstreams) states.set(state, (states.get(state) ?? 0) + 1);
  const counted = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
  const worst = alerts[0]?.severity;
  const severities = ['critical', 'error', 'warning'].flatMap((severity) => {
    const count = alerts.filter((alert) => alert.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const told = (parts: readonly string[]): string => cut(parts.join('   '), columns);
  const lines = [
    paint(
      'bold',
      told([
        `holdfast ${overview.version}  ${url}`,
        t`up ${span(overview.uptime * 1000)}`,
        t`score ${overview.score} ${overview.trend}`,
        clock(at),
      ]),
    ),
    told([
      t`${upstreams.length} upstreams` + (counted === '' ? '' : `: ${counted}`),
      t`${brief(calls.perSecond)} calls/s`,
      t`${calls.inFlight} in flight`,
      `p50 ${ms(calls.p50)}`,
      `p99 ${ms(calls.p99)}`,
      t`errors ${brief(calls.errorPercent)} %`,
    ]),
    told([
      t`gateway: CPU ${brief(gateway.cpuPercent)} %`,
      `${Math.round(gateway.rss / 1024 / 1024)} MB`,
      t`lag ${ms(gateway.eventLoopLag)}`,
      recovery.attempts === 0 ? t`no recoveries` : t`recovered ${brief(100 * recovery.successRate)} %`,
    ]),
    paint(
      worst === undefined ? 'green' : worst === 'warning' ? 'yellow' : 'red',
      told([t`alerts: ${severities.length === 0 ? t`none` : severities.join(', ')}`]),
    ),
  ];
  if (overview.rejected !== undefined) {
    const { at: when, problems } = overview.rejected;
    lines.push(paint('red', cut(oneLine(`${t`configuration refused at ${when}:`} ${problems.join('; ')}`), columns)));
  }
  return lines;
}

interface Column {
  title: string;
  width: number;
  at: 'start' | 'end';
  text(upstream: UpstreamLook, now: Date): string;
}

function stateText({ state, paused }: UpstreamLook): string {
  return paused ? t`paused` : state;
}

/** Columns that a terminal of this width has room for; the last one takes what is left. */
function columnsFor(columns: number, upstreams: readonly UpstreamLook[]): Column[] {
  const name = Math.min(WIDEST_NAME, Math.max(8, ...upstreams.map((upstream) => widthOf(upstream.name))));
  const all: (Column & { from: number })[] = [
    { title: t`UPSTREAM`, width: name, at: 'start', from: 0, text: ({ name: text }) => oneLine(text) },
    { title: t`STATE`, width: 12, at: 'start', from: 0, text: stateText },
    { title: t`FOR`, width: 6, at: 'end', from: 64, text: ({ since }, now) => span(+now - Date.parse(since)) },
    { title: t`CALLS/S`, width: 7, at: 'end', from: 72, text: ({ calls }) => brief(calls.perSecond) },
    { title: 'P50', width: 8, at: 'end', from: 90, text: ({ calls }) => ms(calls.p50) },
    { title: 'P99', width: 8, at: 'end', from: 72, text: ({ calls }) => ms(calls.p99) },
    { title: t`ERRORS`, width: 7, at: 'end', from: 56, text: ({ calls }) => percent(calls.errorPercent) },
    { title: t`SCORE`, width: 5, at: 'end', from: 100, text: ({ score }) => brief(score) },
  ];
  const kept: Column[] = all.filter(({ from }) => columns >= from);
  const left = columns - kept.reduce((sum, { width }) => sum + width + 2, 0);
  if (left >= 8) kept.push({ title: t`WHY`, width: left, at: 'start', text: why });
  return kept;
}

/** Reason, attempt and next try, or what is worth knowing of a healthy one. */
function why({ reason, attempt, nextTryAt, paused, queued }: UpstreamLook, now: Date): string {
  const parts = [
    paused === undefined ? undefined : t`paused by ${paused.by}`,
    nextTryAt === undefined ? undefined : t`next try ${span(Math.max(0, Date.parse(nextTryAt) - +now))}`,
    attempt === undefined ? undefined : t`attempt ${attempt}`,
    reason === undefined ? undefined : said(reason),
    queued > 0 ? t`${queued} waiting` : undefined,
  ];
  return oneLine(parts.filter((part) => part !== undefined).join(', '));
}

function upstreamLine(upstream: UpstreamLook, now: Date, table: readonly Column[], paint: Painter): string {
  const { health } = upstream;
  const style =
    health === 'healthy' ? 'green' : health === 'disabled' ? 'dim' : /failed|unhealthy/.test(health) ? 'red' : 'yellow';
  return line(
    table.map(({ width, at, text }) => {
      const cell = Number.isFinite(width) ? padded(text(upstream, now), width, at) : text(upstream, now);
      return text === stateText ? paint(style, cell) : cell;
    }),
  );
}

function alertLine({ severity, rule, message, since, silenced }: AlertInfo, columns: number, paint: Painter): string {
  const style: Style = severity === 'warning' ? 'yellow' : 'red';
  const rest = oneLine(`${clock(new Date(since))}  ${rule}${silenced ? t` (silenced)` : ''}  ${said(message)}`);
  return `${paint(style, padded(severity, 8))}  ${cut(rest, columns - 10)}`;
}

function callLine({ at, upstream, subject, fault, total, attempts, client }: CallRow, columns: number): string {
  const tries = attempts === 1 ? '' : t` after ${attempts} attempts`;
  const text = `${clock(new Date(at))}  ${fault ?? 'fault'}  ${upstream}/${subject}  ${ms(total)}${tries}  ${client}`;
  return cut(oneLine(text), columns);
}

function footer({ sort, reverse, filter, typing }: View, columns: number, paint: Painter): string {
  const text = typing
    ? t`filter: ${filter}▏ Enter keeps it, Esc ends it`
    : `${t`q quit   s sort   r reverse   / filter   ↑ ↓ scroll`}   ${reverse ? t`by ${sort}, reversed` : t`by ${sort}`}${filter === '' ? '' : t`   filter: ${filter}`}`;
  return paint('inverse', padded(text, columns));
}

function line(cells: readonly string[]): string {
  return cells.join('  ').trimEnd();
}

function brief(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
}

function ms(value: number | null): string {
  if (value === null) return '–';
  return value >= 10_000 ? `${brief(value / 1000)} s` : `${brief(value)} ms`;
}

function percent(value: number | null): string {
  return value === null ? '–' : `${brief(value)} %`;
}

/** Milliseconds as a person says them: `4 s`, `12 min`, `3 h`, `2 d`. */
function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

function clock(date: Date): string {
  return date.toTimeString().slice(0, 8);
}
