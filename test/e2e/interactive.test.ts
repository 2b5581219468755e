// Every client with every server: questions reach the right client in its own era, and answers the right call.
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { processesUnder } from '../support/processes.ts';
import { Program } from '../support/program.ts';

const SERVER = new URL('../servers/asking/main.mjs', import.meta.url).pathname;
const info = { name: 'asker-test', version: '1' };

type Era = 'legacy' | 'modern';
type Wire = 'stdio' | 'http';

/** A gateway before a server that asks: `twice` elicits two times, `mixed` also samples and wants roots. */
async function behind(era: Era, wire: Wire, more: object = {}): Promise<{ gateway: Gateway; stop(): Promise<void> }> {
  const server =
    wire === 'http' ? new Program(process.execPath, { args: [SERVER, '--era', era, '--http'] }) : undefined;
  const url = server && (await server.line(/^ready (\S+)/))[1];
  const upstream = url === undefined ? { command: process.execPath, args: [SERVER, '--era', era] } : { url };
  const gateway = await startGateway({ config: { upstreams: { asking: { ...upstream, ...more } } } }).catch(
    async (error) => {
      await server?.stop();
      throw error;
    },
  );
  await gateway.upstreamsIn();
  return {
    gateway,
    stop: async () => {
      await gateway.stop();
      await server?.stop();
    },
  };
}

interface Person {
  name: string;
  /** How often this client was asked. */
  asked: number;
}

async function legacyClient(gateway: Gateway, path: string, person: Person): Promise<ClientV1> {
  const client = new ClientV1(info, { capabilities: { elicitation: {}, sampling: {}, roots: {} } });
  client.setRequestHandler(ElicitRequestSchema, (request) => {
    person.asked++;
    return { action: 'accept', content: { answer: `${person.name} says ${String(request.params.message)}` } };
  });
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'test',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: `${person.name} sampled` },
  }));
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${person.name}` }] }));
  await client.connect(new HttpV1(new URL(`${gateway.url}/mcp/${path}`)) as Parameters<ClientV1['connect']>[0]);
  return client;
}

async function modernClient(gateway: Gateway, path: string, person: Person): Promise<ClientV2> {
  const client = new ClientV2(info, {
    capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
    versionNegotiation: { mode: 'auto' },
  });
  client.setRequestHandler('elicitation/create', (request) => {
    person.asked++;
    return { action: 'accept', content: { answer: `${person.name} says ${String(request.params.message)}` } };
  });
  client.setRequestHandler('sampling/createMessage', () => ({
    model: 'test',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: `${person.name} sampled` },
  }));
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: `file:///${person.name}` }] }));
  await client.connect(new HttpV2(new URL(`${gateway.url}/mcp/${path}`)));
  return client;
}

const connect = { legacy: legacyClient, modern: modernClient };
const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text;

describe.each([
  ['legacy', 'legacy'],
  ['legacy', 'modern'],
  ['modern', 'legacy'],
  ['modern', 'modern'],
] as const)('a %s client and a %s server', (clientEra, serverEra) => {
  it.each(['stdio', 'http'] as const)('elicits twice in one call, over %s (MP15, MP19)', async (wire) => {
    const { gateway, stop } = await behind(serverEra, wire);
    const person = { name: 'Ada', asked: 0 };
    const client = await connect[clientEra](gateway, 'asking', person);
    const result = await client.callTool({ name: 'twice', arguments: { tag: 't1' } });
    expect(textOf(result)).toBe('t1: Ada says first t1, Ada says second t1');
    expect(person.asked).toBe(2);
    await client.close();
    await stop();
  });

  it('elicits, samples and asks for roots in one call', async () => {
    const { gateway, stop } = await behind(serverEra, 'http');
    const client = await connect[clientEra](gateway, 'asking', { name: 'Ada', asked: 0 });
    const result = await client.callTool({ name: 'mixed', arguments: { tag: 'm' } });
    expect(textOf(result)).toBe('m: Ada says mixed m, Ada sampled, file:///Ada');
    await client.close();
    await stop();
  });

  it('all of it works through exec of the converged view', async () => {
    const { gateway, stop } = await behind(serverEra, 'http');
    const client = await connect[clientEra](gateway, 'converged', { name: 'Ada', asked: 0 });
    const args = { server_name: 'asking', tool_name: 'twice', arguments: { tag: 'x' } };
    const result = await client.callTool({ name: 'exec', arguments: args });
    expect(textOf(result)).toBe('x: Ada says first x, Ada says second x');
    await client.close();
    await stop();
  });
});

