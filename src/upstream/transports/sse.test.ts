import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  json,
  type Listener,
  listen,
  resultFor,
  rpc,
  stream,
} from '../../../test/servers/http/listener.ts';
import { RecordingSink } from '../../../test/servers/http/sink.ts';
import { writeNotification, writeRequest } from '../../wire/envelope.ts';
import type { Transport } from '../transport.ts';
import type { HttpUpstreamConfig } from './http-requests.ts';
import { createSseTransport } from './sse.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

interface Setup {
  server: Listener;
  sink: RecordingSink;
  transport: Transport;
  opened: Promise<void>;
  call(id: number): void;
}

async function start(answer: Answer, config: Partial<HttpUpstreamConfig> = {}): Promise<Setup> {
  const server = await listen(answer);
  cleanup.push(() => server.close());
  const sink = new RecordingSink();
  const transport = createSseTransport({
    upstream: 'old',
    config: {
      url: `${server.url}/sse?k=1`,
      headers: { authorization: 'Bearer ours' },
      limits: { message: 100_000 },
      timeouts: { dial: 1_000, connect: 1_000 },
      ...config,
    },
    log: () => {},
  });
  cleanup.push(() => transport.close(0));
  const opened = transport.open(sink, AbortSignal.timeout(5_000));
  const call = (id: number) => transport.request({ id, method: 'ping', text: writeRequest(id, 'ping', {}) });
  return { server, sink, transport, opened, call };
}

/** A server whose messages go out on its one stream; `onPost` answers the POSTs. */
function channel(
  endpoint: string,
  onPost: (request: Parameters<Answer>[0], response: ServerResponse, out: ServerResponse) => void,
): Answer {
  let out: ServerResponse | undefined;
  return (request, response) => {
    if (request.method === 'GET') {
      out = response;
      stream(response);
      response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
    } else onPost(request, response, out as ServerResponse);
  };
}

const accept = (request: Parameters<Answer>[0], response: ServerResponse, out: ServerResponse): void => {
  response.writeHead(202).end('Accepted');
  if (rpc(request).id !== undefined) out.write(`event: message\ndata: ${resultFor(request)}\n\n`);
};

