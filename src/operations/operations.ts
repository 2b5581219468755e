// Everything that watches the gateway, put together: it reads the event stream and the ports, and nobody calls it.
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { RuleMetric } from '../config/schema-monitor.ts';
import type { EventStream } from '../core/events.ts';
import type { JsonObject } from '../core/json.ts';
import { part } from '../core/part.ts';
import type {
  AlertInfo,
  ApprovalControl,
  CallRow,
  ExposedPage,
  GroupUsage,
  StateDocuments,
  UpstreamFigures,
  Views,
} from '../core/ports.ts';
import { redactValue } from '../core/redact.ts';
import type { Upstream } from '../core/upstream.ts';
import { Alerts } from './alerts.ts';
import { startAudit } from './audit.ts';
import { Calls } from './calls.ts';
import { diagnose } from './diagnose.ts';
import { FIVE_MINUTES, Metrics } from './metrics.ts';
import { createReader } from './readings.ts';
import { RotatedFile } from './rotated-file.ts';
import { METRICS, rulesOf, rulesWithoutMetric, SEVERITY, showRule } from './rules.ts';
import { Sampler } from './sampler.ts';
import { systemScore } from './score.ts';
import { Sinks } from './sinks.ts';
import { type CacheFacts, figuresView, metricsView, overviewView, statusView, type ViewState } from './views.ts';

export interface OperationsDeps {
  events: EventStream;
  version: string;
  /** As it is now; `update` says that it is another one. */
  config(): Config;
  configState(): { version: number; rejected?: { at: string; problems: readonly string[] } | undefined };
  upstreams(): readonly Upstream[];
  documents: StateDocuments;
  /** Why state is not kept (`DataDir.notes`). */
  notes: readonly string[];
  /** What waits for approval. */
  approvals?: Pick<ApprovalControl, 'shown' | 'findings'> | undefined;
  /** Removes secrets from a text. */
  redact(text: string): string;
  /** Memory and CPU time of process groups by their leaders (`groupUsage`). */
  usage(pids: readonly number[]): Promise<ReadonlyMap<number, GroupUsage>>;
  /** Calls in flight, over all upstreams. */
  inFlight(): number;
  /** What a rule with `action: restart` does. */
  restart(upstream: string): void;
  /** Client sessions that are kept, and streams that are open. */
  clients?: (() => { sessions: number; streams: number }) | undefined;
  /** Endpoints that the gateway dials. */
  endpoints?: (() => readonly EndpointFacts[]) | undefined;
  caches?: (() => Readonly<Record<string, CacheFacts>>) | undefined;
  /** Whether this gateway is the one to tell of an alert (F-R11); `own` for what concerns this gateway only. */
  claim?: ((alert: string, level: number, own: boolean) => Promise<boolean>) | undefined;
  /** See `ReadingSources.sharedDown`. */
  sharedDown?: (() => { seconds: number; reason: string | undefined } | undefined) | undefined;
  /** See `ReadingSources.notWritten`. */
  notWritten?: (() => { seconds: number; reason: string } | undefined) | undefined;
  /** See `ReadingSources.survivors`. */
  survivors?: (() => readonly { upstream: string; pid: number }[]) | undefined;
}

/** What is watched of an endpoint (faces/xiaozhi). */
export interface EndpointFacts {
  name: string;
  role: 'active' | 'standby';
  promoted?: boolean;
  /** `elsewhere`: another gateway has it. */
  state?: string;
  connected: boolean;
  /** Its peer has introduced itself: it can be used. */
  initialised: boolean;
  healthScore: number;
  reconnectAttempts: number;
  calls: number;
  lastError?: string;
}

