// What was approved, what waits for an approval, and who decided (requirements 10.21). One document in the data
// directory, written before what it is about takes effect.
import type { Config } from '../config/schema.ts';
import { secretsOf } from '../config/secrets.ts';
import type { EventStream } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import {
  type HeldKind,
  type HeldTools,
  type HeldWhy,
  NO_HELD,
  readLabel,
  type Subject,
  subjectsOf,
} from '../core/held.ts';
import type { JsonObject } from '../core/json.ts';
import type { ApprovalControl, ApprovalVerdict, ApprovalWaiting, ScanFinding } from '../core/ports.ts';
import { createRedactor } from '../core/redact.ts';
import type { UpstreamLists } from '../core/upstream.ts';
import { startDifferences, toolDifferences } from './diff.ts';
import { approvedParts, partsPrint, startOf, startPrint } from './fingerprint.ts';
import {
  type Decided,
  decideServer,
  decideTool,
  FIRST_SIGHT,
  type KeptApprovals,
  readKept,
  type ServerRecord,
  writeKept,
} from './records.ts';
import { RULES, scanDefinition } from './scan.ts';

const FILE = 'approvals.json';
/** Decisions that are shown; what they approved is remembered without them. */
const MOST_DECISIONS = 500;
/** Tools, and things of each other kind, remembered of one upstream: as many as tools are read of one (F-L1). */
const MOST_TOOLS = 20_000;
/** Custom tools are the configuration's own words. */
const CUSTOM = 'custom';
/** Changes by these come from the operator's own file. */
const OWN: ReadonlySet<string> = new Set(['file', 'start']);

export interface ApprovalDeps {
  documents: {
    read<T>(name: string): T | undefined;
    save(name: string, read: () => unknown, delay?: number): void;
    flush(name: string): boolean;
  };
  events: EventStream;
  settings(): Config['security'];
  /** What an upstream lists now. */
  lists(upstream: string): UpstreamLists | undefined;
  /** What it tells every model, where it does. */
  instructions(upstream: string): string | undefined;
  redact(text: string): string;
  /** Somebody decided, here or at another gateway: upstreams and tools are looked at anew. */
  decided(): void;
}

/** Upstreams that may be neither started nor dialled, with what they would start. */
type HeldServers = ReadonlyMap<string, { why: HeldWhy; print: string }>;

/** What stands at a place now: it waits, was rejected, or is approved. */
type Standing = Omit<ApprovalWaiting, 'why'> & { why: HeldWhy | 'approved' };

export class Approvals implements ApprovalControl {
  readonly #deps: ApprovalDeps;
  readonly #kept: KeptApprovals;
  readonly #tools = new WeakMap<
    UpstreamLists,
    { version: number; instructions: string | undefined; held: HeldTools }
  >();
  /** What was told as waiting, so that it is told once: fingerprints by upstream. */
  readonly #told = new Map<string, ReadonlySet<string>>();
  /** A definition is never changed. */
  readonly #print = remembered(partsPrint);
  readonly #scan = remembered(scanDefinition);
  readonly #listeners: ((decided: Decided) => void)[] = [];
  #servers: HeldServers = new Map();
  #version = 0;

  constructor(deps: ApprovalDeps) {
    this.#deps = deps;
    this.#kept = readKept(deps.documents.read(FILE));
  }

  /** Whether anything is ever held back. */
  get on(): boolean {
    return this.#deps.settings().approval !== 'off';
  }

  /** Grows whenever `heldTools` may give another answer for the same lists. */
  get version(): number {
    return this.#version;
  }