describe('HTTP+SSE of 2024-11-05', () => {
  it.each([
    ['an absolute path', '/messages?session=a%2Fb', '/messages?session=a%2Fb'],
    ['a relative path', 'post?s=1', '/post?s=1'],
  ])('posts to the endpoint of the stream: %s', async (_, endpoint, path) => {
    const { opened, call, sink, server, transport } = await start(channel(endpoint, accept));
    await opened;
    call(1);
    expect(await sink.result(1)).toEqual({ ok: true });
    await transport.post(writeNotification('notifications/initialized'));
    expect(server.requests.map((request) => `${request.method} ${request.path}`)).toEqual([
      'GET /sse?k=1',
      `POST ${path}`,
      `POST ${path}`,
    ]);
    for (const { headers } of server.requests) expect(headers.authorization).toBe('Bearer ours');
    expect(sink.heard[0]?.stream).toBeUndefined();
  });

  it('takes a whole URL of its own origin', async () => {
    const server = await listen((request, response) => {
      if (request.method !== 'GET') return response.writeHead(202).end();
      stream(response);
      response.write(`event: endpoint\ndata: ${server.url}/m\n\n`);
    });
    cleanup.push(() => server.close());
    const { opened, transport } = await start(() => {}, { url: `${server.url}/sse` });
    await opened;
    await transport.post(writeNotification('x'));
    expect(server.requests[1]?.path).toBe('/m');
  });

  it('never posts to another origin (SSRF), and needs an address', async () => {
    const canary = await listen((_request, response) => json(response, {}));
    cleanup.push(() => canary.close());
    for (const endpoint of [`${canary.url}/m`, '//169.254.169.254/latest', 'file:///etc/passwd', 'http://[']) {
      const { opened } = await start(channel(endpoint, accept));
      await expect(opened).rejects.toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
    }
    expect(canary.requests).toEqual([]);
  });

  it.each([
    [404, 'UPSTREAM_PROTOCOL'],
    [405, 'UPSTREAM_PROTOCOL'],
    [401, 'UPSTREAM_UNAUTHORIZED'],
    [429, 'UPSTREAM_RATE_LIMITED'],
    [502, 'UPSTREAM_FAILED'],
  ])('opening fails when the stream is refused with HTTP %i', async (status, fault) => {
    const { opened, sink } = await start((_request, response) => json(response, {}, status));
    await expect(opened).rejects.toMatchObject({ fault, data: { httpStatus: status } });
    expect(sink.heard).toEqual([]);
  });

  it('opening fails when there is no event stream, no endpoint in time, an early end, nobody, or an abort (B-28)', async () => {
    const html = await start((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    );
    await expect(html.opened).rejects.toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
    const silent = await start((_request, response) => stream(response), {
      timeouts: { dial: 100, connect: 100 },
    });
    await expect(silent.opened).rejects.toMatchObject({ fault: 'UPSTREAM_TIMEOUT' });
    await silent.server.requests[0]?.closed;
    const early = await start((_request, response) => {
      stream(response);
      response.end();
    });
    await expect(early.opened).rejects.toMatchObject({ fault: 'UPSTREAM_DISCONNECTED' });
    const nobody = await start(() => {}, { url: 'http://127.0.0.1:1/sse' });
    await expect(nobody.opened).rejects.toMatchObject({ fault: 'UPSTREAM_UNREACHABLE', delivery: 'not-sent' });
    const transport = createSseTransport({
      upstream: 'old',
      config: {
        url: `${early.server.url}/sse`,
        headers: {},
        limits: { message: 1 },
        timeouts: { dial: 1, connect: 1 },
      },
      log: () => {},
    });
    await expect(transport.open(new RecordingSink(), AbortSignal.abort())).rejects.toMatchObject({
      fault: 'CANCELLED',
    });
  });

  it('the end of the stream is the end of the transport, told once', async () => {
    const setup = await start(
      channel('/m', (_request, response, out) => {
        response.writeHead(202).end();
        out.end('data: {"cut"');
      }),
    );
    await setup.opened;
    setup.call(1);
    const { fault } = await setup.sink.when(({ closed }) => closed === true);
    expect(fault).toMatchObject({ fault: 'UPSTREAM_DISCONNECTED', delivery: 'maybe-sent', upstream: 'old' });
    await expect(setup.transport.post('{}')).rejects.toMatchObject({
      fault: 'UPSTREAM_DISCONNECTED',
      delivery: 'not-sent',
    });
    expect(setup.sink.heard).toHaveLength(1);
  });

  it.each([
    ['first', (id: number, big: string) => `{"jsonrpc":"2.0","id":${id},"result":{"text":"${big}"}}`],
    ['last', (id: number, big: string) => `{"result":{"text":"${big}"},"jsonrpc":"2.0","id":${id}}`],
  ])('F-I7: an answer over limits.message fails its own call, the others go on (id %s)', async (_, write) => {
    const setup = await start(
      channel('/m', (request, response, out) => {
        if (rpc(request).id !== 1) return accept(request, response, out);
        response.writeHead(202).end();
        out.write(`data: ${write(1, 'x'.repeat(200_000))}\n\n`);
      }),
    );
    await setup.opened;
    setup.call(1);
    setup.call(2);
    expect(await setup.sink.fault(1)).toMatchObject({
      fault: 'RESULT_TOO_LARGE',
      delivery: 'answered',
      upstream: 'old',
    });
    expect(await setup.sink.result(2)).toEqual({ ok: true });
    expect(setup.sink.heard).toHaveLength(2);
  });

  it.each([
    [404, 'UPSTREAM_SESSION_LOST', 'rejected-unprocessed', undefined],
    [400, 'UPSTREAM_PROTOCOL', 'maybe-sent', true],
    [500, 'UPSTREAM_FAILED', 'maybe-sent', undefined],
  ])('a request refused with HTTP %i fails, the stream goes on', async (status, fault, delivery, ambiguous) => {
    const setup = await start(
      channel('/m', (request, response, out) => {
        if (rpc(request).id === 1) json(response, 'no', status);
        else accept(request, response, out);
      }),
    );
    await setup.opened;
    setup.call(1);
    const failed = await setup.sink.fault(1);
    expect(failed).toMatchObject({ fault, delivery });
    expect(failed.data?.ambiguous).toBe(ambiguous);
    setup.call(2);
    expect(await setup.sink.result(2)).toEqual({ ok: true });
  });

  it('takes an answer that came as the answer of the POST, and only once', async () => {
    const setup = await start(
      channel('/m', (request, response) => {
        json(response, resultFor(request, { direct: true }));
      }),
    );
    await setup.opened;
    setup.call(1);
    expect(await setup.sink.result(1)).toEqual({ direct: true });
  });

  it('a POST that is never answered does not keep its connection after the answer came, nor after it was abandoned', async () => {
    const setup = await start(
      channel('/m', (request, _response, out) => {
        if (rpc(request).id === 1) out.write(`data: ${resultFor(request)}\n\n`);
      }),
    );
    await setup.opened;
    setup.call(1);
    setup.call(2);
    await setup.sink.result(1);
    await setup.server.seen(({ body }) => body.includes('"id":2'));
    setup.transport.abandon(2);
    await Promise.all(setup.server.requests.filter(({ method }) => method === 'POST').map(({ closed }) => closed));
    expect(setup.sink.heard).toHaveLength(1);
  });

  it('noise on the stream is skipped, requests of the server are handed on', async () => {
    const setup = await start(
      channel('/m', (_request, response, out) => {
        response.writeHead(202).end();
        out.write('data: hello\n\ndata: {"jsonrpc":"2.0","id":"s1","method":"ping"}\n\n');
      }),
    );
    await setup.opened;
    setup.call(1);
    const { message } = await setup.sink.when(({ message }) => message?.kind === 'request');
    expect(message).toMatchObject({ method: 'ping', id: 's1' });
    expect(setup.sink.samples).toEqual(['hello']);
  });

  it('close ends everything and tells nobody', async () => {
    const setup = await start(channel('/m', () => {}));
    await setup.opened;
    setup.call(1);
    await setup.server.seen(({ method }) => method === 'POST');
    const posted = expect(setup.transport.post(writeNotification('x'))).rejects.toMatchObject({
      fault: 'UPSTREAM_DISCONNECTED',
    });
    await setup.transport.close();
    await posted;
    while (setup.server.open() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(setup.sink.heard).toEqual([]);
  });
});
