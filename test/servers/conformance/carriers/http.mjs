// Streamable HTTP on one path for both eras: sessions, resumable streams and batches for the old, headers for the new.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { LEGACY_VERSIONS, LegacySession } from '../eras/legacy.mjs';
import { answerModern, MODERN_VERSIONS } from '../eras/modern.mjs';
import { failure, isRequest, RpcError } from '../rpc.mjs';
import { readJson } from './body.mjs';
import { isModern } from './duplex.mjs';
import { checkModern } from './headers.mjs';
import { isLocal } from './local.mjs';
import { PlainStream, ResumableStream, sendJson } from './sse-stream.mjs';

/** One legacy session and the streams it keeps. */
class HttpSession {
  id = randomUUID();
  #streams = 0;
  /** @type {ResumableStream[]} */
  #kept = [];

  /** @param {import('../world.mjs').World} world */
  constructor(world) {
    this.standalone = this.open();
    this.era = new LegacySession(world, (message) => this.standalone.send(message));
  }

  /** @param {any[]} [messages] */
  open(messages) {
    this.#streams += 1;
    const stream = new ResumableStream({
      id: `s${this.#streams}`,
      primes: messages !== undefined && this.era.revision >= '2025-11-25',
      headers: { 'mcp-session-id': this.id },
      ...(messages ? { messages } : {}),
    });
    this.#kept.push(stream);
    if (this.#kept.length > 64) this.#kept.splice(1, 1);
    return stream;
  }

  /** @param {string | undefined} lastEventId */
  find(lastEventId) {
    return lastEventId === undefined ? this.standalone : this.#kept.find((stream) => stream.owns(lastEventId));
  }
}

/** @param {{ world: import('../world.mjs').World, era: import('./duplex.mjs').Era, port: number }} options @returns {Promise<string>} its URL */
export async function serveHttp({ world, era, port }) {
  /** @type {Map<string, HttpSession>} */
  const sessions = new Map();

  /** @param {import('node:http').IncomingMessage} request @throws {RpcError} */
  function sessionOf({ headers }) {
    const id = headers['mcp-session-id'];
    if (id === undefined) throw new RpcError(-32000, 'Bad Request: no session', { status: 400 });
    const session = sessions.get(String(id));
    if (!session) throw new RpcError(-32001, 'Session not found', { status: 404 });
    const version = headers['mcp-protocol-version'];
    if (version !== undefined && !LEGACY_VERSIONS.includes(String(version))) {
      throw new RpcError(-32000, `Bad Request: unsupported protocol version ${version}`, { status: 400 });
    }
    return session;
  }

  /** @param {any} body @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  function legacyPost(body, request, response) {
    const messages = Array.isArray(body) ? body : [body];
    let session;
    if (messages.some((message) => message?.method === 'initialize')) {
      session = new HttpSession(world);
      sessions.set(session.id, session);
    } else {
      session = sessionOf(request);
    }
    if (Array.isArray(body) && session.era.revision > '2025-03-26') {
      throw new RpcError(-32600, 'Batches were removed in 2025-06-18', { status: 400 });
    }
    const stream = session.open(messages);
    if (messages.some(isRequest)) stream.attach(response);
    for (const message of messages) void session.era.receive(message, stream);
    if (!messages.some(isRequest)) sendJson(response, 202);
  }

  /** @param {any} message @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function modernPost(message, request, response) {
    if (!isRequest(message)) return sendJson(response, 202);
    checkModern(request.headers, message, world);
    const controller = new AbortController();
    response.on('close', () => controller.abort());
    return answerModern(message, new PlainStream(response), { world, signal: controller.signal });
  }

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function respond(request, response) {
    if (!isLocal(request)) return sendJson(response, 403, { error: 'Forbidden' });
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path !== '/mcp') return sendJson(response, 404, { error: 'Not found' });
    let id = null;
    try {
      if (request.method === 'POST') {
        const body = await readJson(request);
        if (isRequest(body)) id = body.id;
        const byHeader = era === 'dual' && MODERN_VERSIONS.includes(String(request.headers['mcp-protocol-version']));
        if (byHeader || isModern(body, era)) return await modernPost(body, request, response);
        return legacyPost(body, request, response);
      }
      if (era === 'modern') return sendJson(response, 405, undefined, { allow: 'POST' });
      const session = sessionOf(request);
      if (request.method === 'GET') {
        const lastEventId = request.headers['last-event-id']?.toString();
        const stream = session.find(lastEventId);
        if (!stream) throw new RpcError(-32000, 'Unknown event id', { status: 400 });
        return stream.attach(response, lastEventId);
      }
      if (request.method !== 'DELETE') return sendJson(response, 405, undefined, { allow: 'GET, POST, DELETE' });
      sessions.delete(session.id);
      session.era.close();
      session.standalone.detach();
      return sendJson(response, 200);
    } catch (error) {
      const status = error instanceof RpcError ? error.status : 500;
      return sendJson(response, status === 200 ? 400 : status, failure(id, error));
    }
  }

  const server = createServer((request, response) => void respond(request, response));
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined)),
  );
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}/mcp`;
}
