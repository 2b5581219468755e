// Calls that a person has to confirm, and results that are marked: switches of `security` that are off by default.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { textOf } from '../support/rpc.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const ASKING = new URL('../servers/asking/main.mjs', import.meta.url).pathname;
const info = { name: 'confirm-test', version: '1' };

/** Somebody in front of a client: what was asked, and what the next answers are. */
class Person {
  readonly asked: string[] = [];
  action: 'accept' | 'decline' | 'cancel' = 'accept';

  answer = (request: { params: { message?: unknown } }) => {
    this.asked.push(String(request.params.message));
    return this.action === 'accept' ? { action: this.action, content: { answer: 'yes' } } : { action: this.action };
  };
}

const connect = {
  legacy: async (gateway: Gateway, view: string, person: Person) => {
    const client = new ClientV1(info, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, person.answer);
    await client.connect(new HttpV1(new URL(`${gateway.url}/mcp/${view}`)) as Parameters<ClientV1['connect']>[0]);
    return client;
  },
  modern: async (gateway: Gateway, view: string, person: Person) => {
    const client = new ClientV2(info, {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: 'auto' },
    });
    client.setRequestHandler('elicitation/create', person.answer);
    await client.connect(new HttpV2(new URL(`${gateway.url}/mcp/${view}`)));
    return client;
  },
};

const started = (security: object, upstreams: object = { own: faulty('healthy') }, more: object = {}) =>
  startGateway({ config: { security, upstreams, ...more } });

describe.each(['legacy', 'modern'] as const)('a %s client whose person confirms (reliability §4)', (era) => {
  it.each(['legacy', 'modern'] as const)('is asked once for a call in which a %s server asks, too', async (server) => {
    const asking = { command: process.execPath, args: [ASKING, '--era', server] };
    await using gateway = await started({ confirm: 'presumed' }, { asking });
    await gateway.upstreamsIn();
    const person = new Person();
    for (const view of ['asking', 'converged']) {
      const client = await connect[era](gateway, view, person);
      const own = { name: 'twice', arguments: { tag: 't' } };
      const exec = { name: 'exec', arguments: { server_name: 'asking', tool_name: 'twice', arguments: { tag: 't' } } };
      const result = await client.callTool(view === 'asking' ? own : exec);
      expect((result.content as { text: string }[])[0]?.text).toBe('t: yes, yes');
      const question = 'Run twice of asking? It may change or delete things for good. Arguments: {"tag":"t"}';
      expect(person.asked.splice(0)).toEqual([question, 'first t', 'second t']);
      await client.close();
    }
  });

  it('is not obeyed against: what was declined or closed reaches no server', async () => {
    await using gateway = await started({ confirm: 'presumed' }, undefined, { locale: 'zh' });
    await gateway.upstreamsIn();
    const person = new Person();
    const client = await connect[era](gateway, 'own', person);
    for (person.action of ['decline', 'cancel'] as const)
      await expect(client.callTool({ name: 'write', arguments: { nonce: 'n' } })).rejects.toThrow(/did not agree/);
    expect(person.asked[0]).toMatch(/^运行 own 的 write 吗？/);
    // What changes nothing, or says that it destroys nothing, is not asked about.
    for (const name of ['read', 'put']) await client.callTool({ name, arguments: { nonce: name } });
    expect(person.asked).toHaveLength(2);
    await client.close();
    const calls = (await admin(gateway, 'GET', '/calls')) as { calls: { subject: string; fault?: string }[] };
    const kept = calls.calls.map(({ subject, fault }) => `${subject} ${fault ?? 'ran'}`).toSorted();
    expect(kept).toEqual(['put ran', 'read ran', 'write FORBIDDEN', 'write FORBIDDEN']);
  });
});

async function admin(gateway: Gateway, method: string, path: string, body?: object): Promise<unknown> {
  const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
  const answer = await fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await answer.json();
}

describe('who cannot be asked (reliability §4)', () => {
  it('is refused with the way out on every face; the dashboard is a person; `declared` asks about less', async () => {
    await using gateway = await started({ confirm: 'presumed' });
    await gateway.upstreamsIn();
    const arguments_ = { nonce: 'n' };
    const client = new ModernHttpClient(`${gateway.url}/mcp/own`);
    const refused = await client.exchange('tools/call', { name: 'write', arguments: arguments_ });
    expect(refused.message.error).toMatchObject({
      message: expect.stringContaining('this client cannot be asked; nothing was sent'),
      data: { fault: 'FORBIDDEN', delivery: 'not-sent', hint: expect.stringContaining('security.confirm') },
    });
    // A state that the gateway did not give confirms nothing.
    const forged = { name: 'write', arguments: arguments_, requestState: 'x', inputResponses: {} };
    expect((await client.exchange('tools/call', forged)).message.error).toMatchObject({ data: { fault: 'FORBIDDEN' } });
    const rest = await fetch(`${gateway.url}/own/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(arguments_),
    });
    expect(rest.status).toBe(403);
    expect(await admin(gateway, 'POST', '/tools/own/write/call', { arguments: arguments_ })).toMatchObject({
      result: { content: [{ text: 'n' }] },
    });
    await gateway.writeConfig({ security: { confirm: 'declared' }, upstreams: { own: faulty('healthy') } });
    await waitFor(async () => ((await gateway.health()).config as { version: number }).version === 2);
    expect(textOf(await client.call('write', arguments_))).toBe('n');
  });
});

describe('results of upstreams that are not trusted (reliability §4)', () => {
  it('carry the mark with everything else as it came; others do not', async () => {
    const upstreams = { 'web-search': faulty('healthy'), own: faulty('healthy') };
    await using gateway = await started({ untrusted: ['web-*'] }, upstreams);
    await gateway.upstreamsIn();
    const mark = { 'io.github.holdfast/untrusted': 'web-search' };
    const call = (view: string, name: string, args: object) =>
      new ModernHttpClient(`${gateway.url}/mcp/${view}`).call(name, args as Record<string, unknown>);
    const exec = { server_name: 'web-search', tool_name: 'read', arguments: { nonce: 'n' } };
    for (const result of [await call('web-search', 'read', { nonce: 'n' }), await call('converged', 'exec', exec)]) {
      expect(result).toMatchObject({ content: [{ type: 'text', text: 'n' }], _meta: mark });
    }
    const own = await call('own', 'read', { nonce: 'n' });
    expect(JSON.stringify(own)).not.toContain('untrusted');
  });
});
