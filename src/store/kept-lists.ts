// The last confirmed lists and eras of upstreams, so that a restart shows no empty tool list (requirements 10.14, 10.17).
import type { UpstreamLists } from '../core/upstream.ts';
import type { DataDir } from './data-dir.ts';

interface Kept {
  /** Of the upstream's configuration; lists are never used for another one. */
  fingerprint: string;
  lists?:
    | Pick<UpstreamLists, 'tools' | 'resources' | 'resourceTemplates' | 'prompts' | 'ttlMs' | 'cacheScope'>
    | undefined;
  /** What the last handshake showed; opaque here. */
  verdict?: unknown;
}

const FILE = 'catalog.json';
const KINDS = ['tools', 'resources', 'resourceTemplates', 'prompts'] as const;

export class KeptLists {
  readonly #dir: DataDir;
  readonly #kept: Map<string, Kept>;

  constructor(dir: DataDir) {
    this.#dir = dir;
    this.#kept = new Map(Object.entries(dir.read<Record<string, Kept>>(FILE) ?? {}));
  }

  lists(upstream: string, fingerprint: string): UpstreamLists | undefined {
    const lists = this.#of(upstream, fingerprint)?.lists;
    if (lists === undefined || lists === null || !KINDS.every((kind) => Array.isArray(lists[kind]))) return undefined;
    return { ...lists, revision: 1, confirmed: false, excluded: [] };
  }

  verdict(upstream: string, fingerprint: string): unknown {
    return this.#of(upstream, fingerprint)?.verdict;
  }

  keepLists(
    upstream: string,
    fingerprint: string,
    { tools, resources, resourceTemplates, prompts, ttlMs, cacheScope }: UpstreamLists,
  ): void {
    this.#keep(upstream, fingerprint, { lists: { tools, resources, resourceTemplates, prompts, ttlMs, cacheScope } });
  }

  keepVerdict(upstream: string, fingerprint: string, verdict: unknown): void {
    this.#keep(upstream, fingerprint, { verdict });
  }

  #of(upstream: string, fingerprint: string): Kept | undefined {
    const kept = this.#kept.get(upstream);
    return kept?.fingerprint === fingerprint ? kept : undefined;
  }

  #keep(upstream: string, fingerprint: string, change: Partial<Kept>): void {
    this.#kept.set(upstream, { fingerprint, ...this.#of(upstream, fingerprint), ...change });
    this.#dir.save(FILE, () => Object.fromEntries(this.#kept), 500);
  }
}
