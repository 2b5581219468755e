// One configuration for all gateways that share a store (requirements F-R9): a candidate is checked by every one of
// them before any takes it, and each reports which version it runs on. The others are asked directly; the store keeps
// what was agreed on for those that come later.
import type { CallContext } from '../core/context.ts';
import type { ConfigProblem } from '../core/ports.ts';
import type { Cluster } from './cluster.ts';

export interface AgreedConfig {
  document: string;
  note: { by: string; reason: string };
}

/** What takes part: the configuration of this gateway. */
export interface ConfigPart {
  /** What is wrong with a candidate here; nothing is changed. */
  check(document: string): Promise<readonly ConfigProblem[]>;
  take(agreed: AgreedConfig): Promise<void>;
  hash(document: string): string;
}

interface Kept extends AgreedConfig {
  /** Of all that were agreed on, the newest last. */
  hashes: string[];
}

const CHECK = 'config.check';
const TAKE = 'config.take';
const LOCK = 'config';
const KEY = 'config';
/** Longer than all have to answer, in milliseconds. */
const LOCK_TIME = 15_000;
const ANSWER_TIME = 5_000;
const MOST_HASHES = 200;

export class ConfigAgreement {
  readonly #cluster: Cluster;
  readonly #part: ConfigPart;

  constructor(cluster: Cluster, part: ConfigPart) {
    this.#cluster = cluster;
    this.#part = part;
    cluster.peers.serve(CHECK, async ({ document }) => ({ value: await part.check(String(document)) }));
    cluster.peers.serve(TAKE, async (agreed) => {
      await part.take(agreed as unknown as AgreedConfig);
      return { value: null };
    });
  }

  /**
   * Takes `own` into the cluster: as the first one, as a change where the cluster never had it, else what the cluster
   * has is taken. Gives why a change was refused.
   */
  async join(own: string): Promise<readonly ConfigProblem[]> {
    const { store } = this.#cluster;
    const kept = await this.#kept().catch(() => undefined);
    const hash = this.#part.hash(own);
    if (store.state !== 'ready' || kept?.hashes.at(-1) === hash) return [];
    const note = { by: 'start', reason: `${this.#cluster.id} brought it` };
    if (kept === undefined) {
      await this.#keep({ document: own, note }, undefined).catch(() => undefined);
      return [];
    }
    const problems = kept.hashes.includes(hash) ? [] : await this.agree({ document: own, note }, async () => undefined);
    if (kept.hashes.includes(hash) || problems.length > 0) await this.#part.take(kept);
    return problems;
  }

  /** Asks all; where nobody objects `take` is run here, then there. Gives what stands against it. */
  async agree(
    agreed: AgreedConfig,
    take: () => Promise<readonly ConfigProblem[] | undefined>,
  ): Promise<readonly ConfigProblem[]> {
    const { store, id } = this.#cluster;
    try {
      const lock = await store.lease(LOCK, id, LOCK_TIME, true);
      if (!lock.held) return [problem(`gateway ${lock.owner} is changing it right now; repeat the change`)];
    } catch (error) {
      return [problem(`the others cannot be asked: ${(error as Error).message}; nothing was changed, repeat it later`)];
    }
    try {
      const others = this.#cluster.instances().slice(1);
      const found = await Promise.all(others.map((other) => this.#check(other.id, other.name, agreed.document)));
      const against = found.flat();
      if (against.length > 0) return against;
      const failed = await take();
      if (failed !== undefined && failed.length > 0) return failed;
      await this.#keep(agreed, await this.#kept());
      await Promise.allSettled(others.map((other) => this.#ask(other.id, TAKE, { ...agreed })));
      return [];
    } finally {
      await store.release(LOCK, id).catch(() => undefined);
    }
  }

  /** Takes what was agreed on while this gateway could not be told. */
  async catchUp(current: string): Promise<void> {
    const kept = await this.#kept();
    if (kept === undefined)
      await this.#keep({ document: current, note: { by: 'cluster', reason: 'kept again' } }, undefined);
    else if (kept.hashes.at(-1) !== this.#part.hash(current)) await this.#part.take(kept);
  }

  async #check(id: string, name: string, document: string): Promise<readonly ConfigProblem[]> {
    try {
      const problems = (await this.#ask(id, CHECK, { document })) as ConfigProblem[];
      return problems.map((one) => ({ ...one, message: `gateway ${name}: ${one.message}` }));
    } catch (error) {
      return [problem(`gateway ${name} did not answer (${(error as Error).message}); nothing was changed`)];
    }
  }

  #ask(id: string, verb: string, body: Record<string, unknown>): Promise<unknown> {
    return this.#cluster.peers.value(id, { verb, body }, ownContext());
  }

  async #kept(): Promise<Kept | undefined> {
    const text = await this.#cluster.store.get(KEY);
    return text === undefined ? undefined : (JSON.parse(text) as Kept);
  }

  async #keep(agreed: AgreedConfig, before: Kept | undefined): Promise<void> {
    const hash = this.#part.hash(agreed.document);
    const hashes = [...(before?.hashes ?? []).filter((other) => other !== hash), hash].slice(-MOST_HASHES);
    await this.#cluster.store.set(KEY, JSON.stringify({ ...agreed, hashes } satisfies Kept));
  }
}

function problem(message: string): ConfigProblem {
  return { path: '', message };
}

function ownContext(): CallContext {
  return {
    id: 'cluster',
    face: 'admin',
    principal: { id: 'cluster', roles: ['admin'] },
    client: { era: 'modern', revision: '', capabilities: {}, info: {}, key: 'cluster' },
    deadline: performance.now() + ANSWER_TIME,
    signal: new AbortController().signal,
  };
}
