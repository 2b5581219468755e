// The bench's own caller over HTTP+SSE: what it takes for an answer, however the stream is cut.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';

const { SseCaller } = await import(new URL('../../bench/harness/sse-caller.mjs', import.meta.url).href);

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server over HTTP+SSE; `answer` writes to the stream what a posted message gets. */
async function serve(answer: (stream: ServerResponse, id: number) => void, status = 202): Promise<string> {
  let stream: ServerResponse;
  server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.write('event: endpoint\ndata: /messages?session=1\n\n');
      return;
    }
    expect(request.url).toBe('/messages?session=1');
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(status).end('Accepted');
    answer(stream, JSON.parse(body).id);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`;
}

async function call(url: string, ids: number[]): Promise<unknown[]> {
  const caller = new SseCaller(url);
  await caller.open();
  try {
    const answers = [];
    for (const id of ids) {
      const body: Buffer = await new Promise((resolve, reject) =>
        caller.send(JSON.stringify({ id }), (_status: number, _head: string, bytes: Buffer) => resolve(bytes), reject),
      );
      answers.push(JSON.parse(body.toString()));
    }
    return answers;
  } finally {
    caller.close();
  }
}

test('answers are told from what the server says in between', async () => {
  const url = await serve((stream, id) => {
    stream.write(': keep-alive\n\n');
    stream.write('event: message\ndata: {"method":"notifications/tools/list_changed","jsonrpc":"2.0"}\n\n');
    stream.write(`event: message\ndata: {"jsonrpc":"2.0","id":${id},"result":{"text":"ä"}}\n\n`);
  });
  expect(await call(url, [1, 2])).toMatchObject([{ id: 1 }, { id: 2, result: { text: 'ä' } }]);
});

test('an event may come in many pieces', async () => {
  const url = await serve((stream, id) => {
    const pieces = [...`event: message\ndata: {"jsonrpc":"2.0","id":${id},"result":{}}\n\n`];
    const next = () => {
      const piece = pieces.shift();
      if (piece !== undefined) stream.write(piece, next);
    };
    next();
  });
  expect(await call(url, [1, 2])).toMatchObject([{ id: 1 }, { id: 2 }]);
});

test('a message that is refused fails the call', async () => {
  const url = await serve(() => {}, 404);
  await expect(call(url, [1])).rejects.toThrow('HTTP 404');
});

test('a stream that ends fails the call', async () => {
  const url = await serve((stream) => stream.end());
  await expect(call(url, [1])).rejects.toThrow('closed');
});
