// Who did what: a line of JSON for every change, and for every call of a caller with a key. Lines are only ever added;
// arguments stand there as their hash (reliability §4, Evidence; X-47).
import { createHash } from 'node:crypto';
import type { AuditConfig } from '../config/schema-monitor.ts';
import type { CallFinished, EventStream, GatewayEvent } from '../core/events.ts';
import type { RotatedFile } from './rotated-file.ts';

export interface AuditOptions {
  config: AuditConfig;
  file: RotatedFile;
  events: EventStream;
  redact(text: string): string;
}

/** How long lines of calls wait for others, in milliseconds; those of changes do not wait. */
const TOGETHER = 200;
/** Names are anybody's text. */
const LONGEST = 500;
/** Refused callers written per minute; whoever tries keys must not push everything else out of the file. */
const REFUSED_PER_MINUTE = 30;
const MINUTE = 60_000;
const MOST_NAMES = 2000;
/** An id that the gateway made; one that a caller chose may be anything. */
const OWN_ID = /^[0-9a-f-]{36}$/;

/** Begins to write; ends with the returned function. */
export function startAudit({ config, file, events, redact }: AuditOptions): () => void {
  let waiting: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let refused = { since: 0, count: 0 };

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    file.write(waiting.join(''));
    waiting = [];
  };
  const known = new Map<string, string>();
  /** A name without secrets. Most are the same from call to call. */
  const clean = (text: string): string => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const cleaned = redact(text).slice(0, LONGEST);
    if (known.size >= MOST_NAMES) known.clear();
    known.set(text, cleaned);
    return cleaned;
  };
  const add = (entry: object) => waiting.push(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`);
  const call = (event: CallFinished) => {
    if (config.calls === 'never' || (config.calls === 'keyed' && event.principal === 'local')) return;
    add(lineOf(event, clean));
    timer ??= setTimeout(flush, TOGETHER).unref();
  };
  const change = (entry: object) => {
    add(entry);
    flush();
  };
  const stop = events.subscribe((event: GatewayEvent) => {
    switch (event.type) {
      case 'call.finished':
        return call(event);
      case 'admin.action':
        return change({ type: 'action', principal: event.by, action: event.action, subject: redact(event.subject) });
      case 'config.applied': {
        // Other secrets may be known now.
        known.clear();
        const { version, by, reason, added, removed, changed } = event;
        return change({ type: 'configuration', principal: by, reason, version, added, removed, changed });
      }
      case 'config.rejected':
        return change({ type: 'configuration refused', problems: event.problems.slice(0, 20).map(redact) });
      case 'auth.refused': {
        const now = Date.now();
        if (now - refused.since > MINUTE) refused = { since: now, count: 0 };
        if (++refused.count <= REFUSED_PER_MINUTE)
          change({ type: 'refused', face: event.face, reason: redact(event.reason).slice(0, LONGEST) });
      }
    }
  });
  return () => {
    stop();
    flush();
  };
}

function lineOf(event: CallFinished, clean: (text: string) => string): object {
  return {
    type: 'call',
    id: OWN_ID.test(event.id) ? event.id : clean(event.id),
    principal: event.principal,
    client: clean(event.client),
    face: event.face,
    upstream: event.upstream,
    method: event.method,
    subject: clean(event.subject),
    arguments: event.params === undefined ? undefined : hashOf(event.params),
    outcome: event.outcome,
    fault: event.fault,
    attempts: event.attempts,
    ms: Math.round(event.total),
  };
}

/** SHA-256 of the arguments as they came, or of the params of a method that has none. */
function hashOf(params: Record<string, unknown>): string {
  const text = JSON.stringify('arguments' in params ? params.arguments : params) ?? 'null';
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
