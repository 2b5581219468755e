// The legacy era (2024-11-05 … 2025-11-25): a session with a handshake, requests in both directions, one log level.
import { perform } from '../behaviours/methods.mjs';
import { failure, isRequest, isResponse, LOG_LEVELS, notification, RpcError, success, ToolError } from '../rpc.mjs';
import { CAPABILITIES, INSTRUCTIONS, SERVER_INFO } from '../world.mjs';
import { CAPABILITY } from './capability.mjs';

export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** One client of the legacy era, whatever carries its messages. */
export class LegacySession {
  #world;
  #notify;
  /** @type {Map<string, (message: any) => void>} */
  #asked = new Map();
  /** @type {Map<string | number, AbortController>} */
  #running = new Map();
  #subscriptions = new Set();
  #logLevel = 'info';
  /** @type {object} */
  #capabilities = {};
  #askedSoFar = 0;
  revision = '';

  /** @param {import('../world.mjs').World} world @param {(message: object) => void} notify for what belongs to no request */
  constructor(world, notify) {
    this.#world = world;
    this.#notify = notify;
    world.on('changed', this.#onChanged).on('updated', this.#onUpdated);
  }

  close() {
    this.#world.off('changed', this.#onChanged).off('updated', this.#onUpdated);
    for (const controller of this.#running.values()) controller.abort();
    this.#asked.clear();
  }

  /**
   * Takes one message; everything that belongs to it goes to `stream`.
   * @param {any} message @param {import('./modern.mjs').Stream} stream
   */
  async receive(message, stream) {
    if (isResponse(message)) {
      this.#asked.get(String(message.id))?.(message);
      this.#asked.delete(String(message.id));
      return;
    }
    if (!isRequest(message)) {
      if (message?.method === 'notifications/cancelled') this.#running.get(message.params?.requestId)?.abort();
      return;
    }
    const { id, method } = message;
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const result = await this.#answer(method, message.params ?? {}, stream, controller.signal);
      if (!controller.signal.aborted) stream.send(success(id, result));
    } catch (error) {
      if (!controller.signal.aborted) stream.send(failure(id, error));
    } finally {
      this.#running.delete(id);
    }
  }

  /** @param {string} method @param {any} params @param {import('./modern.mjs').Stream} stream @param {AbortSignal} signal */
  async #answer(method, params, stream, signal) {
    if (method === 'initialize') return this.#initialize(params);
    if (method === 'ping') return {};
    if (this.revision === '') throw new RpcError(-32600, `${method} before initialize`);
    switch (method) {
      case 'logging/setLevel':
        if (!LOG_LEVELS.includes(params.level)) throw new RpcError(-32602, `Unknown level: ${params.level}`);
        this.#logLevel = params.level;
        return {};
      case 'resources/subscribe':
        this.#subscriptions.add(params.uri);
        return {};
      case 'resources/unsubscribe':
        this.#subscriptions.delete(params.uri);
        return {};
      default:
        return perform(method, params, this.#call(params, stream, signal), { missingResource: -32002 });
    }
  }

  /** @param {any} params */
  #initialize(params) {
    this.#capabilities = params.capabilities ?? {};
    this.revision = LEGACY_VERSIONS.includes(params.protocolVersion) ? params.protocolVersion : '2025-11-25';
    return {
      protocolVersion: this.revision,
      capabilities: CAPABILITIES,
      serverInfo: SERVER_INFO,
      instructions: INSTRUCTIONS,
    };
  }

  /**
   * @param {any} params @param {import('./modern.mjs').Stream} stream @param {AbortSignal} signal
   * @returns {import('../behaviours/tools.mjs').Call}
   */
  #call(params, stream, signal) {
    const token = params._meta?.progressToken;
    return {
      world: this.#world,
      signal,
      progress: (progress, total) => {
        if (token === undefined) return;
        stream.send(notification('notifications/progress', { progressToken: token, progress, total }));
      },
      log: (level, data) => {
        if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#logLevel)) return;
        stream.send(notification('notifications/message', { level, logger: SERVER_INFO.name, data }));
      },
      canAsk: (method) => (CAPABILITY[method] ?? method) in this.#capabilities,
      ask: async (requests) => {
        const answers = Object.entries(requests).map(async ([key, request]) => [
          key,
          await this.#ask(request, stream, signal),
        ]);
        return Object.fromEntries(await Promise.all(answers));
      },
      breakStream: () => stream.detach?.(),
    };
  }

  /** @param {{ method: string, params: object }} request @param {import('./modern.mjs').Stream} stream @param {AbortSignal} signal */
  #ask({ method, params }, stream, signal) {
    const needed = CAPABILITY[method] ?? method;
    if (!(needed in this.#capabilities)) throw new ToolError(`The client does not support ${needed}`);
    this.#askedSoFar += 1;
    const id = `ask-${this.#askedSoFar}`;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, (message) => {
        if (message.error) reject(new ToolError(`${method}: ${message.error.message}`));
        else resolve(message.result);
      });
      signal.addEventListener('abort', () => reject(new ToolError('cancelled')), { once: true });
      stream.send({ jsonrpc: '2.0', id, method, params });
    });
  }

  #onChanged = (/** @type {string} */ kind) => {
    if (this.revision !== '') this.#notify(notification(`notifications/${kind}/list_changed`));
  };

  #onUpdated = (/** @type {string} */ uri) => {
    if (this.#subscriptions.has(uri)) this.#notify(notification('notifications/resources/updated', { uri }));
  };
}
