// Judges the rules again and again: one open alert per rule and subject, raised, made more or less severe, and resolved
// by itself when the value has been low for one window (X-46, C-51, C-54, requirements 10.22).
import { randomUUID } from 'node:crypto';
import type { Severity } from '../config/schema-monitor.ts';
import type { AlertEvent } from '../core/events.ts';
import type { AlertInfo, SilenceInfo, StateDocuments } from '../core/ports.ts';
import { METRICS, type Rule, SEVERITY } from './rules.ts';

/** What a rule sees of one subject. */
export interface Reading {
  /** The value as it is told. */
  value: number;
  /** The newest value, for the way back. */
  latest: number;
  /** Whether it is above a threshold in the sense of the rule's window. */
  above(threshold: number): boolean;
  /** What is known beside the number. */
  detail?: string | undefined;
  /** Said in place of the threshold, where it was not this that the value went beyond. */
  because?: string | undefined;
}

export interface AlertState {
  id: string;
  rule: string;
  subject: string;
  metric: string;
  severity: Severity;
  /** Index of the severity. */
  level: number;
  message: string;
  value: number;
  threshold: number;
  /** Milliseconds since 1970. */
  since: number;
  changed: number;
  resolved?: number | undefined;
  action?: string | undefined;
}

export interface AlertsOptions {
  rules: readonly Rule[];
  /** Upstreams a rule may concern; disabled ones are none. */
  upstreams(): readonly string[];
  /** Endpoints that should serve: active ones and promoted standbys. */
  endpoints?: (() => readonly string[]) | undefined;
  /** Undefined: nothing is known, which counts as quiet. */
  read(rule: Rule, subject: string): Reading | undefined;
  told(event: AlertEvent, alert: AlertInfo): void;
  restart(upstream: string): void;
  documents: StateDocuments;
}

const HISTORY = 1000;
/** Below this share of a threshold the value counts as low again. */
const HYSTERESIS = 0.8;
/** Restarts by rules, per upstream: so many in so long (storm limit). */
const MOST_RESTARTS = 3;
const RESTART_WINDOW = 15 * 60_000;
const GATEWAY = 'gateway';

