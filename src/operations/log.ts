// Writes what happens as lines on stderr, secrets removed by value and by pattern. stdout belongs to the ready line and
// to MCP (requirements 12.1, reliability F-G12).
import type { EventStream, GatewayEvent } from '../core/events.ts';

export { createRedactor } from '../core/redact.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface LogOptions {
  events: EventStream;
  level: LogLevel;
  redact(text: string): string;
  write(line: string): void;
  now?: (() => Date) | undefined;
}

/** Starts writing; gives the function that ends it. */
export function writeLog({ events, level, redact, write, now = () => new Date() }: LogOptions): () => void {
  const least = LEVELS.indexOf(level);
  const seen = new Set<string>();
  return events.subscribe((event) => {
    if (event.type === 'call.finished' && least > LEVELS.indexOf('debug')) return;
    const entry = entryOf(event, seen);
    if (entry === undefined || LEVELS.indexOf(entry.level) < least) return;
    const data = entry.data === undefined ? '' : ` ${JSON.stringify(entry.data)}`;
    const subject = entry.upstream === undefined ? '' : ` [${entry.upstream}]`;
    write(`${now().toISOString()} ${entry.level.padEnd(5)}${subject} ${oneLine(redact(entry.text + data))}\n`);
  });
}

/** No text of a server can forge a line or move the cursor of a terminal (log injection). */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}|\p{Zl}|\p{Zp}/gu, (char) => (char === '\t' ? ' ' : JSON.stringify(char).slice(1, -1)));
}

interface Entry {
  level: LogLevel;
  text: string;
  upstream?: string | undefined;
  data?: Record<string, unknown> | undefined;
}

/** `seen`: upstreams that were ready before; the first time is told by the progress of the start. */
function entryOf(event: GatewayEvent, seen: Set<string>): Entry | undefined {
  switch (event.type) {
    case 'log':
      return event;
    case 'upstream.state': {
      const bad =
        event.to === 'failed' || event.to === 'backoff' || event.to === 'cooling_down' || event.to === 'needs_auth';
      const again = event.to === 'ready' && seen.has(event.upstream);
      if (event.to === 'ready' || bad) seen.add(event.upstream);
      return {
        level: bad ? 'warn' : again ? 'info' : 'debug',
        upstream: event.upstream,
        text: `${event.from} → ${event.to}${event.reason === undefined ? '' : `: ${event.reason}`}`,
      };
    }
    case 'process.exited':
      return {
        level: 'debug',
        upstream: event.upstream,
        text: `process ${event.pid} exited with ${event.signal ?? `code ${event.code}`}`,
      };
    case 'config.applied': {
      const { version, added, removed, changed } = event;
      const parts = [
        ...added.map((name) => `+${name}`),
        ...removed.map((name) => `-${name}`),
        ...changed.map((name) => `~${name}`),
      ];
      return {
        level: 'info',
        text: `configuration ${version} applied${parts.length === 0 ? ', nothing changed' : `: ${parts.join(' ')}`}`,
      };
    }
    case 'config.rejected':
      return { level: 'error', text: `configuration refused, the running one stays: ${event.problems.join('; ')}` };
    case 'auth.refused':
      return { level: 'debug', text: `refused: ${event.reason}` };
    case 'call.finished':
      return {
        level: 'debug',
        upstream: event.upstream,
        text: `${event.method} ${event.subject} ${event.outcome} ${event.total.toFixed(1)} ms`,
        data: { id: event.id, client: event.client, ...(event.fault !== undefined && { fault: event.fault }) },
      };
    case 'catalog.changed':
      return { level: 'debug', text: `${event.view}: ${event.kinds.join(', ')} changed` };
  }
}
