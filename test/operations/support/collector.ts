// An OTLP receiver over HTTP, and a client of revision 2024-11-05: what the tests of traces have on both ends.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { exchange } from '../../support/http-exchange.ts';

export interface SpanJson {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
}

/** Takes spans; those of one call stand together, the outer one first. */
export async function startCollector(): Promise<{ url: string; spans: SpanJson[] } & AsyncDisposable> {
  const spans: SpanJson[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(pieces).toString()) as {
        resourceSpans: { scopeSpans: { spans: SpanJson[] }[] }[];
      };
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Opens a stream, introduces itself, calls one tool and leaves; `headers` come with the call alone. */
export async function callOverSse(url: string, tool: string, headers: Record<string, string>): Promise<unknown> {
  const events: string[] = [];
  const stream = await exchange(url, {
    method: 'GET',
    headers: { accept: 'text/event-stream' },
    onEvent: ({ data }) => events.push(data),
  });
  const next = async (count: number): Promise<string> => {
    await expect.poll(() => events.length, { timeout: 30_000 }).toBe(count);
    return events[count - 1] as string;
  };
  const address = new URL(await next(1), url);
  const send = (message: object, more: Record<string, string> = {}) =>
    fetch(address, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      headers: { 'content-type': 'application/json', ...more },
    });
  const clientInfo = { name: 'sse', version: '1' };
  await send({ id: 1, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo } });
  await next(2);
  await send({ id: 2, method: 'tools/call', params: { name: tool, arguments: {} } }, headers);
  const answer = JSON.parse(await next(3)) as unknown;
  stream.leave();
  await stream.body.catch(() => undefined);
  return answer;
}