describe('nothing goes to the wrong place (MP20)', () => {
  it.each([
    ['legacy', 'http', {}],
    ['modern', 'http', {}],
    ['legacy', 'stdio', { session: { mode: 'pooled' }, pool: { min: 0, max: 20 } }],
  ] as const)(
    '100 interactive calls of 10 clients of both eras: server %s over %s %j',
    async (era, wire, more) => {
      const { gateway, stop } = await behind(era, wire, more);
      const people = Array.from({ length: 10 }, (_, index) => ({ name: `P${index}`, asked: 0 }));
      const clients = await Promise.all(
        people.map((person, index) => connect[index % 2 === 0 ? 'legacy' : 'modern'](gateway, 'asking', person)),
      );
      const results = await Promise.all(
        clients.flatMap((client, who) =>
          Array.from({ length: 10 }, async (_, call) => {
            const tag = `${who}-${call}`;
            return [tag, who, textOf(await client.callTool({ name: 'twice', arguments: { tag } }))] as const;
          }),
        ),
      );
      for (const [tag, who, text] of results)
        expect(text).toBe(`${tag}: P${who} says first ${tag}, P${who} says second ${tag}`);
      expect(people.map(({ asked }) => asked)).toEqual(people.map(() => 20));
      await Promise.all(clients.map((client) => client.close()));
      await stop();
    },
    60_000,
  );

  it('a client that declared nothing is answered for, not asked', async () => {
    const { gateway, stop } = await behind('legacy', 'http');
    await using client = new ModernHttpClient(`${gateway.url}/mcp/asking`);
    expect(textOf(await client.call('twice', { tag: 'd' }))).toBe('d: decline, decline');
    await stop();
  });

  it('a forged, foreign or used requestState is refused with -32602 (MP19)', async () => {
    const { gateway, stop } = await behind('legacy', 'http');
    const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
    await using client = new ModernHttpClient(`${gateway.url}/mcp/asking`);
    const params = { name: 'twice', arguments: { tag: 's' } };
    const first = await client.request('tools/call', params, { meta: capabilities });
    const requestState = String(first.requestState);
    const inputResponses = Object.fromEntries(
      Object.keys(first.inputRequests as object).map((key) => [key, { action: 'accept', content: { answer: 'a' } }]),
    );
    const retry = (state: string, more: object = {}) =>
      client.request('tools/call', { ...params, ...more, requestState: state, inputResponses }, { meta: capabilities });
    await expect(retry(`${requestState.slice(0, -3)}abc`)).rejects.toMatchObject({ code: -32602 });
    await expect(retry(requestState, { arguments: { tag: 'other' } })).rejects.toMatchObject({ code: -32602 });
    const second = await retry(requestState);
    expect(second.resultType).toBe('input_required');
    const third = await client.request(
      'tools/call',
      {
        ...params,
        requestState: second.requestState,
        inputResponses: { q2: { action: 'accept', content: { answer: 'b' } } },
      },
      { meta: capabilities },
    );
    expect(textOf(third)).toBe('s: a, b');
    await expect(retry(requestState)).rejects.toMatchObject({ code: -32602 });
    await stop();
  });
});

describe('a restart in the middle of a question (MP19)', () => {
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
  const params = { name: 'twice', arguments: { tag: 'r' } };
  const answers = { q1: { action: 'accept', content: { answer: 'a' } } };

  it('of the upstream: the retry is told that the call is lost, the next call works', async () => {
    const { gateway, stop } = await behind('legacy', 'stdio');
    await using client = new ModernHttpClient(`${gateway.url}/mcp/asking`);
    const first = await client.request('tools/call', params, { meta });
    expect(first.resultType).toBe('input_required');
    for (const { pid } of processesUnder(gateway.pid)) process.kill(pid, 'SIGKILL');
    const retry = client.request(
      'tools/call',
      { ...params, requestState: first.requestState, inputResponses: answers },
      { meta },
    );
    await expect(retry).rejects.toMatchObject({ data: { fault: 'UPSTREAM_EXITED', delivery: 'maybe-sent' } });
    expect((await client.request('tools/call', params, { meta })).resultType).toBe('input_required');
    await stop();
  });

  it('of the gateway: the retry is told to call again', async () => {
    const { gateway, stop } = await behind('legacy', 'stdio');
    const client = new ModernHttpClient(`${gateway.url}/mcp/asking`);
    const first = await client.request('tools/call', params, { meta });
    await stop();
    const { gateway: other, stop: stopOther } = await behind('legacy', 'stdio');
    await using again = new ModernHttpClient(`${other.url}/mcp/asking`);
    const retry = again.request(
      'tools/call',
      { ...params, requestState: first.requestState, inputResponses: answers },
      { meta },
    );
    await expect(retry).rejects.toMatchObject({ code: -32602 });
    await client.close();
    await stopOther();
  });
});