export interface Operations extends Views {
  /** Begins to sample and to judge. */
  start(): void;
  /** The configuration is another one. */
  update(): void;
  /** One look and one judgement, now; the timers do the same. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** How often rules are judged, in milliseconds. */
const JUDGE_EVERY = 5_000;
const readFamilies = part('metrics', () => import('./families.ts'));

export function createOperations(deps: OperationsDeps): Operations {
  return new Running(deps);
}

class Running implements Operations {
  readonly #metrics: Metrics;
  readonly #calls: Calls;
  readonly #deps: OperationsDeps;
  readonly #startedAt = Date.now();
  readonly #sampler: Sampler;
  readonly #alerts: Alerts;
  readonly #sinks: Sinks;
  readonly #file: RotatedFile | undefined;
  readonly #stopCalls: () => void;
  readonly #audit: RotatedFile | undefined;
  readonly #stopAudit: () => void;
  #second: NodeJS.Timeout | undefined;
  #ticked = performance.now();
  #sinceJudged = 0;
  #sinceSampled = 0;

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
    const { events, documents, redact } = deps;
    const { monitor, storage } = deps.config();
    const rules = rulesOf(monitor.rules);
    this.#metrics = new Metrics({
      events,
      knows: (name) => Object.hasOwn(deps.config().upstreams, name) || this.#upstream(name) !== undefined,
      inFlight: deps.inFlight,
      window: longest(rules),
    });
    this.#sampler = new Sampler({
      metrics: this.#metrics,
      upstreams: deps.upstreams,
      usage: deps.usage,
      memoryLimit: (name) => deps.config().upstreams[name]?.supervisor.memoryLimit,
      systemScore: () => this.#systemScore(),
      keep: monitor.window,
    });
    const { callLog } = storage;
    const path = callLog.file ?? join(documents.path, 'calls.jsonl');
    const onDisk = callLog.enabled && callLog.files > 0 && (documents.writable || callLog.file !== undefined);
    const warn = (text: string): void => events.emit({ type: 'log', level: 'warn', text });
    this.#file = onDisk ? new RotatedFile({ ...callLog, path, warn, state: documents }) : undefined;
    this.#calls = new Calls({ config: callLog, redact, file: this.#file });
    this.#stopCalls = callLog.enabled
      ? events.subscribe((event) => {
          if (event.type === 'call.finished') this.#calls.take(event);
          else if (event.type === 'tokens.saved') this.#calls.saved(event.id, event.tokens);
        })
      : () => undefined;
    const { audit } = storage;
    this.#audit =
      audit.enabled && documents.writable
        ? new RotatedFile({ ...audit, path: join(documents.path, 'audit.jsonl'), warn, state: documents })
        : undefined;
    this.#stopAudit =
      this.#audit === undefined ? () => undefined : startAudit({ config: audit, file: this.#audit, events, redact });
    this.#sinks = new Sinks({ sinks: monitor.sinks, events, redact });
    this.#alerts = new Alerts({
      rules,
      upstreams: () =>
        deps
          .upstreams()
          .filter(({ state }) => state.state !== 'disabled')
          .map(({ name }) => name),
      endpoints: () =>
        this.#endpoints()
          .filter(({ role, promoted, state }) => (role === 'active' || promoted === true) && state !== 'elsewhere')
          .map(({ name }) => name),
      read: createReader({
        metrics: this.#metrics,
        sampler: this.#sampler,
        upstream: (name) => this.#upstream(name),
        upstreams: deps.upstreams,
        endpoint: (name) => this.#endpoints().find((one) => one.name === name),
        sharedDown: deps.sharedDown,
        notWritten: deps.notWritten,
        survivors: deps.survivors,
        now: Date.now,
      }),
      told: (event, alert) => {
        const clean = redactValue(alert, redact) as AlertInfo;
        events.emit({ ...event, message: clean.message });
        const what = event.type.slice('alert.'.length) as 'raised' | 'changed' | 'resolved';
        const level = what === 'resolved' ? -1 : SEVERITY.indexOf(event.severity);
        const own = METRICS[clean.metric as RuleMetric].of === 'gateway';
        // Of all gateways that see it one tells it; one that cannot ask tells it.
        const told = deps.claim?.(`${event.rule}:${event.subject}`, level, own) ?? Promise.resolve(true);
        void told.catch(() => true).then((mine) => mine && this.#sinks.tell(what, clean));
      },
      restart: deps.restart,
      documents,
    });
    this.#sayUseless();
  }

  start(): void {
    this.#ticked = performance.now();
    this.#second ??= setInterval(() => this.#tick(), 1000).unref();
    if (this.#deps.config().monitor.enabled) void this.#sampler.sample(Date.now()).catch(this.#failed);
  }

  update(): void {
    const { monitor } = this.#deps.config();
    const rules = rulesOf(monitor.rules);
    this.#alerts.setRules(rules);
    this.#metrics.retime(longest(rules));
    this.#sinks.setSinks(monitor.sinks);
    this.#calls.secretsChanged();
    this.#sayUseless();
  }

  async look(): Promise<void> {
    await this.#sampler.sample(Date.now());
    this.#alerts.evaluate(Date.now());
  }

  async close(): Promise<void> {
    clearInterval(this.#second);
    this.#stopCalls();
    this.#metrics.close();
    this.#sampler.close();
    this.#calls.close();
    this.#stopAudit();
    await Promise.all([this.#sinks.close(), this.#file?.close(), this.#audit?.close()]);
  }

  metrics(): JsonObject {
    return metricsView(this.#state());
  }

  async exposition(openMetrics: boolean): Promise<ExposedPage> {
    const { expose } = await readFamilies();
    const state = this.#state();
    const clients = this.#deps.clients?.();
    return await expose(
      {
        ...state,
        version: this.#deps.version,
        startedAt: this.#startedAt,
        streams: clients?.streams,
        sessions: clients?.sessions,
        configVersion: this.#deps.configState().version,
        callsKept: this.#calls.count,
        sinkFailures: this.#sinks.failures,
        endpoints: this.#endpoints(),
        droppedLines: this.#file?.dropped ?? 0,
      },
      openMetrics,
    );
  }

  diagnostics(): JsonObject {
    const state = this.#state();
    const health = metricsView(state).system_health as JsonObject;
    const report = diagnose({
      ...state,
      rules: this.#alerts.rules,
      sampler: this.#sampler,
      config: this.#deps.configState(),
      notes: this.#deps.notes,
      approvals: this.#deps.approvals,
      startedAt: this.#startedAt,
      metrics: health.performance_metrics as JsonObject,
    });
    return redactValue(report, this.#deps.redact) as JsonObject;
  }

  status(): JsonObject {
    return statusView(this.#state());
  }

  overview(): JsonObject {
    return {
      ...overviewView(this.#state()),
      version: this.#deps.version,
      uptime: Math.round((Date.now() - this.#startedAt) / 1000),
      config: this.#deps.configState().version,
    };
  }

  samples(subject: string, limit: number): JsonObject[] {
    const rows = this.#sampler.series(subject)?.rows(limit) ?? [];
    return rows.map(({ at, sample }) => ({ at: new Date(at).toISOString(), ...sample }));
  }

  figuresOf(upstream: string): UpstreamFigures | undefined {
    if (this.#upstream(upstream) === undefined) return undefined;
    return figuresView(this.#metrics.meter(upstream), this.#sampler.series(upstream), this.#sampler.growth(upstream));
  }

  calls(query: Parameters<Views['calls']>[0]): ReturnType<Views['calls']> {
    return this.#calls.find(query);
  }

  recent(after: number, limit: number): { count: number; rows: CallRow[] } {
    return { count: this.#calls.count, rows: this.#calls.since(after, limit) };
  }

  call(id: string): ReturnType<Views['call']> {
    return this.#calls.find({ id, limit: 1 })[0];
  }

  alerts(): ReturnType<Views['alerts']> {
    return redactValue(this.#alerts.show(Date.now()), this.#deps.redact) as ReturnType<Views['alerts']>;
  }

  rules(): JsonObject[] {
    return this.#alerts.rules.map(showRule);
  }

  resolve(id: string): boolean {
    return this.#alerts.resolve(id, Date.now());
  }

  silences(): ReturnType<Views['silences']> {
    return this.#alerts.silences(Date.now());
  }

  silence(wanted: Parameters<Views['silence']>[0]): ReturnType<Views['silence']> {
    return this.#alerts.silence(wanted, Date.now());
  }

  unsilence(id: string): boolean {
    return this.#alerts.unsilence(id);
  }

  testSinks(): Promise<Record<string, string | null>> {
    const now = new Date().toISOString();
    return this.#sinks.test({
      id: 'test',
      rule: 'test',
      subject: 'gateway',
      metric: 'test',
      severity: 'warning',
      message: 'this is a test, nothing is wrong',
      value: 0,
      threshold: 0,
      since: now,
      changed: now,
      silenced: false,
    });
  }

  #tick(): void {
    const now = performance.now();
    const ms = now - this.#ticked;
    this.#ticked = now;
    this.#metrics.tick(ms);
    const { monitor } = this.#deps.config();
    if (!monitor.enabled) return;
    this.#sinceSampled += ms;
    this.#sinceJudged += ms;
    if (this.#sinceSampled >= monitor.interval - 500) {
      this.#sinceSampled = 0;
      void this.#sampler.sample(Date.now()).catch(this.#failed);
    }
    if (this.#sinceJudged < JUDGE_EVERY - 500) return;
    this.#sinceJudged = 0;
    this.#alerts.evaluate(Date.now());
  }

  readonly #failed = (error: unknown): void =>
    this.#deps.events.emit({ type: 'log', level: 'error', text: `a look at the processes failed: ${String(error)}` });

  #upstream(name: string): Upstream | undefined {
    return this.#deps.upstreams().find((upstream) => upstream.name === name);
  }

  #endpoints(): readonly EndpointFacts[] {
    return this.#deps.endpoints?.() ?? [];
  }

  #systemScore(): number {
    const scores = this.#deps
      .upstreams()
      .filter(({ state }) => state.state !== 'disabled')
      .map(({ name }) => {
        const meter = this.#metrics.meter(name);
        return { score: meter?.score.value ?? 100, calls: meter?.totals(FIVE_MINUTES).calls ?? 0 };
      });
    return systemScore(scores, this.#alerts.open());
  }

  #state(): ViewState {
    const { deps, alerts, sampler } = { deps: this.#deps, alerts: this.#alerts, sampler: this.#sampler };
    return {
      metrics: this.#metrics,
      sampler,
      upstreams: deps.upstreams(),
      openAlerts: alerts.open(),
      inFlight: deps.inFlight(),
      limit: deps.config().limits.gateway,
      systemScore: this.#systemScore(),
      caches: deps.caches?.() ?? {},
      now: Date.now(),
    };
  }

  #sayUseless(): void {
    for (const name of rulesWithoutMetric(this.#deps.config().monitor.rules)) {
      const text = `the alert rule ${JSON.stringify(name)} names no metric and does nothing`;
      this.#deps.events.emit({ type: 'log', level: 'warn', text });
    }
  }
}

function longest(rules: readonly { window: number }[]): number {
  return Math.max(...rules.map(({ window }) => window));
}
