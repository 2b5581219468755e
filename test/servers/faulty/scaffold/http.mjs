// Streamable HTTP of both eras, with sessions in the legacy one.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { written } from './written.mjs';

const MODERN_STATUS = { '-32601': 404, '-32602': 400, '-32020': 400, '-32022': 400 };

export async function listen(server) {
  const { behaviour, options, protocol, ledger } = server;
  const sessions = new Set();
  const streams = new Set();
  Object.assign(server, { sessions, streams });

  async function serveMcp(exchange) {
    const { request, response, message } = exchange;
    const session = request.headers['mcp-session-id'];
    const known = session === undefined || sessions.has(session);
    if (!known) return refuse(response, message, behaviour.unknownSession ?? { status: 404 });
    if (request.method === 'DELETE') {
      sessions.delete(session);
      return response.writeHead(204).end();
    }
    if (request.method === 'GET') {
      if (session === undefined && !options.stateless) return response.writeHead(405).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.add(response);
      return response.on('close', () => streams.delete(response));
    }
    if (message === undefined) return refuse(response, undefined, { status: 400 });
    const modern = protocol.isModern(message);
    if (!modern && message.method !== 'initialize' && session === undefined && !options.stateless) {
      return refuse(response, message, { status: 400 });
    }
    const headers = {};
    if (message.method === 'initialize' && !options.stateless) {
      headers['mcp-session-id'] = randomUUID();
      sessions.add(headers['mcp-session-id']);
    }
    if (message.id === undefined || message.method === undefined) {
      await protocol.handle(message, { kind: 'http', send() {}, raw() {} });
      return response.writeHead(202).end();
    }
    if (modern) {
      response.on('close', () => {
        if (!response.writableFinished) ledger.add('left', { nonce: message.params?.arguments?.nonce });
      });
    }
    await protocol.handle(message, portOf(exchange, headers, modern));
  }

  /** Answers as JSON when the first thing to say is the answer, else as a stream. */
  function portOf({ response }, headers, modern) {
    const port = {
      kind: 'http',
      response,
      raw: (bytes) => response.write(bytes),
      noise(text) {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
        response.write(`data: ${text}\n\n`);
      },
      async pieces(parts) {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        for await (const part of parts) await written(response, part);
        response.end();
      },
      send(out) {
        const isAnswer = out.method === undefined; // whatever its id: some of these servers answer under a wrong one
        if (isAnswer && behaviour.answer) return behaviour.answer(out, port);
        if (response.headersSent) {
          response.write(`event: message\ndata: ${JSON.stringify(out)}\n\n`);
          if (isAnswer) response.end();
        } else if (isAnswer) {
          const status = (modern && out.error && MODERN_STATUS[out.error.code]) || 200;
          response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(out));
        } else {
          response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
          response.write(`event: message\ndata: ${JSON.stringify(out)}\n\n`);
        }
      },
    };
    return port;
  }

  function refuse(response, message, { status, body, type = 'application/json' }) {
    const text =
      body ?? JSON.stringify({ jsonrpc: '2.0', id: message?.id ?? null, error: { code: -32000, message: 'refused' } });
    response.writeHead(status, { 'content-type': type }).end(text);
  }

  /** Writes down that the call in `message` ran, for a behaviour that takes the answer into its own hands. */
  function execute(message) {
    ledger.add('executed', { nonce: message?.params?.arguments?.nonce, tool: message?.params?.name });
  }

  const http = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the client left
    }
    const body = Buffer.concat(chunks).toString('utf8');
    if (request.url === '/ledger') return void response.end(JSON.stringify(ledger.all()));
    if (request.url === '/control') {
      await behaviour.control?.(JSON.parse(body || '{}'), server);
      return void response.end('{}');
    }
    let message;
    try {
      message = JSON.parse(body);
    } catch {
      // no body, or not JSON
    }
    const exchange = { request, response, body, message, server, execute: () => execute(message) };
    exchange.next = () => serveMcp(exchange);
    if (behaviour.http) await behaviour.http(exchange);
    else await exchange.next();
  });
  if (behaviour.accept) http.on('connection', (socket) => behaviour.accept(socket, server));
  http.keepAliveTimeout = 60_000;
  server.http = http;
  if (behaviour.listen) await behaviour.listen(http, server);
  else await once(http.listen(options.port, '127.0.0.1'), 'listening');
  process.stdout.write(`ready http://127.0.0.1:${http.address()?.port ?? options.port}/mcp\n`);
  behaviour.ready?.(server);
}
