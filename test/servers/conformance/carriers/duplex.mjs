// One connection that carries both directions (a pipe, a WebSocket): sorts each message to its era.
import { LegacySession } from '../eras/legacy.mjs';
import { answerModern, checkMeta, checkVersion, META } from '../eras/modern.mjs';
import { failure, isRequest, RpcError } from '../rpc.mjs';

/** @typedef {'legacy' | 'modern' | 'dual'} Era */

/** @param {any} message @param {Era} era */
export function isModern(message, era) {
  if (era !== 'dual') return era === 'modern';
  return message?.method === 'server/discover' || message?.params?._meta?.[`${META}protocolVersion`] !== undefined;
}

export class Duplex {
  #send;
  #world;
  #era;
  #legacy;
  /** @type {Map<string | number, AbortController>} */
  #running = new Map();

  /** @param {{ world: import('../world.mjs').World, era: Era, send: (message: object) => void }} options */
  constructor({ world, era, send }) {
    this.#world = world;
    this.#era = era;
    this.#send = send;
    this.#legacy = new LegacySession(world, send);
  }

  /** @param {string} line one message as text */
  receive(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      this.#send(failure(null, new RpcError(-32700, 'Parse error')));
      return;
    }
    if (message?.method === 'notifications/cancelled') this.#running.get(message.params?.requestId)?.abort();
    if (isModern(message, this.#era)) void this.#modern(message);
    else void this.#legacy.receive(message, { send: this.#send });
  }

  close() {
    this.#legacy.close();
    for (const controller of this.#running.values()) controller.abort();
  }

  /** @param {any} message */
  async #modern(message) {
    if (!isRequest(message)) return;
    try {
      checkMeta(message.params);
      checkVersion(message.params);
    } catch (error) {
      this.#send(failure(message.id, error));
      return;
    }
    const controller = new AbortController();
    this.#running.set(message.id, controller);
    await answerModern(message, { send: this.#send }, { world: this.#world, signal: controller.signal });
    this.#running.delete(message.id);
  }
}
