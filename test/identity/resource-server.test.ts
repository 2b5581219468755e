// The gateway as a resource server: access tokens of a real authorization server on every face, beside keys.
import { readFile } from 'node:fs/promises';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { PlainHttp } from '../servers/plain/http.ts';
import { AuthorizationServer, type TokenOptions } from '../support/authorization-server.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { waitFor } from '../support/wait.ts';
import { until } from './house.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

const PUBLIC = 'https://gateway.example';

async function guarded(oauth: object = {}, more: object = {}) {
  const server = await AuthorizationServer.start();
  undo.push(() => server.close());
  const upstream = new PlainHttp();
  await upstream.start();
  undo.push(() => upstream.stop());
  const gateway = await startGateway({
    config: {
      server: { publicUrl: PUBLIC, oauth: { issuer: server.issuer, ...oauth } },
      upstreams: { up: { url: upstream.url, transport: 'streamable-http', ...more } },
    },
  });
  undo.push(() => gateway.stop());
  await gateway.upstreamsIn(['up']);
  return { server, upstream, gateway };
}

const call = async (gateway: Gateway, token?: string, headers: Record<string, string> = {}) =>
  await fetch(`${gateway.url}/up/echo`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: '{}',
  });

const mcp = async (gateway: Gateway, path: string, token?: string) =>
  await fetch(gateway.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }),
  });

