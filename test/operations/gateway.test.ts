// Monitoring and management of the gateway as a user starts it: routes mounted, files written, nothing leaked, a clean end.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlainHttp } from '../servers/plain/http.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/http-exchange.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { faulty } from '../support/upstream.ts';
import { callOverSse, startCollector } from './support/collector.ts';
import { promtool, readExposition } from './support/lint.ts';

const PLAIN = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const SECRET = 'planted-secret-0123456789';
let gateway: Gateway;
let admin: { authorization: string };

beforeAll(async () => {
  gateway = await startGateway({
    config: {
      upstreams: { a: { ...faulty('healthy'), env: { API_TOKEN: SECRET } }, b: faulty('crashes-at-every-start') },
      monitor: { interval: '1s' },
      storage: { callLog: { arguments: 'redacted' } },
    },
    args: ['--admin-key', 'the-admin-key-of-this-test'],
  });
  admin = { authorization: 'Bearer the-admin-key-of-this-test' };
  await gateway.upstreamsIn(['a']);
});
afterAll(() => gateway?.stop());

const get = async (path: string, headers: Record<string, string> = admin) => {
  const response = await fetch(gateway.url + path, { headers });
  return { status: response.status, text: await response.text() };
};
const call = (tool: string, args: object) =>
  fetch(`${gateway.url}/a/${tool}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...admin },
    body: JSON.stringify(args),
  });

describe('a gateway with traces and a log file', () => {
  it('sends spans of real calls, and writes lines of JSON', async () => {
    const spans: { name: string; kind: number; traceId: string }[] = [];
    const collector = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => {
        const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: typeof spans }[] }[] };
        spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    const traced = await startGateway({
      config: {
        upstreams: { a: faulty('healthy') },
        tracing: { enabled: true, endpoint: `http://127.0.0.1:${port}/v1/traces` },
        log: { level: 'debug', file: 'holdfast.log' },
      },
    });
    try {
      await traced.upstreamsIn(['a']);
      const answer = await fetch(`${traced.url}/a/read`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"nonce":"t1"}',
      });
      expect(answer.status).toBe(200);
      await expect.poll(() => spans.length, { timeout: 10_000 }).toBe(2);
      expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
        ['tools/call read', 2],
        ['tools/call read', 3],
      ]);
      const lines = readFileSync(join(dirname(traced.configPath), 'holdfast.log'), 'utf8')
        .trim()
        .split('\n');
      const told = lines.map((line) => JSON.parse(line) as { msg: string; id?: string });
      expect(told.find(({ msg }) => msg.startsWith('tools/call read result'))?.id).toBeTruthy();
    } finally {
      await traced.stop();
      await new Promise((resolve) => collector.close(resolve));
    }
  });
});

describe('the trace of a caller (A-71)', () => {
  it.each(['legacy', 'modern'] as const)(
    'goes on to a %s HTTP upstream in headers and in _meta, below our span; only while calls are traced',
    async (era) => {
      const server = new PlainHttp();
      server.era = era;
      await server.start();
      const got = () => server.got.filter(({ method }) => method === 'tools/call');
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
      try {
        for (const enabled of [true, false]) {
          const config = {
            upstreams: { h: { url: server.url, headers: { traceparent: 'of the file' } } },
            tracing: { enabled },
          };
          await using gateway = await startGateway({ config });
          await gateway.upstreamsIn();
          const before = got().length;
          const caller = new ModernHttpClient(`${gateway.url}/mcp/h`, { headers: { traceparent, tracestate: 'x=1' } });
          await caller.call('echo', {});
          const [{ headers, message }] = got().slice(before) as [(typeof server.got)[number]];
          if (enabled) {
            expect(headers.traceparent).toMatch(new RegExp(`^00-${'a'.repeat(32)}-(?!b{16})[0-9a-f]{16}-00$`));
            expect(headers.tracestate).toBe('x=1');
            expect(message.params?._meta).toMatchObject({ traceparent: headers.traceparent, tracestate: 'x=1' });
          } else expect([headers.traceparent, headers.tracestate]).toEqual(['of the file', undefined]);
        }
      } finally {
        await server.stop();
      }
    },
    40_000,
  );
});

