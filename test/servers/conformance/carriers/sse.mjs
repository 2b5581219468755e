// HTTP+SSE of 2024-11-05: a GET that stays open and names the address for the POSTs. Legacy only.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { LegacySession } from '../eras/legacy.mjs';
import { failure, RpcError } from '../rpc.mjs';
import { readJson } from './body.mjs';
import { isLocal } from './local.mjs';
import { sendJson } from './sse-stream.mjs';

/** @param {{ world: import('../world.mjs').World, port: number }} options @returns {Promise<string>} its URL */
export async function serveSse({ world, port }) {
  /** @type {Map<string, { era: LegacySession, send: (message: object) => void }>} */
  const sessions = new Map();

  /** @param {import('node:http').ServerResponse} response */
  function open(response) {
    const id = randomUUID();
    const send = (/** @type {object} */ message) => {
      if (!response.destroyed) response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
    };
    const era = new LegacySession(world, send);
    sessions.set(id, { era, send });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write(`event: endpoint\ndata: /messages?session=${id}\n\n`);
    response.on('close', () => {
      sessions.delete(id);
      era.close();
    });
  }

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function respond(request, response) {
    if (!isLocal(request)) return sendJson(response, 403, { error: 'Forbidden' });
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/sse') {
      return request.method === 'GET' ? open(response) : sendJson(response, 405, undefined, { allow: 'GET' });
    }
    const session = sessions.get(url.searchParams.get('session') ?? '');
    if (url.pathname !== '/messages' || request.method !== 'POST' || !session) {
      return sendJson(response, 404, { error: 'Not found' });
    }
    try {
      const message = await readJson(request);
      sendJson(response, 202);
      await session.era.receive(message, { send: session.send });
    } catch (error) {
      sendJson(response, error instanceof RpcError ? error.status : 500, failure(null, error));
    }
  }

  const server = createServer((request, response) => void respond(request, response));
  await new Promise((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined)),
  );
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}/sse`;
}