interface Open {
  alert: AlertState;
  rule: Rule;
  /** Since when the value is low for each level. */
  lowSince: (number | undefined)[];
}

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #open = new Map<string, Open>();
  readonly #history: AlertState[];
  readonly #silences: (Omit<SilenceInfo, 'until'> & { until: number })[];
  readonly #restarts = new Map<string, number[]>();
  #rules: readonly Rule[];

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#rules = options.rules;
    this.#history = kept<AlertState>(options.documents, 'alerts.json');
    this.#silences = kept(options.documents, 'silences.json');
    // What was open when the gateway ended is judged anew.
    for (const alert of this.#history) alert.resolved ??= alert.changed;
  }

  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** Other rules; alerts of rules that are gone are over. */
  setRules(rules: readonly Rule[]): void {
    this.#rules = rules;
  }

  open(): AlertState[] {
    return [...this.#open.values()].map(({ alert }) => alert);
  }

  /** `now` in milliseconds since 1970. */
  evaluate(now: number): void {
    const wanted = new Set<string>();
    const upstreams = this.#options.upstreams();
    for (const rule of this.#rules) {
      if (!rule.enabled) continue;
      const { of } = METRICS[rule.metric];
      const named = of === 'endpoint' ? (this.#options.endpoints?.() ?? []) : upstreams;
      const subjects =
        of === 'gateway' ? [GATEWAY] : named.filter((name) => rule.upstreams.some((glob) => matches(glob, name)));
      for (const subject of subjects) {
        wanted.add(keyOf(rule.name, subject));
        this.#judge(rule, subject, now);
      }
    }
    for (const [key, open] of this.#open) if (!wanted.has(key)) this.#resolve(open, now, 'no longer watched');
  }

  resolve(id: string, now: number): boolean {
    for (const open of this.#open.values()) {
      if (open.alert.id !== id) continue;
      this.#resolve(open, now, 'resolved by hand');
      return true;
    }
    return false;
  }

  show(now: number): { open: AlertInfo[]; history: AlertInfo[] } {
    const tell = (alert: AlertState): AlertInfo => this.#show(alert, now);
    return {
      open: this.open()
        .sort((a, b) => b.level - a.level || a.since - b.since)
        .map(tell),
      history: this.#history
        .filter(({ resolved }) => resolved !== undefined)
        .reverse()
        .map(tell),
    };
  }

  silences(now: number): SilenceInfo[] {
    return this.#silences
      .filter(({ until }) => until > now)
      .map(({ until, ...rest }) => ({ ...rest, until: new Date(until).toISOString() }));
  }

  silence(
    wanted: { rule: string; subject: string; minutes: number; by: string; reason: string },
    now: number,
  ): SilenceInfo {
    const { minutes, ...rest } = wanted;
    const silence = { id: randomUUID(), ...rest, until: now + minutes * 60_000 };
    const current = this.#silences.filter(({ until }) => until > now);
    this.#silences.splice(0, this.#silences.length, ...current, silence);
    this.#save('silences.json', this.#silences);
    return { ...silence, until: new Date(silence.until).toISOString() };
  }

  unsilence(id: string): boolean {
    const at = this.#silences.findIndex((silence) => silence.id === id);
    if (at === -1) return false;
    this.#silences.splice(at, 1);
    this.#save('silences.json', this.#silences);
    return true;
  }

  #judge(rule: Rule, subject: string, now: number): void {
    const reading = this.#options.read(rule, subject);
    const open = this.#open.get(keyOf(rule.name, subject));
    const level = reading === undefined ? -1 : highest(rule, reading);
    if (open === undefined) {
      if (reading !== undefined && level >= 0) this.#raise(rule, subject, level, reading, now);
      return;
    }
    open.rule = rule;
    const { alert } = open;
    if (reading !== undefined && level > alert.level) {
      this.#change(open, level, reading, now);
      this.#act(rule, alert, now);
      this.#tell('alert.changed', alert, now);
      return;
    }
    if (reading !== undefined && level === alert.level) alert.value = reading.value;
    const latest = reading?.latest ?? 0;
    rule.levels.forEach((threshold, index) => {
      // A rule may ask for nothing at all: then nothing is low enough.
      const low = threshold === undefined || latest <= 0 || latest < threshold * HYSTERESIS;
      open.lowSince[index] = low ? (open.lowSince[index] ?? now) : undefined;
    });
    const isLow = (index: number): boolean => now - (open.lowSince[index] ?? now) >= rule.window;
    const first = rule.levels.findIndex((threshold) => threshold !== undefined);
    if (first === -1 || isLow(first)) return this.#resolve(open, now, undefined);
    let down = alert.level;
    while (down > first && isLow(down)) down--;
    while (down > first && rule.levels[down] === undefined) down--;
    if (down === alert.level || reading === undefined) return;
    this.#change(open, down, reading, now);
    this.#tell('alert.changed', alert, now);
  }

  #raise(rule: Rule, subject: string, level: number, reading: Reading, now: number): void {
    const alert: AlertState = {
      id: randomUUID(),
      rule: rule.name,
      subject,
      metric: rule.metric,
      severity: SEVERITY[level] as Severity,
      level,
      message: '',
      value: reading.value,
      threshold: 0,
      since: now,
      changed: now,
    };
    const open: Open = { alert, rule, lowSince: [] };
    this.#open.set(keyOf(rule.name, subject), open);
    this.#change(open, level, reading, now);
    this.#history.push(alert);
    if (this.#history.length > HISTORY) this.#history.splice(0, this.#history.length - HISTORY);
    this.#act(rule, alert, now);
    this.#tell('alert.raised', alert, now);
  }

  #change({ alert, rule }: Open, level: number, reading: Reading, now: number): void {
    const threshold = rule.levels[level] as number;
    const { title, unit } = METRICS[rule.metric];
    alert.level = level;
    alert.severity = SEVERITY[level] as Severity;
    alert.value = reading.value;
    alert.threshold = threshold;
    alert.changed = now;
    const detail = reading.detail === undefined ? '' : `: ${reading.detail}`;
    const because = reading.because ?? `above ${brief(threshold)}`;
    alert.message = `${alert.subject}: ${title} ${brief(reading.value)}${unit}, ${because}${detail}`;
  }

  #resolve(open: Open, now: number, why: string | undefined): void {
    const { alert } = open;
    this.#open.delete(keyOf(alert.rule, alert.subject));
    alert.resolved = now;
    alert.changed = now;
    if (why !== undefined) alert.message = `${alert.message} (${why})`;
    this.#tell('alert.resolved', alert, now);
  }

  /** Restarts the upstream where the rule says so, but never in a storm. */
  #act(rule: Rule, alert: AlertState, now: number): void {
    if (rule.action !== 'restart' || alert.severity !== 'critical') return;
    if (METRICS[rule.metric].of !== undefined) return;
    const recent = (this.#restarts.get(alert.subject) ?? []).filter((at) => at > now - RESTART_WINDOW);
    this.#restarts.set(alert.subject, recent);
    if (recent.length >= MOST_RESTARTS) {
      alert.action = `restart withheld: ${MOST_RESTARTS} in ${RESTART_WINDOW / 60_000} min are enough`;
      return;
    }
    recent.push(now);
    alert.action = 'restarted';
    this.#options.restart(alert.subject);
  }

  #tell(type: AlertEvent['type'], alert: AlertState, now: number): void {
    this.#save('alerts.json', this.#history);
    const { rule, subject, severity, message } = alert;
    this.#options.told({ type, rule, subject, severity, message }, this.#show(alert, now));
  }

  #save(name: string, what: unknown): void {
    this.#options.documents.save(name, () => what, SAVE_DELAY);
  }

  #show(alert: AlertState, now: number): AlertInfo {
    const { level: _, since, changed, resolved, value, action, ...rest } = alert;
    return {
      ...rest,
      value: Number(brief(value)),
      since: new Date(since).toISOString(),
      changed: new Date(changed).toISOString(),
      ...(resolved !== undefined && { resolved: new Date(resolved).toISOString() }),
      ...(action !== undefined && { action }),
      silenced: this.#silences.some(
        ({ rule, subject, until }) =>
          until > now && (rule === '*' || rule === alert.rule) && (subject === '*' || subject === alert.subject),
      ),
    };
  }
}

const SAVE_DELAY = 1000;

function kept<T>(documents: StateDocuments, name: string): T[] {
  const read = documents.read<T[]>(name);
  return Array.isArray(read) ? read : [];
}

function highest({ levels }: Rule, reading: Reading): number {
  for (let level = levels.length - 1; level >= 0; level--) {
    const threshold = levels[level];
    if (threshold !== undefined && reading.above(threshold)) return level;
  }
  return -1;
}

function keyOf(rule: string, subject: string): string {
  return `${rule}\0${subject}`;
}

function brief(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
}

/** `*` stands for any run of characters. */
function matches(glob: string, name: string): boolean {
  if (glob === '*' || glob === name) return true;
  const [first = '', ...rest] = glob.split('*');
  if (rest.length === 0 || !name.startsWith(first)) return false;
  let at = first.length;
  const last = rest.pop() as string;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
