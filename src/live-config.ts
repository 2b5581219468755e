// The configuration while the gateway runs: read again when its file changes, changed by an operator, kept in versions
// (requirements C-60 to C-63, 10.16, X-07, X-50). One change at a time; a refused one leaves everything as it was.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'jsonc-parser';
import type { Cluster } from './cluster/cluster.ts';
import { type AgreedConfig, ConfigAgreement } from './cluster/config-agreement.ts';
import { diffConfigs } from './config/diff.ts';
import { writeDurably } from './config/durable.ts';
import { type ConfigEdit, editText, etagOf, saveConfigFile } from './config/edit.ts';
import { explainConfig } from './config/explain.ts';
import { ConfigHistory } from './config/history.ts';
import type { LoadResult } from './config/load.ts';
import { formatProblem, type Path, type Problem } from './config/problem.ts';
import type { Config } from './config/schema.ts';
import { secretsOf } from './config/secrets.ts';
import { WatchedFiles } from './config/stamps.ts';
import { VersionKeeper } from './config/version-keeper.ts';
import { ConfigWatch } from './config/watch.ts';
import type { EventStream } from './core/events.ts';
import { isObject, type JsonObject } from './core/json.ts';
import type {
  ConfigApplied,
  ConfigChange,
  ConfigControl,
  ConfigDiff,
  ConfigEdits,
  ConfigExplained,
  ConfigOutcome,
  ConfigPlan,
  ConfigState,
  ConfigVersionInfo,
  StateDocuments,
} from './core/ports.ts';
import { changedMeanwhile, refused, shown } from './live-outcomes.ts';
import { type LiveConfigSource, OVERLAY, type ReadLive, readLive, type Writes } from './live-source.ts';
import type { Approvals } from './security/approvals.ts';
import { runnerProblemsOf } from './security/runners.ts';

/** What a configuration is applied to: a gateway, or nothing that runs (`holdfast key add` without one). */
export interface Applied {
  readonly config: Config;
  readonly events: EventStream;
  readonly dataDir: Pick<StateDocuments, 'path' | 'writable' | 'failed' | 'well'>;
  readonly fleet: { plan(next: Config): Pick<ConfigPlan, 'added' | 'removed' | 'restarted' | 'updated'> };
  /** Absent where nothing runs: there the operator's own hand is at work. */
  readonly approvals?: Pick<Approvals, 'prepare' | 'waits'>;
  apply(config: Config, note: { by: string; reason: string; version: number }): unknown;
  reject(problems: string[]): void;
}

/** Keys that are built into the listener; a change of them is told, and waits for a restart. */
const BOUND = ['server', 'limits', 'storage', 'tracing'] as const;
const MASK = '***';
/** Folder of the history in the data directory. */
const VERSIONS = 'versions';

/**
 * Changes as edits of the document that is written. Taking a key away from an overlay means to say so there, where the
 * file below has that key: the file itself stays as it is (10.16).
 */
async function editsOf(
  asked: readonly ConfigEdits[],
  writes: Writes,
  source: LiveConfigSource,
  dataDir: string,
): Promise<ConfigEdit[]> {
  const removes = asked.some(({ value }) => value === null);
  const below = writes === 'overlay' && removes ? await readLive(source, dataDir, { document: '{}' }) : undefined;
  const input = below?.result.ok === true ? below.result.input : {};
  return asked.map(({ path, value }) => {
    const says = value === null && typeof path.at(-1) === 'string' && valueAt(input, path) !== undefined;
    return { path: [...path], value: value === null && !says ? undefined : value };
  });
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined), value);
}

export class LiveConfig implements ConfigControl {
  readonly #gateway: Applied;
  readonly #source: LiveConfigSource;
  readonly #history: ConfigHistory | undefined;
  readonly #keeper: VersionKeeper;
  #document: string;
  readonly #textAtOpening: string | undefined;
  #format: string;
  #writes: Writes;
  #rejected: { at: string; problems: readonly string[] } | undefined;
  #watch: ConfigWatch | undefined;
  #referred: WatchedFiles | undefined;
  /** Files that the configuration refers to. */
  #files: ReadonlySet<string>;
  /** Changes wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #atRest: boolean;
  /** With the other gateways of the cluster; undefined for one that is alone. */
  #agreement: ConfigAgreement | undefined;

