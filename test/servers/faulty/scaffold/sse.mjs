// HTTP+SSE of 2024-11-05: one GET stream per client, its messages posted to an address that the stream names.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { turns, written } from './written.mjs';

export async function listen(server) {
  const { behaviour, options, protocol, ledger } = server;
  const ports = new Map();
  server.ports = ports;
  server.sessions = ports;
  const http = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    if (url.pathname === '/ledger') return void response.end(JSON.stringify(ledger.all()));
    if (url.pathname === '/control') {
      await behaviour.control?.(JSON.parse(body || '{}'), server);
      return void response.end('{}');
    }
    const message = body === '' ? undefined : JSON.parse(body);
    const execute = () =>
      ledger.add('executed', { nonce: message?.params?.arguments?.nonce, tool: message?.params?.name });
    const exchange = { request, response, body, message, server, execute };
    exchange.next = () => serveSse(url, exchange);
    if (behaviour.http) await behaviour.http(exchange);
    else exchange.next();
  });

  function serveSse(url, { request, response, body }) {
    if (request.method === 'GET' && url.pathname === '/sse') {
      const session = randomUUID();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: /messages?session=${session}\n\n`);
      const turn = turns();
      const port = {
        kind: 'sse',
        response,
        raw: (bytes) => response.write(bytes),
        noise: (text) => response.write(`data: ${text}\n\n`),
        pieces: (parts) =>
          turn.long(async () => {
            response.write('event: message\ndata: ');
            for await (const part of parts) await written(response, part);
            response.write('\n\n');
          }),
        send: (message) => {
          if (behaviour.answer && message.id !== undefined && message.method === undefined)
            behaviour.answer(message, port);
          else turn.now(() => response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`));
        },
      };
      ports.set(session, port);
      return void response.on('close', () => ports.delete(session));
    }
    const port = ports.get(url.searchParams.get('session'));
    if (request.method === 'POST' && url.pathname === '/messages' && port === undefined) {
      const { status, body: text } = behaviour.unknownSession ?? { status: 404 };
      return void response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    }
    if (request.method !== 'POST' || url.pathname !== '/messages') return void response.writeHead(404).end();
    response.writeHead(202).end('Accepted');
    void protocol.handle(JSON.parse(body), port);
  }

  server.http = http;
  await once(http.listen(options.port, '127.0.0.1'), 'listening');
  process.stdout.write(`ready http://127.0.0.1:${http.address().port}/sse\n`);
  behaviour.ready?.(server);
}
