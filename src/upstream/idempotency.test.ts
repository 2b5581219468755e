// The key under which the attempts of one call belong together: what the server really receives (8.2, reliability §2).
import { afterEach, expect, it } from 'vitest';
import { type Listener, listen, type SeenRequest } from '../../test/servers/http/listener.ts';
import { callContext, type UnderTest, upstreamUnderTest } from '../../test/support/upstream-under-test.ts';

const KEY = 'io.github.holdfast/idempotencyKey';
const ATTEMPT = 'io.github.holdfast/attempt';

let server: Listener | undefined;
let made: UnderTest | undefined;
afterEach(async () => {
  await made?.stop();
  await server?.close();
});

/** A server whose first `lost` answers to a call never leave it, and what each call said of itself. */
async function start(lost: number, more: Record<string, unknown>): Promise<Record<string, unknown>[]> {
  const metas: Record<string, unknown>[] = [];
  const answer = ({ body }: SeenRequest): object | 'lost' | undefined => {
    const { id, method, params } = JSON.parse(body);
    if (id === undefined) return undefined;
    const tool = { name: 'put', inputSchema: { type: 'object' } };
    const serverInfo = { name: 's', version: '1' };
    if (method === 'initialize')
      return { jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo } };
    if (method === 'tools/list') return { jsonrpc: '2.0', id, result: { tools: [tool] } };
    if (method !== 'tools/call') return { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } };
    metas.push(params._meta ?? {});
    if (metas.length <= lost) return 'lost';
    return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: `${metas.length}` }] } };
  };
  server = await listen((request, response, raw) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const reply = answer(request);
    if (reply === 'lost') return raw.socket.destroy();
    if (reply === undefined) return response.writeHead(202).end();
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  });
  made = upstreamUnderTest({ url: server.url, transport: 'streamable-http', ...more });
  made.upstream.start();
  await made.reached('ready');
  return metas;
}

const put = (id: string, safety: 'idempotent' | 'write' = 'idempotent') =>
  (made as UnderTest).upstream.call(
    { method: 'tools/call', params: { name: 'put', arguments: {} }, subject: 'put', safety },
    callContext({ id }),
  );

it('only a repeat carries a key, the same for all attempts of a call and another one for another call', async () => {
  const metas = await start(1, {});
  expect(await put('first')).toHaveProperty('result');
  expect(metas).toEqual([
    expect.not.objectContaining({ [KEY]: expect.anything() }),
    expect.objectContaining({ [KEY]: 'first', [ATTEMPT]: 2 }),
  ]);
  await put('second');
  expect(metas[2]).not.toHaveProperty([KEY]);
});

it('idempotencyKey: true sends it with the first attempt already', async () => {
  const metas = await start(1, { idempotencyKey: true });
  await put('first');
  await put('second', 'write');
  expect(metas.map((meta) => [meta[KEY], meta[ATTEMPT]])).toEqual([
    ['first', 1],
    ['first', 2],
    ['second', 1],
  ]);
});

it('a write whose answer was lost is not repeated, key or no key', async () => {
  const metas = await start(1, { idempotencyKey: true });
  await expect(put('first', 'write')).rejects.toMatchObject({ delivery: 'maybe-sent' });
  expect(metas).toHaveLength(1);
});
