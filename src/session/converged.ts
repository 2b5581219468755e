// The surface that shows everything behind three tools; resources and prompts stay what they are in the view below.
import type { Converged } from '../converge/converge.ts';
import type { ListKind } from '../core/catalog.ts';
import type { CallContext } from '../core/context.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import type { Era, RpcNotification } from '../core/rpc.ts';
import type { ClientOffer, Surface, SurfaceRequest } from './surface.ts';

export class ConvergedSurface implements Surface {
  readonly name: string;
  readonly #below: Surface;
  readonly #converged: Converged;
  readonly #pages = new WeakMap<readonly JsonObject[], Record<Era, Payload>>();

  constructor(name: string, below: Surface, converged: Converged) {
    this.name = name;
    this.#below = below;
    this.#converged = converged;
  }

  get snapshot(): object | undefined {
    return this.#below.snapshot;
  }

  /** The tools' own descriptions say what is behind them; instructions would say it twice. */
  instructions(): string | undefined {
    return undefined;
  }

  capabilities(client: ClientOffer): JsonObject {
    // Tasks belong to tools under their own names; `exec` answers when the tool does.
    const { tasks: _, extensions: __, ...rest } = this.#below.capabilities(client);
    return rest;
  }

  list(kind: ListKind, cursor: string | undefined, era: Era): Payload | undefined {
    if (kind !== 'tools') return this.#below.list(kind, cursor, era);
    if (cursor !== undefined && cursor !== '') return undefined;
    const tools = this.#converged.listTools();
    let pages = this.#pages.get(tools);
    if (pages === undefined) {
      pages = {
        legacy: Payload.of({ tools }),
        modern: Payload.of({ resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools }),
      };
      this.#pages.set(tools, pages);
    }
    return pages[era];
  }

  async call(request: SurfaceRequest, context: CallContext): Promise<UpstreamAnswer> {
    if (request.method !== 'tools/call') return await this.#below.call(request, context);
    return await this.#converged.callTool(request.params, context, request.exactArguments);
  }

  headerParams(): undefined {
    return undefined;
  }

  subscribe(uri: string, context: CallContext): Promise<void> {
    return this.#below.subscribe(uri, context);
  }

  unsubscribe(uri: string): Promise<void> {
    return this.#below.unsubscribe(uri);
  }

  onListChange(listener: (kinds: readonly ListKind[]) => void): () => void {
    let shown = this.#converged.listTools();
    return this.#below.onListChange((kinds) => {
      const tools = this.#converged.listTools();
      const told = kinds.filter((kind) => kind !== 'tools' || tools !== shown);
      shown = tools;
      if (told.length > 0) listener(told);
    });
  }

  onNotification(listener: (notification: RpcNotification) => void): () => void {
    return this.#below.onNotification(listener);
  }
}
