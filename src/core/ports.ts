// What faces and operations see of the rest of the house: interfaces that the composition root fills.
import type { HeldKind, HeldWhy } from './held.ts';
import type { JsonObject } from './json.ts';

/** Small documents in the data directory (store/data-dir.ts). */
export interface StateDocuments {
  readonly path: string;
  readonly writable: boolean;
  read<T>(name: string): T | undefined;
  /** Written a moment later; `read` is asked then. */
  save(name: string, read: () => unknown, delay?: number): void;
  /** Something beside the documents cannot be written, or can again; true where that was not known. */
  failed(name: string, error: unknown): boolean;
  well(name: string): void;
}

/** Resident memory in bytes and CPU time in milliseconds of a process group, by its leader. */
export interface GroupUsage {
  rss: number;
  cpu: number;
  frozen: boolean;
  processes: number;
  /** Its processes; absent: only the leader is known. */
  pids?: readonly number[] | undefined;
}

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** One letter, as the kernel says it. */
  state: string;
  /** Bytes. */
  rss: number;
  /** CPU time since its start, in milliseconds. */
  cpu: number;
}

/** Keys that sign what clients bring back; which they are can change while the gateway runs. */
export interface SigningKeys {
  /** The one that signs now. */
  readonly signing: Buffer;
  /** All that verify; replaced as a whole when they change. */
  readonly all: readonly Buffer[];
}

/** What an operator may do to upstreams and tools. Unknown names: @throws GatewayFault UPSTREAM_UNKNOWN, TOOL_UNKNOWN. */
export interface Control {
  /** `force` skips a cool-down once and closes the breaker (requirements 10.3, X-47). */
  restart(upstream: string, options: { force: boolean }): void;
  /** Kept in the configuration (file or overlay, 10.16). */
  setEnabled(upstream: string, enabled: boolean, by: string): Promise<void>;
  setToolEnabled(upstream: string, tool: string, enabled: boolean, by: string): Promise<void>;
  /** Calls wait up to `timeouts.ready`, then are refused with who paused it. Not kept over a restart. */
  pause(upstream: string, by: string): void;
  resume(upstream: string): void;
  /** Who paused it and since when (milliseconds since 1970); undefined while it is not. */
  paused(upstream: string): { by: string; since: number } | undefined;
  /** The processes of the upstream's group, the leader first; empty for one without a process. */
  processes(upstream: string): Promise<readonly ProcessInfo[]>;
  /** Asks the upstream now whether it answers; milliseconds it took. @throws GatewayFault */
  check?(upstream: string, signal: AbortSignal): Promise<number>;
}