  /**
   * Writes down what would have to wait if a change were made, before it is made: a restart in between must not take it
   * for approved.
   * @returns why the change may not be made, or how to take this back
   */
  prepare(config: Config, note: { by: string }): string | (() => void) {
    const before = new Set(this.#kept.servers.keys());
    const held = this.#look(config, note.by);
    const undo = () => {
      for (const name of this.#kept.servers.keys()) if (!before.has(name)) this.#kept.servers.delete(name);
      this.#save();
    };
    if (held.size === 0 || this.#deps.documents.flush(FILE)) return undo;
    undo();
    return 'an upstream in it has to wait for approval, and that cannot be written into the data directory';
  }

  /** Decides which upstreams of a configuration have to wait; to be called before they are made. */
  consider(config: Config, note?: { by: string }): void {
    const before = this.#servers;
    this.#version++;
    this.#servers = this.#look(config, note?.by);
    for (const [upstream, { why, print }] of this.#servers)
      if (why !== 'rejected' && before.get(upstream)?.print !== print)
        this.#deps.events.emit({ type: 'approval.waiting', upstream, why });
  }

  /** Upstreams that would have to wait after a change by somebody. */
  waits(config: Config, by: string): string[] {
    return [...this.#look(config, by, false).keys()];
  }

  #look(config: Config, by: string | undefined, keep = true): HeldServers {
    const held = new Map<string, { why: HeldWhy; print: string }>();
    const { approval } = config.security;
    if (approval === 'off') return held;
    // Also of what is only looked at: its secrets are not those of the running configuration yet.
    const own = createRedactor(() => secretsOf(config));
    const redact = (text: string) => this.#deps.redact(own(text));
    const trusts = approval === 'changed' || by === undefined || OWN.has(by);
    for (const [name, upstream] of Object.entries(config.upstreams)) {
      const start = startOf(upstream, redact);
      const print = startPrint(start);
      const known = this.#kept.servers.has(name);
      const record = keep ? this.#record(name) : { ...this.#kept.servers.get(name), tools: new Map() };
      const { approved, asked, rejected } = record;
      if (rejected?.print === print) held.set(name, { why: 'rejected', print });
      else if (!known && trusts) record.approved = { print, by: FIRST_SIGHT, at: Date.now(), start };
      else if (approved?.print !== print) {
        if (asked?.print !== print) record.asked = { print, by: by ?? 'program', at: Date.now(), start };
        held.set(name, { why: approved === undefined && rejected === undefined ? 'new' : 'changed', print });
      }
    }
    if (keep) this.#save();
    return held;
  }

  /** Why an upstream may not be started; undefined for one that may. */
  heldServer(name: string): HeldWhy | undefined {
    return this.#servers.get(name)?.why;
  }

  /** What of an upstream is neither shown nor used. Looked up, not computed, for lists that were seen. */
  heldTools(name: string, lists: UpstreamLists): HeldTools {
    if (!this.on || name === CUSTOM) return NO_HELD;
    const instructions = this.#deps.instructions(name);
    const known = this.#tools.get(lists);
    if (known?.version === this.#version && known.instructions === instructions) return known.held;
    const held = this.#judge(name, lists);
    // Those of an upstream that has listed nothing yet are not its own.
    if (lists.revision > 0) this.#tools.set(lists, { version: this.#version, instructions, held });
    return held;
  }

  heldTool(upstream: string, tool: string): HeldWhy | undefined {
    const lists = this.#deps.lists(upstream);
    return lists && this.heldTools(upstream, lists).get(tool);
  }

  /** Other lists were read: what has to wait is told. */
  seen(name: string, lists: UpstreamLists): void {
    const held = this.heldTools(name, lists);
    const told = this.#told.get(name);
    const now = new Set<string>();
    for (const { label: tool, kind, definition } of held.size === 0 ? [] : this.#subjects(name, lists)) {
      const why = held.get(tool);
      if (why === undefined || why === 'rejected') continue;
      const print = this.#print(definition, kind);
      now.add(print);
      if (told?.has(print) !== true) this.#deps.events.emit({ type: 'approval.waiting', upstream: name, tool, why });
    }
    this.#told.set(name, now);
  }

  #subjects(name: string, lists: UpstreamLists) {
    return subjectsOf(lists, this.#deps.instructions(name));
  }

  #judge(name: string, lists: UpstreamLists): HeldTools {
    const { approval, scanner } = this.#deps.settings();
    const { tools } = this.#record(name);
    const subjects = this.#subjects(name, lists);
    const known = kindsOf(tools, subjects);
    const seen = new Set(known.keys());
    const held = new Map<string, HeldWhy>();
    let trusted = false;
    for (const { label: tool, kind, definition } of subjects) {
      const trustsNew = approval === 'changed' || !seen.has(kind);
      const print = this.#print(definition, kind);
      const { approved, rejected } = tools.get(tool) ?? {};
      const flagged = scanner && this.#scan(definition, kind).length > 0;
      if (rejected?.print === print) held.set(tool, 'rejected');
      else if (approved?.print === print) {
        // To have been there first is not to have been looked at.
        if (flagged && approved.by === FIRST_SIGHT) held.set(tool, 'flagged');
      } else if (approved !== undefined || rejected !== undefined) held.set(tool, 'changed');
      else if (!trustsNew || (known.get(kind) ?? 0) >= MOST_TOOLS) held.set(tool, 'new');
      else {
        known.set(kind, (known.get(kind) ?? 0) + 1);
        const parts = approvedParts(definition, kind);
        tools.set(tool, { approved: { print, by: FIRST_SIGHT, at: Date.now(), parts } });
        trusted = true;
        if (flagged) held.set(tool, 'flagged');
      }
    }
    if (trusted) this.#save();
    return held.size === 0 ? NO_HELD : held;
  }

  findings(definition: JsonObject, kind: HeldKind = 'tool'): readonly ScanFinding[] {
    if (!this.#deps.settings().scanner) return [];
    return this.#scan(definition, kind).map((finding) => ({ ...finding, says: RULES[finding.rule] }));
  }

  shown(): ReturnType<ApprovalControl['shown']> {
    const { approval, scanner } = this.#deps.settings();
    const waiting = [...this.#kept.servers.keys()].flatMap((name) => this.#standing(name)).filter(isHeld);
    return { approval, scanner, waiting, decisions: this.#kept.decisions.toReversed() };
  }

  /** Told what is decided here, so that other gateways can do the same. */
  onDecision(listener: (decided: Decided) => void): void {
    this.#listeners.push(listener);
  }

  decide({ upstream, approve, tools, fingerprints }: ApprovalVerdict, by: string): Decided['subjects'] {
    const all = this.#standing(upstream).filter(({ why }) => why !== (approve ? 'approved' : 'rejected'));
    const named = all.filter(({ tool }) => tool !== undefined && tools?.includes(tool) === true);
    const waiting = all.filter(({ why }) => why !== 'approved' && why !== 'rejected');
    const itself = all.filter(({ tool }) => tool === undefined);
    const meant = tools !== undefined ? named : waiting.length > 0 ? waiting : itself;
    const missing = tools?.find((name) => !named.some(({ tool }) => tool === name));
    if (meant.length === 0 || missing !== undefined) throw this.#nothing(upstream, missing, approve);
    const other = fingerprints && meant.find(({ fingerprint }) => !fingerprints.includes(fingerprint));
    if (other !== undefined) {
      const what = other.tool === undefined ? upstream : `${upstream}/${other.tool}`;
      throw new GatewayFault('ARGUMENTS_INVALID', `${what} is not what was looked at any more; nothing was decided`, {
        upstream,
        hint: 'Look at what stands there now (holdfast approvals), then decide.',
      });
    }
    const subjects = meant.map(({ tool, fingerprint }) => ({ ...(tool !== undefined && { tool }), fingerprint }));
    const decided = { upstream, approve, by, at: Date.now(), subjects };
    this.take(decided);
    for (const listener of this.#listeners) listener(decided);
    return subjects;
  }

  #nothing(upstream: string, tool: string | undefined, approve: boolean): GatewayFault {
    const what = tool === undefined ? JSON.stringify(upstream) : `${JSON.stringify(tool)} of ${upstream}`;
    const text = approve ? `${what} does not wait for approval` : `there is nothing of ${what} to reject`;
    return new GatewayFault(tool === undefined ? 'UPSTREAM_UNKNOWN' : 'TOOL_UNKNOWN', text, {
      upstream,
      hint: this.on ? 'holdfast approvals lists what waits.' : 'security.approval is off, so nothing waits.',
    });
  }

  /** Carries a decision out, wherever it was made: about what has the same fingerprints here. */
  take({ upstream, approve, by, at, subjects }: Decided): void {
    const record = this.#record(upstream);
    const standing = this.#standing(upstream);
    for (const { tool, fingerprint: print } of subjects) {
      const one = standing.find((other) => other.tool === tool && other.fingerprint === print);
      if (one === undefined) continue;
      if (tool === undefined) decideServer(record, approve, { print, by, at });
      else {
        const lists = this.#deps.lists(upstream);
        const subject = lists && this.#subjects(upstream, lists).find(({ label }) => label === tool);
        const word = { print, by, at, parts: subject && approvedParts(subject.definition, subject.kind) };
        record.tools.set(tool, decideTool(record.tools.get(tool), approve, word));
      }
      const verdict = approve ? ('approved' as const) : ('rejected' as const);
      const made = { upstream, ...(tool !== undefined && { tool }), decision: verdict, by };
      this.#kept.decisions.push({ ...made, at: new Date(at).toISOString(), fingerprint: print, diff: one.diff });
      this.#deps.events.emit({ type: 'approval.decided', ...made });
    }
    this.#kept.decisions.splice(0, this.#kept.decisions.length - MOST_DECISIONS);
    this.#version++;
    this.#save();
    this.#deps.documents.flush(FILE);
    this.#deps.decided();
  }

  /** An upstream, its tools and the rest, as they stand. */
  #standing(upstream: string): Standing[] {
    const record = this.#kept.servers.get(upstream);
    if (record === undefined || !this.on) return [];
    const lists = this.#deps.lists(upstream);
    if (lists === undefined) return [];
    const held = this.heldTools(upstream, lists);
    const tools = this.#subjects(upstream, lists).map(({ label: tool, kind, definition }): Standing => {
      const why = held.get(tool) ?? 'approved';
      const { approved, rejected } = record.tools.get(tool) ?? {};
      return {
        upstream,
        tool,
        why,
        fingerprint: this.#print(definition, kind),
        // What was only seen first is shown whole: nobody has read it.
        diff: toolDifferences(why === 'flagged' ? undefined : approved?.parts, approvedParts(definition, kind)),
        findings: this.findings(definition, kind),
        ...(approved !== undefined && { approved: told(approved) }),
        ...(rejected !== undefined && { rejected: told(rejected) }),
      };
    });
    return [this.#serverStanding(upstream, record), ...tools];
  }

  #serverStanding(upstream: string, { approved, asked, rejected }: ServerRecord): Standing {
    const { why = 'approved', print = approved?.print ?? '' } = this.#servers.get(upstream) ?? {};
    const start = (asked?.print === print ? asked.start : approved?.start) ?? {};
    return {
      upstream,
      why,
      fingerprint: print,
      ...(asked?.print === print && told(asked)),
      starts: Object.fromEntries(Object.entries(start).map(([key, { shown }]) => [key, shown])),
      diff: startDifferences(approved?.start, start),
      ...(approved !== undefined && { approved: told(approved) }),
      ...(rejected !== undefined && { rejected: told(rejected) }),
    };
  }

  #record(name: string): ServerRecord {
    let record = this.#kept.servers.get(name);
    if (record === undefined) {
      record = { tools: new Map() };
      this.#kept.servers.set(name, record);
    }
    return record;
  }

  #save(): void {
    this.#deps.documents.save(FILE, () => writeKept(this.#kept));
  }
}

/**
 * How many of each kind are remembered. Resources that come and go would fill what there is room for: those that nobody
 * decided about and that are gone make room.
 */
function kindsOf(tools: ServerRecord['tools'], subjects: readonly Subject[]): Map<HeldKind, number> {
  const kinds = new Map<HeldKind, number>();
  for (const label of tools.keys()) {
    const { kind } = readLabel(label);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const resources = kinds.get('resource') ?? 0;
  if (resources < MOST_TOOLS) return kinds;
  const listed = new Set(subjects.map(({ label }) => label));
  const gone = [...tools].filter(
    ([label, { approved, rejected }]) =>
      readLabel(label).kind === 'resource' &&
      !listed.has(label) &&
      approved?.by === FIRST_SIGHT &&
      rejected === undefined,
  );
  for (const [label] of gone) tools.delete(label);
  return kinds.set('resource', resources - gone.length);
}

function isHeld(one: Standing): one is ApprovalWaiting {
  return one.why !== 'approved';
}

function told({ by, at }: { by: string; at: number }): { by: string; at: string } {
  return { by, at: new Date(at).toISOString() };
}

/** Computes once for each definition, which must not change. */
function remembered<T>(compute: (definition: JsonObject, kind: HeldKind) => T): typeof compute {
  const known = new WeakMap<JsonObject, { value: T }>();
  return (definition, kind) => {
    let kept = known.get(definition);
    if (kept === undefined) {
      kept = { value: compute(definition, kind) };
      known.set(definition, kept);
    }
    return kept.value;
  };
}
