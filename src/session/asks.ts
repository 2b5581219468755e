// Requests of the gateway to clients that wait for their answer; ids are ours and never come back.
import { randomBytes } from 'node:crypto';
import type { ClientAnswer, ClientRequest } from '../core/context.ts';
import type { RequestId } from '../core/rpc.ts';

export class Asks {
  readonly #waiting = new Map<string, (answer: ClientAnswer) => void>();
  /** Ids differ between gateways: an answer may come to another one than asked. */
  readonly #prefix = `holdfast-${randomBytes(6).toString('base64url')}-`;
  #lastId = 0;

  /**
   * Sends a request to the client of `scope` (a session, or '' where there is one client only) and waits for its
   * answer. Rejects when the signal is aborted first.
   */
  ask(
    scope: string,
    { method, params }: ClientRequest,
    signal: AbortSignal,
    send: (text: string) => void,
  ): Promise<ClientAnswer> {
    const id = `${this.#prefix}${++this.#lastId}`;
    const key = `${scope} ${id}`;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.delete(key);
        reject(new Error('the request to the client was given up'));
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.set(key, (answer) => {
        this.#waiting.delete(key);
        signal.removeEventListener('abort', abort);
        resolve(answer);
      });
      send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** The client's answer; false for one that nobody here waits for. */
  answered(scope: string, id: RequestId, answer: ClientAnswer): boolean {
    const take = this.#waiting.get(`${scope} ${id}`);
    take?.(answer);
    return take !== undefined;
  }
}
