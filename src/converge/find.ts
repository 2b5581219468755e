// Keeps the search index in step with the view and asks it.
import { setImmediate as turn } from 'node:timers/promises';
import { type SearchDocument, ToolSearch } from '../catalog/search.ts';
import type { CatalogView, ToolEntry } from '../core/catalog.ts';
import { type ServerTable, usable } from './lookup.ts';

/** Milliseconds that indexing may hold the event loop in one go. */
const SLICE = 5;

export class Finder {
  readonly #search = new ToolSearch();
  #indexed: CatalogView | undefined;

  /** The tools that fit a query best, of all servers or of one. */
  find(
    view: CatalogView,
    table: ServerTable,
    instructions: ReadonlyMap<string, string>,
    query: string,
    server: string | undefined,
    most: number,
  ): ToolEntry[] {
    if (this.#indexed !== view) {
      this.#search.update(documentsOf(table, instructions));
      this.#indexed = view;
    }
    const hits = this.#search.search(query, server === undefined ? most : view.tools.size);
    const found = hits.flatMap(({ id }) => view.tools.get(id) ?? []);
    return (server === undefined ? found : found.filter((entry) => entry.upstream === server)).slice(0, most);
  }

  /** Takes a changed catalogue into the index a little at a time, so that no question pays for it. */
  async prepare(
    view: CatalogView,
    table: ServerTable,
    instructions: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    let since = performance.now();
    for (const document of documentsOf(table, instructions)) {
      if (this.#search.put(document) && performance.now() - since > SLICE) {
        await turn();
        if (signal.aborted) return;
        since = performance.now();
      }
    }
    this.#search.update(documentsOf(table, instructions));
    this.#indexed = view;
  }
}

function documentsOf(table: ServerTable, instructions: ReadonlyMap<string, string>): SearchDocument[] {
  return usable(table).flatMap(({ member, tools }) =>
    [...tools.values()].map((entry) => ({
      id: entry.exposed,
      server: member.name,
      name: entry.shown,
      definition: entry.definition,
      instructions: instructions.get(member.name),
    })),
  );
}
