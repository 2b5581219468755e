import { expect } from 'vitest';
import { exchange } from '../../../support/http-exchange.ts';
import { LegacyHttpClient } from '../../../support/legacy-http-client.ts';
import { textOf } from '../../../support/rpc.ts';
import { waitFor } from '../../../support/wait.ts';

import { onHttp, onSocket } from './servers.ts';

/** What each server behind HTTP or WebSocket does, by file. */
export const networkChecks: Record<string, () => Promise<void>> = {
  outage: () =>
    onHttp('outage', {}, async ({ upstream, client }) => {
      await client.initialize();
      await upstream.control({ ms: 200, status: 503 });
      await expect(client.call('read', { nonce: 'a' })).rejects.toMatchObject({ status: 503 });
      await waitFor(() => client.call('read', { nonce: 'b' }).catch(() => undefined));
    }),
  'rate-limited': () =>
    onHttp('rate-limited', {}, async ({ upstream, client }) => {
      await client.initialize();
      await upstream.control({ ms: 2_000, form: 'date' });
      const reply = await client.post('{}');
      expect([reply.status, Date.parse(String(reply.headers['retry-after'])) > Date.now()]).toEqual([429, true]);
      await upstream.control({ ms: 1_500 });
      expect((await client.post('{}')).headers['retry-after']).toBe('2');
    }),
  'answers-500': () =>
    onHttp('answers-500', {}, async ({ upstream, client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toMatchObject({ status: 500 });
      expect(await upstream.executions('n')).toBe(1);
    }),
  'refuses-unprocessed': () =>
    onHttp('refuses-unprocessed', {}, async ({ upstream, client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toMatchObject({ status: 503 });
      expect(await upstream.executions('n')).toBe(0);
      expect(textOf(await fault())).toBe('n');
    }),
  'wrong-url': () =>
    onHttp('wrong-url', { status: 405 }, async ({ client }) =>
      expect(client.initialize()).rejects.toMatchObject({ status: 405 }),
    ),
  'loses-sessions': async () => {
    for (const form of [404, 400, 401, 200, 422]) {
      await onHttp('loses-sessions', { form }, async ({ upstream, client }) => {
        await client.initialize();
        await upstream.control({});
        const lost = await client.exchange('ping', {}).catch((error: { status: number }) => error);
        expect(lost.status).toBe(form);
        await client.initialize();
        await client.request('ping');
      });
    }
  },
  'refuses-connections': () =>
    onHttp('refuses-connections', {}, async ({ upstream, client }) => {
      await client.initialize();
      await upstream.control({ ms: 300, lose: true });
      await waitFor(() =>
        client.request('ping').then(
          () => false,
          (error: Error) => /ECONNREFUSED/.test(error.message),
        ),
      );
      await waitFor(() => client.request('ping').catch((error: { status?: number }) => error.status === 404));
    }),
  'resets-mid-request': () =>
    onHttp('resets-mid-request', {}, async ({ upstream, client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toThrow(/ECONNRESET|hang up/);
      expect(await upstream.executions('n')).toBe(1);
    }),
  'accepts-in-silence': () =>
    onHttp('accepts-in-silence', {}, async ({ upstream, client }) => {
      await client.initialize();
      await upstream.control({ on: true });
      await expect(client.request('ping', {}, { within: 200 })).rejects.toThrow(/waited/);
      await upstream.control({ on: false });
      await client.request('ping');
    }),
  'headers-then-silence': () =>
    onHttp('headers-then-silence', {}, async ({ client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toThrow(/waited/);
    }),
  'truncated-body': () =>
    onHttp('truncated-body', {}, async ({ client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toThrow(/cut|aborted/);
    }),
  'html-login': () =>
    onHttp('html-login', {}, async ({ client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toThrow(/HTTP 200 without an answer: <!doctype/);
    }),
  'sse-ends-early': () =>
    onHttp('sse-ends-early', { ids: 'yes' }, async ({ upstream, client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toThrow(/without an answer/);
      const stream = await exchange(upstream.url, { method: 'GET', headers: { 'last-event-id': '2-0' } });
      expect(await stream.body).toContain('"text":"n"');
    }),
  'sse-keep-alive-only': () =>
    onHttp('sse-keep-alive-only', { ms: 20 }, async ({ client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toThrow(/waited/);
    }),
  'drops-get-stream': () =>
    onHttp('drops-get-stream', { ms: 30 }, async ({ upstream, client }) => {
      await client.initialize();
      await expect((await client.openStream()).body).rejects.toThrow(/cut|aborted/);
      expect((await upstream.ledger()).filter(({ event }) => event === 'stream')).toHaveLength(1);
    }),
  redirects: () =>
    onHttp('redirects', {}, async ({ client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toMatchObject({ status: 307 });
    }),
  'gzip-bomb': () =>
    onHttp('gzip-bomb', { mb: 20 }, async ({ client }) => {
      await client.initialize();
      const call = {
        jsonrpc: '2.0',
        id: 9,
        method: 'tools/call',
        params: { name: 'read', arguments: { nonce: 'n', fault: true } },
      };
      const reply = await client.post(JSON.stringify(call), { headers: { 'mcp-session-id': client.sessionId ?? '' } });
      expect(reply.headers['content-encoding']).toBe('gzip');
      expect((await reply.body.catch(() => '')).length).toBeLessThan(100_000);
    }),
  'slow-bytes': () =>
    onHttp('slow-bytes', { ms: 4 }, async ({ client, fault }) => {
      await client.initialize();
      const begin = performance.now();
      expect(textOf(await fault())).toBe('n');
      expect(performance.now() - begin).toBeGreaterThan(250);
    }),
  'needs-auth': () =>
    onHttp('needs-auth', { scope: 'yes' }, async ({ upstream }) => {
      await using stranger = new LegacyHttpClient(upstream.url);
      await expect(stranger.initialize()).rejects.toMatchObject({ status: 401 });
      await using friend = new LegacyHttpClient(upstream.url, { headers: { authorization: 'Bearer secret' } });
      await friend.initialize();
      await expect(friend.call('write', { nonce: 'n', fault: true })).rejects.toMatchObject({ status: 403 });
      expect(
        (await exchange(new URL('/.well-known/oauth-protected-resource', upstream.url).href, { method: 'GET' })).status,
      ).toBe(200);
    }),
  'meant-401': () =>
    onHttp('meant-401', {}, async ({ client, fault }) => {
      await client.initialize();
      await expect(fault()).rejects.toMatchObject({ status: 401 });
      await client.request('ping');
    }),
  'closes-socket': () =>
    onSocket('closes-socket', { at: 'start' }, async ({ closed }) => expect(await closed).toBe(4004)),
  'resets-socket': () => onSocket('resets-socket', { ms: 20 }, async ({ closed }) => expect(await closed).toBe(1006)),
  'deaf-socket': () =>
    onSocket('deaf-socket', {}, async ({ socket, next }) => {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }));
      expect(await next()).toMatchObject({ id: 1 });
      socket.send(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 2,
          method: 'tools/call',
          params: { name: 'read', arguments: { nonce: 'n', fault: true } },
        }),
      );
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'ping' }));
      const answered = await Promise.race([
        next().then(() => true),
        new Promise((resolve) => setTimeout(resolve, 200, false)),
      ]);
      expect(answered).toBe(false);
    }),
  'rug-pull': () =>
    onHttp('rug-pull', {}, async ({ upstream, client }) => {
      await client.initialize();
      await client.openStream();
      expect(await client.toolNames()).toContain('goes');
      await upstream.control({});
      await client.notification('notifications/tools/list_changed');
      expect(await client.toolNames()).toEqual(['stays', 'changes', 'appears']);
    }),
};
