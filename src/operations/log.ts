// Writes what happens as lines on stderr, secrets removed by value and by pattern. stdout belongs to the ready line and
// to MCP (requirements 12.1, reliability F-G12).
import type { EventStream, GatewayEvent } from '../core/events.ts';
import { redactValue } from '../core/redact.ts';
import { RotatedFile } from './rotated-file.ts';

export { createRedactor } from '../core/redact.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];
/** Calls are told from here on; above it a call costs nothing. */
const DEBUG = LEVELS.indexOf('debug');

export interface LogOptions {
  events: EventStream;
  /** The least level that is written; a function where it can change. */
  level: LogLevel | (() => LogLevel);
  redact(text: string): string;
  write(line: string): void;
  now?: (() => Date) | undefined;
}

/** Starts writing; gives the function that ends it. */
export function writeLog({ events, level, redact, write, now = () => new Date() }: LogOptions): () => void {
  const least = threshold(level);
  const seen = new Set<string>();
  return events.subscribe((event) => {
    if (event.type === 'call.finished' && least() > DEBUG) return;
    const entry = entryOf(event, seen);
    if (entry === undefined || LEVELS.indexOf(entry.level) < least()) return;
    const data = entry.data === undefined ? '' : ` ${JSON.stringify(entry.data)}`;
    const subject = entry.upstream === undefined ? '' : ` [${entry.upstream}]`;
    write(`${now().toISOString()} ${entry.level.padEnd(5)}${subject} ${oneLine(redact(entry.text + data))}\n`);
  });
}

export interface LogFileOptions extends Omit<LogOptions, 'write' | 'now'> {
  path: string;
  /** Bytes at which a file is put aside. */
  maxSize?: number | undefined;
  /** Files put aside that are kept. */
  files?: number | undefined;
  /** Told when the file cannot be written. */
  warn(text: string): void;
}

/**
 * Writes the same as lines of JSON into a file that is put aside when it has grown: time, level, msg, upstream, data;
 * `id` is the correlation id of a call. Ends with `close`.
 */
export function writeLogFile(options: LogFileOptions): { close(): Promise<void> } {
  const { events, level, redact, path, maxSize = 10 * 1024 * 1024, files = 5, warn } = options;
  const file = new RotatedFile({ path, maxSize, files, warn });
  const least = threshold(level);
  const seen = new Set<string>();
  const stop = events.subscribe((event) => {
    if (event.type === 'call.finished' && least() > DEBUG) return;
    const entry = entryOf(event, seen);
    if (entry === undefined || LEVELS.indexOf(entry.level) < least()) return;
    const { text, upstream, data } = entry;
    const clean = data === undefined ? {} : (redactValue(data, redact) as Record<string, unknown>);
    const { id, ...rest } = clean;
    const line = {
      time: new Date().toISOString(),
      level: entry.level,
      msg: redact(text),
      upstream,
      id,
      ...(Object.keys(rest).length > 0 && { data: rest }),
    };
    file.write(`${JSON.stringify(line)}\n`);
  });
  return {
    close: () => {
      stop();
      return file.close();
    },
  };
}

function threshold(level: LogOptions['level']): () => number {
  if (typeof level === 'function') return () => LEVELS.indexOf(level());
  const fixed = LEVELS.indexOf(level);
  return () => fixed;
}

/** No text of a server can forge a line or move the cursor of a terminal (log injection). */
export function oneLine(text: string): string {
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
    case 'replica.state':
      return {
        level: event.to === 'failed' || event.to === 'backoff' || event.to === 'cooling_down' ? 'warn' : 'debug',
        upstream: event.upstream,
        text: `replica ${event.replica}: ${event.from} → ${event.to}${event.reason === undefined ? '' : `: ${event.reason}`}`,
      };
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
    case 'gateway.heap': {
      const percent = `${Math.round(event.used * 100)} % of the heap`;
      return event.full
        ? { level: 'error', text: `${percent} used: calls are refused until there is room` }
        : { level: 'info', text: `${percent} used: calls are taken again` };
    }
    case 'gateway.unexpected':
      return {
        level: 'error',
        text: `unexpected ${event.kind} in the gateway: ${event.message}`,
        data: { id: event.correlationId },
      };
    case 'auth.refused':
      return { level: 'debug', text: `refused: ${event.reason}` };
    case 'alert.raised':
    case 'alert.changed':
    case 'alert.resolved': {
      const over = event.type === 'alert.resolved';
      return {
        level: over ? 'info' : event.severity === 'warning' ? 'warn' : 'error',
        text: `alert ${event.rule} ${over ? 'resolved' : event.severity}: ${event.message}`,
      };
    }
    case 'face.connected':
      return { level: 'info', text: `endpoint ${event.endpoint} connected` };
    case 'face.lost':
      return { level: 'warn', text: `endpoint ${event.endpoint} lost: ${event.reason}` };
    case 'endpoint.promoted':
    case 'endpoint.stood_down': {
      const verb = event.type === 'endpoint.promoted' ? 'took over' : 'gave back its place';
      return { level: 'info', text: `endpoint ${event.endpoint} ${verb} in group ${event.group}` };
    }
    case 'endpoint.state': {
      const reason = event.reason === undefined ? '' : `: ${event.reason}`;
      return { level: 'debug', text: `endpoint ${event.endpoint}: ${event.from} → ${event.to}${reason}` };
    }
    case 'shared.state': {
      const reason = event.reason === undefined ? '' : `: ${event.reason}`;
      return { level: event.state === 'ready' ? 'info' : 'warn', text: `shared store ${event.state}${reason}` };
    }
    case 'admin.action':
      return { level: 'info', text: `${event.by}: ${event.action} ${event.subject}` };
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