describe('a trace from client to server (A-71)', () => {
  it('over every face: the receiver has our spans below the span of the caller, the stdio server is below ours', async () => {
    await using collector = await startCollector();
    await using gateway = await startGateway({
      config: {
        upstreams: { p: { command: process.execPath, args: [PLAIN] } },
        tracing: { enabled: true, endpoint: collector.url },
      },
    });
    await gateway.upstreamsIn();
    const ways: Record<string, (headers: Record<string, string>) => Promise<unknown>> = {
      mcp: (headers) => new ModernHttpClient(`${gateway.url}/mcp/p`, { headers }).call('meta', {}),
      legacy: async (headers) => {
        const client = new LegacyHttpClient(`${gateway.url}/mcp/p`, { headers });
        await client.initialize();
        const answer = await client.call('meta', {});
        await client.close();
        return answer;
      },
      sse: (headers) => callOverSse(`${gateway.url}/sse/p`, 'meta', headers),
      openapi: async (headers) =>
        (
          await fetch(`${gateway.url}/p/meta`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...headers },
            body: '{}',
          })
        ).json(),
    };
    const traceOf = (way: string) => String(Object.keys(ways).indexOf(way) + 1).repeat(32);
    const got: Record<string, string> = {};
    for (const [way, go] of Object.entries(ways)) {
      const traceparent = `00-${traceOf(way)}-${'b'.repeat(16)}-01`;
      got[way] = JSON.stringify(await go({ traceparent, tracestate: 'x=1' }));
    }
    await expect.poll(() => collector.spans.length, { timeout: 15_000 }).toBe(2 * Object.keys(ways).length);
    for (const way of Object.keys(ways)) {
      const traceId = traceOf(way);
      const [server, client] = collector.spans.filter((span) => span.traceId === traceId);
      expect(server, way).toMatchObject({ parentSpanId: 'b'.repeat(16), kind: 2, name: 'tools/call meta' });
      expect(client, way).toMatchObject({ parentSpanId: server?.spanId, kind: 3 });
      // What the server got as `_meta` is its answer.
      expect(got[way], way).toContain(`00-${traceId}-${client?.spanId}-01`);
    }
  });
});

