// What tests of custom tools share: the upstream `custom` made as the gateway makes it, and a back end that answers.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { CallContext } from '../../src/core/context.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import { GatewayFault } from '../../src/core/fault.ts';
import { isObject, type JsonObject } from '../../src/core/json.ts';
import type { Upstream, UpstreamCall } from '../../src/core/upstream.ts';
import { type CustomUpstreamSetup, createCustomUpstream } from '../../src/custom/index.ts';
import type { Dispatch } from '../../src/dispatch/dispatch.ts';
import { UpstreamChild } from '../../src/upstream/process/child.ts';

type Custom = NonNullable<ConfigInput['customTools']>;
type Tool = NonNullable<Custom['tools']>[number];

/** A tool that takes whatever a test gives it. */
export function tool(name: string, handler: unknown, more: object = {}): Tool {
  return { name, description: `${name}.`, inputSchema: { type: 'object' }, handler, ...more } as Tool;
}

export interface Made {
  upstream: Upstream;
  events: GatewayEvent[];
  /** Calls one tool; gives its result. @throws GatewayFault */
  call(name: string, args?: unknown, how?: Partial<CallContext> & Partial<UpstreamCall>): Promise<JsonObject>;
  /** The text of the first block. */
  text(name: string, args?: unknown, how?: Partial<CallContext> & Partial<UpstreamCall>): Promise<string>;
  /** How many calls are on their way, and who waits for the next to start. */
  dispatched: { upstream: string; name: string; params: JsonObject; context: CallContext }[];
}

/** Another upstream, for chains and aliases. */
export type Other = (name: string, args: JsonObject, context: CallContext) => Promise<JsonObject>;

/** Custom tools of a checked configuration; stopped when the test ends. */
export function make(custom: Custom, setup: Partial<CustomUpstreamSetup> = {}, other?: Other): Made {
  const loaded = parseConfig({ customTools: custom } as ConfigInput, {
    env: {},
    ...(setup.directory !== undefined && { directory: setup.directory }),
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const stream = new EventStream();
  const events: GatewayEvent[] = [];
  stream.subscribe((event) => events.push(event));
  const dispatched: Made['dispatched'] = [];
  const dispatch: Dispatch = async (operation, context) => {
    if (operation.kind !== 'call-tool') throw new Error('only tools are called');
    const { upstream: to, name, params } = operation;
    dispatched.push({ upstream: to, name, params, context });
    if (to === 'custom')
      return await upstream.call({ method: 'tools/call', params, safety: 'write', subject: name }, context);
    if (other === undefined) throw new GatewayFault('UPSTREAM_UNKNOWN', `no upstream is called "${to}"`);
    const result = await other(name, isObject(params.arguments) ? params.arguments : {}, context);
    const { Payload } = await import('../../src/core/payload.ts');
    return { era: 'legacy', result: Payload.of(result), timing: { attempts: 1, queue: 0, connect: 0, upstream: 1 } };
  };
  const upstream = createCustomUpstream({
    ...loaded.config.customTools,
    dispatch,
    events: stream,
    startChild: (start) => UpstreamChild.start(start),
    ...setup,
  });
  onTestFinished(() => upstream.stop({ drain: 0, reason: 'shutdown' }));
  const call: Made['call'] = async (name, args = {}, how = {}) => {
    const { params, timeout, exactArguments, ...context } = how;
    const sent = params ?? { name, arguments: args };
    const answer = await upstream.call(
      { method: 'tools/call', params: sent, safety: 'write', subject: name, timeout, exactArguments },
      callContext(context),
    );
    if ('error' in answer) throw new Error(answer.error.message);
    return answer.result.value;
  };
  return {
    upstream,
    events,
    dispatched,
    call,
    text: async (name, args, how) => ((await call(name, args, how)).content as { text: string }[])[0]?.text ?? '',
  };
}

export function callContext(more: Partial<CallContext> = {}): CallContext {
  return {
    id: 'c1',
    face: 'mcp',
    principal: { id: 'local', roles: ['call'] },
    client: { era: 'legacy', revision: '2025-11-25', capabilities: {}, info: {}, key: 'k' },
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    ...more,
  };
}

/** The fault a call ends with. */
export async function faultOf(call: Promise<unknown>): Promise<GatewayFault> {
  const thrown: unknown = await call.then(
    (value) => new Error(`answered: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof GatewayFault)) throw thrown;
  return thrown;
}

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Backend {
  url: string;
  seen: Seen[];
}

/** A real HTTP server on a free port; closed with its connections when the test ends. */
export async function backend(answer: (request: Seen, response: ServerResponse, at: number) => void): Promise<Backend> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body };
      seen.push(one);
      answer(one, response, seen.length);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

export function json(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}