describe('a gateway protected by an authorization server', () => {
  it('says where to go: metadata for itself and for each MCP address, from its public URL (RFC 9728)', async () => {
    const { gateway, server } = await guarded();
    const bare = await mcp(gateway, '/mcp/up');
    expect(bare.status).toBe(401);
    expect(bare.headers.get('www-authenticate')).toBe(
      `Bearer scope="call", resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource/mcp/up"`,
    );
    for (const path of ['', '/mcp', '/mcp/up', '/sse']) {
      const document = await fetch(`${gateway.url}/.well-known/oauth-protected-resource${path}`);
      expect(await document.json()).toEqual({
        resource: PUBLIC + path,
        authorization_servers: [server.issuer],
        scopes_supported: ['read', 'call', 'admin'],
        bearer_methods_supported: ['header'],
        resource_name: 'Holdfast',
      });
    }
    expect((await fetch(`${gateway.url}/.well-known/oauth-protected-resource/other`)).status).not.toBe(200);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  });

  it('takes tokens that are made for it, by their scopes (12.3)', async () => {
    const { gateway, server } = await guarded();
    const mayCall = await server.token({ aud: PUBLIC, scope: 'call' });
    expect((await call(gateway, mayCall)).status).toBe(200);
    expect((await mcp(gateway, '/mcp/up', mayCall)).status).toBe(200);
    const forOne = await server.token({ aud: `${PUBLIC}/mcp/up`, scope: 'call' });
    expect((await mcp(gateway, '/mcp/up', forOne)).status).toBe(200);
    expect((await mcp(gateway, '/mcp', forOne)).status).toBe(401);
    const mayRead = await server.token({ aud: PUBLIC, scope: 'read other' });
    const refused = await call(gateway, mayRead);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toMatch(/error="insufficient_scope", scope="call"/);
    const api = (token: string) =>
      fetch(`${gateway.url}/api/v1/upstreams`, { headers: { authorization: `Bearer ${token}` } });
    expect((await api(mayRead)).status).toBe(200);
    expect((await api(await server.token({ aud: PUBLIC, scope: '' }))).status).toBe(403);
    const admin = await server.token({ aud: PUBLIC, scope: 'admin' });
    expect((await call(gateway, admin)).status).toBe(200);
    const asAdmin = { method: 'POST', headers: { authorization: `Bearer ${admin}` } };
    expect((await fetch(`${gateway.url}/api/v1/upstreams/up/pause`, asAdmin)).status).toBe(200);
  });

  it('says it on the management API and the OpenAPI face too (RFC 9728 section 5.1, RFC 6750)', async () => {
    const { gateway, server } = await guarded();
    const ask = async (path: string, token?: string, method = 'GET') => {
      const response = await fetch(gateway.url + path, {
        method,
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      });
      await response.arrayBuffer();
      return [response.status, response.headers.get('www-authenticate')];
    };
    const where = `resource_metadata="${PUBLIC}/.well-known/oauth-protected-resource"`;
    const weak = await server.token({ aud: PUBLIC, scope: 'read' });
    const over = await server.token({ aud: PUBLIC, scope: 'admin', expiresIn: -60 });
    for (const path of ['/api/v1/config', '/api/v1/nothing-here'])
      expect([path, await ask(path)]).toEqual([path, [401, expect.stringContaining(where)]]);
    expect(await ask('/api/v1/config', over)).toEqual([401, expect.stringMatching(`error="invalid_token".*${where}`)]);
    expect(await ask('/api/v1/config', weak)).toEqual([
      403,
      expect.stringMatching(`error="insufficient_scope", scope="admin", ${where}`),
    ]);
    expect(await ask('/api/v1/upstreams', weak)).toEqual([200, null]);
    expect(await ask('/up/echo', undefined, 'POST')).toEqual([401, expect.stringContaining(where)]);
    expect(await ask('/up/docs', undefined, 'POST')).toEqual([401, expect.stringContaining(where)]);
    expect(await ask('/up/echo', over, 'POST')).toEqual([
      401,
      expect.stringMatching(`error="invalid_token".*${where}`),
    ]);
    expect(await ask('/metrics')).toEqual([401, expect.stringContaining(where)]);
    // Documents stay open as they are without OAuth (12.3).
    expect(await ask('/openapi.json')).toEqual([200, null]);
  });

  it('a change of server.oauth in the file is told as one that waits for a restart (C-63)', async () => {
    const { gateway } = await guarded();
    const config = JSON.parse(await readFile(gateway.configPath, 'utf8')) as { server: { oauth: object } };
    config.server.oauth = { ...config.server.oauth, audience: ['https://other.example'] };
    await gateway.writeConfig(config);
    await waitFor(() => gateway.stderr.includes('changes of server take effect after a restart'), { within: 10_000 });
  });

  it.each<[string, TokenOptions]>([
    ['for another audience', { aud: 'https://other.example', scope: 'call' }],
    ['that is over', { aud: PUBLIC, scope: 'call', expiresIn: -60 }],
    ['of another issuer', { aud: PUBLIC, scope: 'call', issuer: 'https://evil.example' }],
  ])('refuses a token %s', async (_name, options) => {
    const { gateway, server, upstream } = await guarded();
    const refused = await call(gateway, await server.token(options));
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/error="invalid_token"/);
    expect(upstream.ledger.get('echo') ?? 0).toBe(0);
  });

  it('refuses a token that is not signed, or with a key it does not know', async () => {
    const { gateway, server } = await guarded();
    const claims = { scope: 'admin', client_id: 'x' };
    const none = new UnsecuredJWT(claims)
      .setIssuer(server.issuer)
      .setAudience(PUBLIC)
      .setSubject('ann')
      .setExpirationTime('5m')
      .encode();
    expect((await call(gateway, none)).status).toBe(401);
    const { privateKey } = await generateKeyPair('ES256');
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'unknown' })
      .setIssuer(server.issuer)
      .setAudience(PUBLIC)
      .setSubject('ann')
      .setExpirationTime('5m')
      .sign(privateKey);
    expect((await call(gateway, foreign)).status).toBe(401);
    const shared = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(server.issuer)
      .setAudience(PUBLIC)
      .setSubject('ann')
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode('x'.repeat(32)));
    expect((await call(gateway, shared)).status).toBe(401);
    expect((await call(gateway, 'not-a-token-at-all')).status).toBe(401);
  });

  it('follows the keys of the server when they change', async () => {
    const { gateway, server } = await guarded();
    expect((await call(gateway, await server.token({ aud: PUBLIC, scope: 'call' }))).status).toBe(200);
    await server.rotateKeys();
    const next = await server.token({ aud: PUBLIC, scope: 'call' });
    await until(async () => (await call(gateway, next)).status === 200);
    expect(server.count('GET /jwks')).toBe(2);
  });

  it('asks about each token where it shall (RFC 7662)', async () => {
    const { gateway, server } = await guarded({ introspection: { clientId: 'gateway', clientSecret: 'gateways-own' } });
    server.clients.set('app', { redirectUris: [], secret: 'apps-own' });
    const form = new URLSearchParams({ grant_type: 'client_credentials', scope: 'call', resource: PUBLIC });
    const headers = { authorization: `Basic ${Buffer.from('app:apps-own').toString('base64')}` };
    const given = await fetch(`${server.issuer}/token`, { method: 'POST', headers, body: form });
    const { access_token: token } = (await given.json()) as { access_token: string };
    expect((await call(gateway, token)).status).toBe(200);
    expect((await call(gateway, token)).status).toBe(200);
    expect(server.count('POST /introspect')).toBe(1);
    expect((await call(gateway, 'unknown')).status).toBe(401);
  });

  it('says that it cannot tell while the server is away, and takes keys all the same', async () => {
    const server = await AuthorizationServer.start();
    const token = await server.token({ aud: PUBLIC, scope: 'call' });
    await server.close();
    const upstream = new PlainHttp();
    await upstream.start();
    undo.push(() => upstream.stop());
    const gateway = await startGateway({
      config: {
        server: { publicUrl: PUBLIC, oauth: { issuer: server.issuer } },
        keys: [{ name: 'desk', key: 'a-key-of-our-own' }],
        upstreams: { up: { url: upstream.url } },
      },
    });
    undo.push(() => gateway.stop());
    await gateway.upstreamsIn(['up']);
    expect((await call(gateway, token)).status).toBe(503);
    expect((await call(gateway, 'a-key-of-our-own')).status).toBe(200);
  });

  it('never lets the token of a client go on to an upstream (MP11)', async () => {
    const forwardHeaders = { enabled: true, allow: ['authorization', 'x-*'] };
    const { gateway, server, upstream } = await guarded({}, { forwardHeaders });
    const token = await server.token({ aud: PUBLIC, scope: 'call' });
    expect((await call(gateway, token, { 'x-team': 'blue' })).status).toBe(200);
    const seen = JSON.stringify(upstream.got);
    expect(seen).toContain('blue');
    expect(seen).not.toContain(token);
    expect(gateway.stderr).not.toContain(token);
  });
});