describe('the running gateway', () => {
  it('counts real calls in every form', async () => {
    for (const tool of ['read', 'put', 'write']) expect((await call(tool, { nonce: `${tool}-1` })).status).toBe(200);
    const json = JSON.parse((await get('/metrics')).text) as {
      performance: Record<string, { total_requests: number; peak_concurrent: number }>;
    };
    // One after the other: no sample has to fall into a call for it to be counted (B-40).
    expect(json.performance.a).toMatchObject({ total_requests: 3, peak_concurrent: 1 });
    const { text } = await get('/metrics/prometheus');
    const { families, problems } = readExposition(text, false);
    expect(problems).toEqual([]);
    expect(promtool(text) ?? '').toBe('');
    expect(families.get('holdfast_calls_total')?.samples).toContainEqual({
      name: 'holdfast_calls_total',
      labels: { upstream: 'a', tool: 'write', face: 'openapi', outcome: 'result' },
      value: 1,
    });
    expect((await get('/metrics', {})).status).toBe(401);
  });

  it('keeps the history in memory and on disk, with arguments as configured', async () => {
    const { calls } = JSON.parse((await get('/api/v1/calls?tool=read')).text) as { calls: Record<string, unknown>[] };
    expect(calls[0]).toMatchObject({
      upstream: 'a',
      face: 'openapi',
      client: 'admin-key',
      arguments: { nonce: 'read-1' },
    });
    const lines = () => readFileSync(join(gateway.dataDir, 'calls.jsonl'), 'utf8').trim().split('\n');
    await expect.poll(() => lines().length, { timeout: 30_000 }).toBe(3);
    expect(lines().map((line) => (JSON.parse(line) as { subject: string }).subject)).toEqual(['read', 'put', 'write']);
  });

  it('tries a tool with the check of arguments that REST has, before anything is sent (10.19, A-70)', async () => {
    const post = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json', ...admin };
      const answer = await fetch(gateway.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, ...((await answer.json()) as { detail?: { loc: unknown[]; msg: string }[] }) };
    };
    const wrong = { nonce: 7, other: [] };
    const rest = await post('/a/write', wrong);
    const tried = await post('/api/v1/tools/a/write/call', { arguments: wrong });
    expect([rest.status, tried.status]).toEqual([422, 422]);
    expect(rest.detail?.map(({ loc }) => loc)).toContainEqual(['body', 'nonce']);
    expect(tried.detail).toEqual(
      rest.detail?.map(({ loc, ...rest }) => ({ loc: ['body', 'arguments', ...loc.slice(1)], ...rest })),
    );
    const { calls } = JSON.parse((await get('/api/v1/calls?tool=write')).text) as { calls: { attempts: number }[] };
    expect(calls.filter(({ attempts }) => attempts > 0)).toHaveLength(1);
    expect((await post('/api/v1/tools/a/write/call', { arguments: { nonce: 'fits' } })).status).toBe(200);
  });

  it('says what is wrong with the upstream that does not start, and raises an alert', async () => {
    const evidence = async () => {
      const { issues } = JSON.parse((await get('/diagnostics')).text) as { issues: { id: string; evidence: string }[] };
      return issues.find(({ id }) => id === 'state:b')?.evidence ?? '';
    };
    await expect.poll(evidence, { timeout: 10_000 }).toMatch(/code|exit/);
    await expect
      .poll(
        async () =>
          (JSON.parse((await get('/api/v1/alerts')).text) as { open: { rule: string }[] }).open.map(({ rule }) => rule),
        {
          timeout: 30_000,
          interval: 500,
        },
      )
      .toContain('upstream_down');
    expect(gateway.stderr).toContain('alert upstream_down');
  });

  it('samples processes', async () => {
    await expect
      .poll(
        async () =>
          (
            JSON.parse((await get('/api/v1/upstreams/a/samples')).text) as { samples: { memory_bytes?: number }[] }
          ).samples.at(-1)?.memory_bytes,
        {
          timeout: 30_000,
        },
      )
      .toBeGreaterThan(1e6);
  });

  it('changes a rule in the file of the user, in force at once', async () => {
    const response = await fetch(`${gateway.url}/api/v1/rules/high_cpu_usage`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...admin },
      body: JSON.stringify({ warning: 60 }),
    });
    expect(response.status).toBe(200);
    const { rules } = JSON.parse((await get('/api/v1/rules')).text) as { rules: { name: string; warning: number }[] };
    expect(rules.find(({ name }) => name === 'high_cpu_usage')?.warning).toBe(60);
    const file = JSON.parse(readFileSync(gateway.configPath, 'utf8')) as {
      monitor: unknown;
      upstreams: { a: { env: object } };
    };
    expect(file.monitor).toMatchObject({ interval: '1s', rules: [{ name: 'high_cpu_usage', warning: 60 }] });
    expect(file.upstreams.a.env).toEqual({ API_TOKEN: SECRET });
  });

  it('shows no planted secret on any route', async () => {
    const { paths } = JSON.parse((await get('/api/v1/openapi.json')).text) as { paths: Record<string, object> };
    const routes = Object.keys(paths).filter((path) => 'get' in (paths[path] as object) && path !== '/api/v1/events');
    const all = ['/health', '/metrics', '/metrics/prometheus', '/diagnostics', '/status', ...routes];
    for (const path of all) {
      const { status, text } = await get(
        path.replace('{name}', 'a').replace('{upstream}', 'a').replace('{tool}', 'read').replace('{version}', '1'),
      );
      expect([path, status < 500]).toEqual([path, true]);
      expect([path, text.includes(SECRET)]).toEqual([path, false]);
    }
    expect(gateway.stderr).not.toContain(SECRET);
  });

  it('lists the clients that hold a stream open, and what is kept of others', async () => {
    const sessions = async () =>
      (JSON.parse((await get('/api/v1/sessions')).text) as { sessions: Record<string, unknown>[] }).sessions;
    expect(await sessions()).toEqual([]);
    const { close } = await new ModernHttpClient(`${gateway.url}/mcp/a`, { headers: admin }).listen({
      toolsListChanged: true,
    });
    const leave = new AbortController();
    await fetch(`${gateway.url}/sse/a`, { headers: admin, signal: leave.signal });
    try {
      await expect.poll(async () => (await sessions()).map(({ kind }) => kind)).toEqual(['subscription', 'sse']);
      const [subscription, legacy] = await sessions();
      expect(subscription).toMatchObject({ principal: 'admin-key', view: 'a', revision: '2026-07-28' });
      expect(subscription?.client).toMatch(/\w/);
      expect(legacy).toMatchObject({ principal: 'admin-key', view: 'a' });
      expect(legacy).not.toHaveProperty('client');
    } finally {
      close();
      leave.abort();
    }
    await expect.poll(sessions).toEqual([]);
  });

  it('tells a death within a second, and ends its streams when it is stopped', async () => {
    const states: string[] = [];
    const stream = await exchange(`${gateway.url}/api/v1/events`, {
      method: 'GET',
      headers: admin,
      onEvent: ({ event, data }) => {
        if (event === 'upstream.state') states.push((JSON.parse(data) as { upstream: string }).upstream);
      },
    });
    const { pid } = JSON.parse((await get('/api/v1/upstreams/a')).text) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => states, { timeout: 30_000 }).toContain('a');
    await gateway.upstreamsIn(['a']);
    expect(readFileSync(join(gateway.dataDir, 'calls.jsonl'), 'utf8')).not.toContain(SECRET);
    const began = performance.now();
    const ended = await gateway.stop();
    await stream.body.catch(() => undefined);
    expect(ended.code).toBe(0);
    expect(performance.now() - began).toBeLessThan(30_000);
  });
});