  private constructor(
    gateway: Applied,
    source: LiveConfigSource,
    history: ConfigHistory | undefined,
    first: Pick<ReadLive, 'document' | 'writes' | 'files' | 'fileText'> & { format: string },
    atRest: boolean,
  ) {
    this.#atRest = atRest;
    this.#gateway = gateway;
    this.#source = source;
    this.#history = history;
    this.#keeper = new VersionKeeper({
      history,
      most: gateway.config.storage.history,
      failed: (error) => this.#notKept(error),
      well: () => gateway.dataDir.well(VERSIONS),
    });
    this.#document = first.document;
    this.#textAtOpening = first.fileText;
    this.#format = first.format;
    this.#writes = first.writes;
    this.#files = first.files;
  }

  /**
   * Follows what the gateway runs on. Without a writable data directory versions are not kept. `atRest`: no gateway
   * runs, so what the file says is in force nowhere, and becomes a version only when a change is made of it.
   */
  static async open(gateway: Applied, source: LiveConfigSource, { atRest = false } = {}): Promise<LiveConfig> {
    const { dataDir, events } = gateway;
    const warn = (text: string) => events.emit({ type: 'log', level: 'warn', text });
    const now = source.first ?? (await readLive(source, dataDir.path));
    source.first = undefined;
    const format = now.result.ok ? now.result.format : 'native';
    const history = dataDir.writable
      ? await ConfigHistory.open(
          { directory: join(dataDir.path, VERSIONS), keep: gateway.config.storage.history },
          warn,
        ).catch((error: unknown) => {
          warn(`versions of the configuration are not kept: ${(error as Error).message}`);
          return undefined;
        })
      : undefined;
    const live = new LiveConfig(gateway, source, history, { ...now, format }, atRest);
    for (const note of now.notes) warn(note);
    if (!atRest) await live.#record({ by: 'start', reason: 'as it was found at a start' });
    return live;
  }

  /** Begins to follow the file; every change of it that can be applied is. */
  async watch(): Promise<void> {
    const { file } = this.#source;
    this.#referred = new WatchedFiles(
      () => void this.#exclusive(() => this.#reload('a file it refers to has changed')),
    );
    await this.#referred.follow(this.#files);
    if (file === undefined) return;
    const look = () => void this.#exclusive(() => this.#reload());
    this.#watch = await ConfigWatch.start({ path: file, text: this.#textAtOpening, onText: look, onProblem: look });
  }

  close(): void {
    this.#watch?.close();
    this.#referred?.close();
    this.#keeper.close();
  }

  /** `because`: something beside the file has changed. */
  async #reload(because?: string): Promise<void> {
    const now = await readLive(this.#source, this.#gateway.dataDir.path);
    if (!now.result.ok) {
      this.#reject(now.result.problems);
      return;
    }
    // What an operator wrote through us comes back as a change of the file.
    const same = now.document === this.#document && this.#writes === 'file' && this.#rejected === undefined;
    if (same && because === undefined) return;
    const note = { by: 'file', reason: because ?? 'the file has changed' };
    const { result } = now;
    // The same text with other values behind its references concerns this gateway only.
    const agreement = now.document === this.#document ? undefined : this.#agreement;
    const run = async () => {
      await this.#take(now, result, note);
      return undefined;
    };
    const problems = (await agreement?.agree({ document: now.document, note }, run)) ?? (await run()) ?? [];
    if (problems.length > 0) this.#refuse(problems.map(({ message }) => message));
  }

  /** From now on all gateways of the cluster take the same, or none does (F-R9). */
  async join(cluster: Cluster): Promise<void> {
    const agreement = new ConfigAgreement(cluster, {
      hash: etagOf,
      check: async (document) => {
        const { result } = await readLive(this.#source, this.#gateway.dataDir.path, { document });
        return result.ok ? [] : result.problems.map(shown);
      },
      take: (agreed) => this.#exclusive(() => this.#takeAgreed(agreed)),
    });
    const problems = await agreement.join(this.#document);
    if (problems.length > 0) this.#refuse(problems.map(({ message }) => message));
    this.#agreement = agreement;
    cluster.onReady(() => void agreement.catchUp(this.#document).catch(() => undefined));
  }

  async #takeAgreed({ document, note }: AgreedConfig): Promise<void> {
    if (document === this.#document) return;
    const now = await readLive(this.#source, this.#gateway.dataDir.path, { document });
    if (!now.result.ok) return this.#reject(now.result.problems);
    const unsaved = (why: string) =>
      this.#gateway.events.emit({
        type: 'log',
        level: 'warn',
        text: `the configuration of the cluster is in force here, but its file could not be written: ${why}`,
      });
    await this.#save(document).then(
      (saved) => saved || unsaved('it was changed by somebody else'),
      (error: Error) => unsaved(error.message),
    );
    await this.#take(now, now.result, note);
  }

  /** Puts a configuration in force. Resolves when its version is on disk, or waits for that: then with why. */
  #take(
    now: Pick<ReadLive, 'document' | 'writes' | 'files' | 'notes'>,
    { config, format }: Extract<LoadResult, { ok: true }>,
    note: { by: string; reason: string },
  ): Promise<string | undefined> {
    const plan = this.#planOf(config, note.by);
    this.#document = now.document;
    this.#format = format;
    this.#writes = now.writes;
    this.#files = now.files;
    // The same text is another version where what it refers to, or the file below an overlay, says something else.
    const kept = this.#record(note, !isDeepStrictEqual(config, this.#gateway.config));
    this.#gateway.apply(config, { ...note, version: this.configVersion });
    void this.#referred?.follow(now.files);
    for (const text of now.notes) this.#gateway.events.emit({ type: 'log', level: 'warn', text });
    this.#rejected = undefined;
    if (plan.needsRestart.length > 0) {
      const text = `changes of ${plan.needsRestart.join(', ')} take effect after a restart`;
      this.#gateway.events.emit({ type: 'log', level: 'warn', text });
    }
    return kept;
  }

  #reject(problems: readonly Problem[]): void {
    this.#refuse(problems.map(formatProblem));
  }

  #refuse(lines: string[]): void {
    this.#rejected = { at: new Date().toISOString(), problems: lines };
    this.#gateway.reject(lines);
  }

  async current() {
    return {
      version: this.configVersion,
      etag: etagOf(this.#document),
      text: this.#redact(this.#document),
      format: this.#format,
      file: this.#source.file,
      writes: this.#writes,
      writesTo: this.#writes === 'overlay' ? join(this.#gateway.dataDir.path, OVERLAY) : this.#source.file,
      rejected: this.#rejected,
    };
  }

  effective(): JsonObject {
    return JSON.parse(this.#redact(JSON.stringify(this.#gateway.config))) as JsonObject;
  }

  async explain(path: string): Promise<readonly ConfigExplained[]> {
    const { result } = await readLive(this.#source, this.#gateway.dataDir.path, { document: this.#document });
    const origins = result.ok ? result.origins : new Map();
    return explainConfig(this.#gateway.config, origins, path, (text) => this.#redact(text));
  }

  plan(change: ConfigChange): Promise<ConfigOutcome<{ plan: ConfigPlan }>> {
    return this.#exclusive(async () => {
      const tried = await this.#try(change);
      return tried.ok ? { ok: true as const, plan: this.#planOf(tried.result.config, API) } : tried;
    });
  }

  apply(change: ConfigChange, note: { by: string; reason: string }): Promise<ConfigOutcome<ConfigApplied>> {
    return this.#exclusive(async () => {
      const tried = await this.#try(change);
      if (!tried.ok) return tried;
      const plan = this.#planOf(tried.result.config, note.by);
      let notKept: string | undefined;
      const run = async () => {
        const prepared = this.#gateway.approvals?.prepare(tried.result.config, note);
        if (typeof prepared === 'string') return refused([{ path: 'upstreams', message: prepared }]);
        // Nothing that a change takes away is lost.
        if (this.#atRest && this.#source.create !== true)
          await this.#record({ by: 'file', reason: 'as it was found before a change' });
        try {
          if (!(await this.#save(tried.document))) {
            prepared?.();
            return changedMeanwhile();
          }
        } catch (error) {
          prepared?.();
          return this.#notWritten(error);
        }
        notKept = await this.#take(tried, tried.result, note);
        return undefined;
      };
      if (this.#agreement === undefined) {
        const problem = await run();
        if (problem !== undefined) return problem;
      } else {
        const agreed = { document: tried.document, note };
        const problems = await this.#agreement.agree(agreed, async () => (await run())?.problems);
        if (problems.length > 0) return refused(problems);
      }
      return { ok: true as const, version: this.configVersion, plan, ...(notKept !== undefined && { notKept }) };
    });
  }

  versions(): readonly ConfigVersionInfo[] {
    return this.#history?.list().map(({ version, at, by, reason, hash }) => ({ version, at, by, reason, hash })) ?? [];
  }

  async version(version: number): Promise<{ info: ConfigVersionInfo; text: string } | undefined> {
    const info = this.versions().find((one) => one.version === version);
    const text = await this.#history?.read(version);
    if (info === undefined || text === undefined) return undefined;
    // What was a secret then may still open a door, though the configuration in force does not hold it any more.
    const { result } = await readLive(this.#source, this.#gateway.dataDir.path, { document: text });
    return { info, text: this.#redact(text, result.ok ? secretsOf(result.config) : []) };
  }

  async difference(
    from?: ConfigState,
    to?: ConfigState,
  ): Promise<ConfigOutcome<{ from: ConfigState; to: ConfigState; diff: ConfigDiff }>> {
    const states = from === undefined ? await this.#latest() : ([from, to ?? 'applied'] as const);
    const read: Config[] = [];
    for (const state of states) {
      const document = await this.#documentOf(state);
      if (document === undefined) return this.#unknownVersion(state as number);
      const { result } = await readLive(this.#source, this.#gateway.dataDir.path, { document });
      if (!result.ok) return { ok: false, reason: 'invalid', problems: result.problems.map(shown) };
      read.push(result.config);
    }
    return { ok: true, from: states[0], to: states[1], diff: diffConfigs(read[0] as Config, read[1] as Config) };
  }

  /** What somebody means who asks what has changed. */
  async #latest(): Promise<readonly [ConfigState, ConfigState]> {
    if ((await this.#documentOf('file')) !== (await this.#documentOf('applied'))) return ['applied', 'file'];
    return [this.versions().at(-2)?.version ?? 'applied', 'applied'];
  }

  async #documentOf(state: ConfigState): Promise<string | undefined> {
    if (state === 'file')
      return this.#atRest || this.#writes === 'memory'
        ? this.#document
        : (await readLive(this.#source, this.#gateway.dataDir.path)).document;
    const newest = this.versions().at(-1)?.version;
    if (state === 'applied') return this.#atRest && newest !== undefined ? this.#history?.read(newest) : this.#document;
    return this.#history?.read(state);
  }

  #unknownVersion(version: number): {
    ok: false;
    reason: 'unknown-version';
    problems: { path: string; message: string }[];
  } {
    const kept = this.versions().map((one) => one.version);
    const message = `version ${version} is not kept; there are ${kept.join(', ') || 'none'}`;
    return { ok: false, reason: 'unknown-version', problems: [{ path: '', message }] };
  }

  /** An earlier version becomes a new one (F-K10). */
  async rollback(version: number, note: { by: string; reason: string }): Promise<ConfigOutcome<ConfigApplied>> {
    const text = await this.#history?.read(version);
    if (text === undefined) return this.#unknownVersion(version);
    return await this.apply({ text }, note);
  }

  schema(): JsonObject {
    const path = new URL('../schema/holdfast.schema.json', import.meta.url);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as JsonObject) : {};
  }

  /** Number of the configuration in force; everywhere the same (12.4). */
  get configVersion(): number {
    return this.#keeper.version;
  }

  /** A changed document, checked but not applied. */
  async #try(change: ConfigChange) {
    if (change.etag !== undefined && change.etag !== etagOf(this.#document)) return changedMeanwhile();
    const asked = 'text' in change ? [] : 'edits' in change ? change.edits : await this.#made(change);
    const edits = await editsOf(asked, this.#writes, this.#source, this.#gateway.dataDir.path);
    const wanted = 'text' in change ? change.text : editText(this.#document, edits);
    const document = this.#unmask(wanted);
    const now = await readLive(this.#source, this.#gateway.dataDir.path, { document });
    if (!now.result.ok) return refused(now.result.problems.map(shown));
    const { approvals, config } = this.#gateway;
    const problems = approvals === undefined ? [] : runnerProblemsOf(config, now.result.config);
    if (problems.length > 0) return refused(problems);
    return { ok: true as const, ...now, result: now.result };
  }

  async #made({ make }: Extract<ConfigChange, { make: unknown }>) {
    const document: unknown = parse(this.#document, [], { allowTrailingComma: true });
    const { result } = await readLive(this.#source, this.#gateway.dataDir.path, { document: this.#document });
    return make(isObject(document) ? document : {}, result.ok ? result.input : {});
  }

  async #save(document: string): Promise<boolean> {
    const { file } = this.#source;
    if (this.#writes === 'memory' || file === undefined) return true;
    if (this.#source.create === true && !existsSync(file)) {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeDurably(file, document);
      return true;
    }
    if (this.#writes === 'file') {
      const { saved } = await saveConfigFile(file, document, etagOf(this.#document));
      if (saved) this.#watch?.wrote(document);
      return saved;
    }
    await writeDurably(join(this.#gateway.dataDir.path, OVERLAY), document);
    return true;
  }

  /** Why it is not kept, if it is not. */
  #record(note: { by: string; reason: string }, changed = false): Promise<string | undefined> {
    const { file } = this.#source;
    return this.#keeper.keep(this.#document, etagOf(this.#document), { ...note, file, format: this.#format }, changed);
  }

  #notKept(error: unknown): void {
    const { dataDir, events } = this.#gateway;
    if (!dataDir.failed(VERSIONS, error)) return;
    const text = `versions of the configuration cannot be written (${String(error)}); they wait in memory`;
    events.emit({ type: 'log', level: 'warn', text });
  }

  #notWritten(error: unknown) {
    const { code } = error as NodeJS.ErrnoException;
    const where = this.#writes === 'overlay' ? OVERLAY : (this.#source.file as string);
    const message = `${where} cannot be written (${code ?? String(error)}); it and the running configuration stay as they were`;
    return { ok: false as const, reason: 'not-written' as const, problems: [{ path: '', message }] };
  }

  #planOf(next: Config, by: string): ConfigPlan {
    const now = this.#gateway.config;
    const { added, removed, restarted, updated } = this.#gateway.fleet.plan(next);
    const differs = (key: keyof Config) => JSON.stringify(now[key]) !== JSON.stringify(next[key]);
    const settings = (Object.keys(next) as (keyof Config)[]).filter((key) => key !== 'upstreams' && differs(key));
    const waits = this.#gateway.approvals?.waits(next, by) ?? [];
    const needsRestart = BOUND.filter(differs);
    return { added, removed, restarted, updated, settings, needsRestart, ...(waits.length > 0 && { waits }) };
  }

  #redact(text: string, more: readonly string[] = []): string {
    let shown = text;
    for (const secret of [...secretsOf(this.#gateway.config), ...more]) {
      shown = shown.replaceAll(secret, MASK).replaceAll(JSON.stringify(secret).slice(1, -1), MASK);
    }
    return shown;
  }

  /** Puts back what was masked when the text was shown: `***` at a place means what stood there. */
  #unmask(text: string): string {
    if (!text.includes(MASK)) return text;
    const before: unknown = parse(this.#document, [], { allowTrailingComma: true });
    const edits: ConfigEdit[] = [];
    const walk = (value: unknown, old: unknown, path: Path): void => {
      if (typeof value === 'string' && typeof old === 'string') {
        if (value.includes(MASK) && this.#redact(old) === value) edits.push({ path, value: old });
      } else if (typeof value === 'object' && value !== null && typeof old === 'object' && old !== null) {
        for (const [key, child] of Object.entries(value)) {
          walk(child, (old as JsonObject)[key], [...path, Array.isArray(value) ? Number(key) : key]);
        }
      }
    };
    walk(parse(text, [], { allowTrailingComma: true }), before, []);
    return edits.length === 0 ? text : editText(text, edits);
  }

  #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(run, run);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** Who asks, where nobody has a name yet. */
const API = 'management API';
