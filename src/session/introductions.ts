// Answers to `initialize`, ready to be sent: all clients of one revision that open the same view are told the same, so it
// is written once for as long as the view tells it (performance row 14).
import type { Payload } from '../core/payload.ts';
import { failed, type GatewayIdentity, initializeResult, type Reply } from './protocol.ts';
import type { Surface } from './surface.ts';

interface Ready {
  /** What of the surface it was told from. */
  snapshot: object | undefined;
  /** By revision, of which there are few: `negotiate` gives no other. */
  results: Map<string, Payload>;
}

export class Introductions {
  readonly #identity: GatewayIdentity;
  readonly #ready = new WeakMap<Surface, Ready>();

  constructor(identity: GatewayIdentity) {
    this.#identity = identity;
  }

  /** Never throws: a view that was just removed is the reply. */
  reply(surface: Surface, revision: string): Reply {
    try {
      return { result: this.#result(surface, revision) };
    } catch (thrown) {
      return failed(thrown, 'initialize', 'legacy');
    }
  }

  #result(surface: Surface, revision: string): Payload {
    const { snapshot } = surface;
    let ready = this.#ready.get(surface);
    if (ready === undefined || ready.snapshot !== snapshot) {
      ready = { snapshot, results: new Map() };
      this.#ready.set(surface, ready);
    }
    let result = ready.results.get(revision);
    if (result === undefined) {
      result = initializeResult(surface, revision, this.#identity);
      ready.results.set(revision, result);
    }
    return result;
  }
}