/** `null` as a value takes a key away. */
export interface ConfigEdits {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** A whole text, single changes, or changes that depend on what stands there when their turn comes. */
export type ConfigChange = (
  | { text: string }
  | { edits: readonly ConfigEdits[] }
  /** Given the document that is changed and all that file and overlay say, both as written, secrets included. */
  | { make(document: JsonObject, written: JsonObject): readonly ConfigEdits[] }
) & {
  /** What the change was made from: refused if the configuration has changed meanwhile. */
  etag?: string | undefined;
};

export interface ConfigProblem {
  path: string;
  message: string;
  line?: number | undefined;
  hint?: string | undefined;
}

/** What a change would do, by name. */
export interface ConfigPlan {
  added: readonly string[];
  removed: readonly string[];
  restarted: readonly string[];
  updated: readonly string[];
  /** Keys outside the upstreams that differ. */
  settings: readonly string[];
  /** Keys that take effect after a restart of the gateway only. */
  needsRestart: readonly string[];
  /** Upstreams that are not started until somebody approves them (10.21); absent: none. */
  waits?: readonly string[] | undefined;
}

export type ConfigOutcome<T> =
  | ({ ok: true } & T)
  | {
      ok: false;
      /** `not-written`: the file could not be saved, and nothing was applied. */
      reason: 'invalid' | 'changed-meanwhile' | 'unknown-version' | 'not-written';
      problems: readonly ConfigProblem[];
    };

/** A change that is in force. */
export interface ConfigApplied {
  version: number;
  plan: ConfigPlan;
  /** Why the version is not on disk yet; it is tried again until it is (F-D1). */
  notKept?: string | undefined;
}

export interface ConfigVersionInfo {
  version: number;
  /** Milliseconds since 1970. */
  at: number;
  by: string;
  reason: string;
  hash: string;
}

/** The difference between two configurations, without secrets (C-62). Durations in milliseconds, sizes in bytes. */
export interface ConfigDiff {
  added: string[];
  removed: string[];
  /** Per upstream and key, as written (`timeouts.call`). */
  modified: Record<string, Record<string, ConfigDiffValue>>;
  /** The same for keys outside the upstreams. */
  settings: Record<string, ConfigDiffValue>;
  /** Upstreams whose process or connection would be replaced. */
  restarts: string[];
}

/** undefined where it is not there. */
export interface ConfigDiffValue {
  old_value: unknown;
  new_value: unknown;
}

/** A configuration to compare: a kept version, the one in force, or what the file (or the overlay) says now. */
export type ConfigState = number | 'applied' | 'file';

/** One value and whose word it is. Durations in milliseconds, sizes in bytes; without secrets. */
export interface ConfigExplained {
  path: string;
  value: unknown;
  source: 'default' | 'environment' | 'file' | 'overlay' | 'flag';
  /** The variable or flag. */
  name?: string;
}

/** The configuration as an operator sees and changes it. Texts that leave it hold `***` for every secret. */
export interface ConfigControl {
  /** `text` is redacted; `***` written back keeps the secret that stood there. */
  current(): Promise<{
    version: number;
    etag: string;
    text: string;
    format: string;
    file: string | undefined;
    /** Where changes go (10.16). */
    writes: 'file' | 'overlay' | 'memory';
    /** The file that a change is written to; absent where it is kept in memory. */
    writesTo?: string | undefined;
    rejected?: { at: string; problems: readonly string[] } | undefined;
  }>;
  /** The checked configuration with every default, redacted. */
  effective(): JsonObject;
  /** Where the values at and below a path (as written, `upstreams.files.timeouts`) come from; all, if it is empty. */
  explain(path: string): Promise<readonly ConfigExplained[]>;
  plan(change: ConfigChange): Promise<ConfigOutcome<{ plan: ConfigPlan }>>;
  apply(change: ConfigChange, note: { by: string; reason: string }): Promise<ConfigOutcome<ConfigApplied>>;
  versions(): readonly ConfigVersionInfo[];
  /** Redacted; undefined for one that is not kept. */
  version(version: number): Promise<{ info: ConfigVersionInfo; text: string } | undefined>;
  /**
   * What differs between two of them. Without `to`, the one in force; without both, from the one in force to the file
   * where that says something else, else from the version before to the one in force.
   */
  difference(
    from?: ConfigState,
    to?: ConfigState,
  ): Promise<ConfigOutcome<{ from: ConfigState; to: ConfigState; diff: ConfigDiff }>>;
  rollback(version: number, note: { by: string; reason: string }): Promise<ConfigOutcome<ConfigApplied>>;
  /** The JSON Schema of the file, for completion in an editor. */
  schema(): JsonObject;
}

/** One key as an operator sees it; the key itself is shown once, when it is made. */
export interface KeyInfo {
  name: string;
  roles: string[];
  /** Only those of the configuration can be changed while the gateway runs. */
  source: 'configuration' | 'command line';
  upstreams?: string[] | undefined;
  tools?: { allow?: string[] | undefined; deny: string[] } | undefined;
  views?: string[] | undefined;
  rate?: { calls: number; per: number } | undefined;
  /** As written. */
  expires?: string | undefined;
  expired?: boolean | undefined;
  /** Until when the key before the last rotation is good, too. */
  previousUntil?: string | undefined;
  /** ISO times. */
  revoked?: string | undefined;
  lastUsed?: string | undefined;
}

/** A key as it is asked for; absent parts limit nothing. */
export interface KeyWanted {
  name: string;
  roles?: readonly ('read' | 'call' | 'admin')[] | undefined;
  upstreams?: readonly string[] | undefined;
  tools?: { allow?: readonly string[] | undefined; deny?: readonly string[] | undefined } | undefined;
  views?: readonly string[] | undefined;
  rate?: { calls: number; per?: string | number | undefined } | undefined;
  /** A date, or how long from now: `90d`. */
  expires?: string | undefined;
}

export type KeyOutcome<T> =
  | ({ ok: true } & T)
  | { ok: false; reason: 'unknown' | 'taken' | 'refused'; message: string };

/** The keys of callers. What changes them changes the configuration; secrets leave it once. */
export interface KeyControl {
  list(): readonly KeyInfo[];
  add(wanted: KeyWanted, by: string): Promise<KeyOutcome<{ name: string; key: string }>>;
  /** A new secret for a key; the old one is good for `overlap` (a duration; a day, if absent). */
  rotate(
    name: string,
    options: { overlap?: string | number | undefined },
    by: string,
  ): Promise<KeyOutcome<{ name: string; key: string; previousUntil: string }>>;
  /** Ends a key at once and for good: a rollback of the configuration does not bring it back. */
  revoke(name: string, by: string): Promise<KeyOutcome<{ name: string }>>;
}

/** One place that differs; null where nothing was, or is. Hidden characters stand as their codes (`{U+200B}`). */
export interface ApprovalDifference {
  /** `description`, `inputSchema.properties.path.type`, `command`, `env.TOKEN`. */
  path: string;
  from: string | null;
  to: string | null;
}

/** What the scanner found in a tool. */
export interface ScanFinding {
  rule: string;
  /** What the rule is about, in words. */
  says: string;
  /** `description`, `inputSchema.properties.path.default`. */
  place: string;
  excerpt: string;
}

/** An upstream or something of it that is held back until somebody approves it (10.21). */
export interface ApprovalWaiting {
  upstream: string;
  /**
   * A tool by the upstream's own name for it, or `prompt:…`, `resource:…`, `template:…`, `server:instructions`; absent:
   * the upstream itself is neither started nor dialled.
   */
  tool?: string | undefined;
  why: HeldWhy;
  /** SHA-256 of what was looked at; a decision that names it is about nothing else. */
  fingerprint: string;
  /** Of an upstream: who asked for it, ISO time, and what would be started or dialled, the command as one line. */
  by?: string | undefined;
  at?: string | undefined;
  starts?: Readonly<Record<string, string>> | undefined;
  /** From what was approved to what there is now. */
  diff: readonly ApprovalDifference[];
  findings?: readonly ScanFinding[] | undefined;
  /** Who approved what it was before, and who rejected what it is; ISO times. */
  approved?: { by: string; at: string } | undefined;
  rejected?: { by: string; at: string } | undefined;
}

/** A decision that was made. */
export interface ApprovalMade {
  upstream: string;
  tool?: string | undefined;
  decision: 'approved' | 'rejected';
  by: string;
  /** ISO time. */
  at: string;
  fingerprint: string;
  diff: readonly ApprovalDifference[];
}

/** A decision as it is asked for. */
export interface ApprovalVerdict {
  approve: boolean;
  upstream: string;
  /** Absent: all of the upstream that waits; where nothing does, the upstream itself. */
  tools?: readonly string[] | undefined;
  /** What was looked at: anything else is refused. */
  fingerprints?: readonly string[] | undefined;
}

/** Approval of upstreams and tools (10.21). Everything it shows is without secrets. */
export interface ApprovalControl {
  shown(): {
    approval: 'off' | 'changed' | 'new';
    scanner: boolean;
    waiting: readonly ApprovalWaiting[];
    /** The newest first. */
    decisions: readonly ApprovalMade[];
  };
  /** What was decided about; without a tool: the upstream itself. @throws GatewayFault */
  decide(verdict: ApprovalVerdict, by: string): readonly { tool?: string | undefined; fingerprint: string }[];
  /** Why a tool, or what goes by a label, is held back, if it is. */
  heldTool(upstream: string, tool: string): HeldWhy | undefined;
  /** Nothing while the scanner is switched off. */
  findings(definition: JsonObject, kind?: HeldKind): readonly ScanFinding[];
}

export interface CallQuery {
  /** Any of these words, in any field. */
  text?: string | undefined;
  upstream?: string | undefined;
  /** Tool, prompt or URI. */
  subject?: string | undefined;
  client?: string | undefined;
  face?: string | undefined;
  outcome?: string | undefined;
  fault?: string | undefined;
  id?: string | undefined;
  /** Milliseconds since 1970. */
  since?: number | undefined;
  until?: number | undefined;
  /** Slower than this, in milliseconds. */
  slowerThan?: number | undefined;
  /** Rows at most, newest first. */
  limit: number;
}

/** One call as the history keeps it. */
export interface CallRow {
  id: string;
  /** When it ended, ISO. */
  at: string;
  face: string;
  /** Key name, else name and version of the client, else the face (issue: who called). */
  client: string;
  upstream: string;
  method: string;
  subject: string;
  outcome: string;
  fault?: string | undefined;
  attempts: number;
  /** Milliseconds. */
  queue: number;
  upstreamTime: number;
  total: number;
  bytes: number;
  tokensSaved?: number | undefined;
  /** As `storage.callLog.arguments` says. */
  arguments?: unknown;
}

export interface AlertInfo {
  id: string;
  rule: string;
  subject: string;
  metric: string;
  severity: 'warning' | 'error' | 'critical';
  message: string;
  value: number;
  threshold: number;
  /** ISO times. */
  since: string;
  changed: string;
  resolved?: string | undefined;
  silenced: boolean;
  action?: string | undefined;
}

export interface SilenceInfo {
  id: string;
  /** Rule and subject it is about; `*` for any. */
  rule: string;
  subject: string;
  until: string;
  by: string;
  reason: string;
}

/** How an upstream does: its score (10.1), and its calls of the last five minutes. */
export interface UpstreamFigures {
  score: number;
  trend: string;
  /** Calls and starts in a row that the way to it failed; 0 after a good one. */
  failuresInRow: number;
  /** ISO time, to the second. */
  lastSuccess?: string | undefined;
  calls: {
    perSecond: number;
    /** Failed ones, as `high_error_rate` counts them. */
    errors: number;
    errorPercent: number | null;
    /** Milliseconds; null where nothing was called. */
    p50: number | null;
    p95: number | null;
    p99: number | null;
  };
  /** How its processes grew since they were started (C-72), of what is known for long enough; bytes are `memory_bytes`. */
  growth?: readonly { field: string; perHour: number; from: number; to: number; hours: number; leak: boolean }[];
}

/** The text that Prometheus reads, in parts, with its content type. */
export interface ExposedPage {
  type: string;
  parts: readonly Buffer[];
}

/** What operations has to show. Everything is plain JSON and holds no secret. */
export interface Views {
  metrics(): JsonObject;
  /** The exposition; others have their turn while it is written. */
  exposition(openMetrics: boolean): Promise<ExposedPage>;
  diagnostics(): JsonObject;
  status(): JsonObject;
  /** What a dashboard draws: scores, rates, series over the kept samples. */
  overview(): JsonObject;
  /** Kept samples of one upstream or the gateway (C-54), newest last. */
  samples(subject: string, limit: number): readonly JsonObject[];
  /** How one upstream does; undefined for one that is not known. */
  figuresOf(upstream: string): UpstreamFigures | undefined;
  calls(query: CallQuery): readonly CallRow[];
  call(id: string): CallRow | undefined;
  /** Calls after the `after`-th, at most `limit`, the oldest first; and how many there have been. */
  recent(after: number, limit: number): { count: number; rows: readonly CallRow[] };
  alerts(): { open: readonly AlertInfo[]; history: readonly AlertInfo[] };
  rules(): readonly JsonObject[];
  /** Ends an open alert by hand; it comes back if its cause does. */
  resolve(id: string): boolean;
  silences(): readonly SilenceInfo[];
  silence(wanted: { rule: string; subject: string; minutes: number; by: string; reason: string }): SilenceInfo;
  unsilence(id: string): boolean;
  /** Sends a test message through every sink; what failed, by sink. */
  testSinks(): Promise<Record<string, string | null>>;
}
