// The management API itself, read when somebody asks for it first: a gateway that starts needs none of it.
import type { ServerResponse } from 'node:http';
import { asFault, type GatewayFault } from '../../core/fault.ts';
import { BodyTooLarge, readBody, sendDetail, sendJson } from '../../http/body.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { admit } from './access.ts';
import { type ApiCall, type ApiOperation, Refusal, Reply } from './api.ts';
import { approvalOperations } from './approval-operations.ts';
import { clusterOperations } from './cluster-operations.ts';
import { configOperations } from './config-operations.ts';
import type { AdminDeps } from './deps.ts';
import { endpointOperations } from './endpoint-operations.ts';
import type { EventFeed } from './event-feed.ts';
import { keyOperations } from './key-operations.ts';
import type { Logins } from './logins.ts';
import { describeApi } from './openapi.ts';
import { createRouter } from './router.ts';
import { secretOperations } from './secret-operations.ts';
import { sessionOperations } from './session-operations.ts';
import { toolOperations } from './tool-operations.ts';
import { upstreamOperations } from './upstream-operations.ts';
import { watchOperations } from './watch-operations.ts';

export interface ManagementApi {
  /** What it can do. */
  operations: readonly Pick<ApiOperation, 'method' | 'path' | 'needs' | 'summary'>[];
  handle(exchange: HttpExchange): Promise<void>;
}

export interface ManagementApiParts {
  deps: AdminDeps;
  /** What its paths begin with. */
  prefix: string;
  logins: Logins;
  feed: EventFeed;
}

export function createManagementApi({ deps, prefix, logins, feed }: ManagementApiParts): ManagementApi {
  const operations: ApiOperation[] = [
    ...sessionOperations(deps, logins),
    ...watchOperations(deps),
    ...upstreamOperations(deps),
    ...toolOperations(deps),
    ...configOperations(deps),
    ...endpointOperations(deps),
    ...clusterOperations(deps),
    ...keyOperations(deps),
    ...secretOperations(deps),
    ...approvalOperations(deps),
    {
      method: 'GET',
      path: '/events',
      needs: 'read',
      tag: 'events',
      summary: 'What happens, as server-sent events; a key that may only read is told of states, alerts and figures',
      handle: ({ exchange, principal }) => feed.open(exchange, principal),
    },
    {
      method: 'GET',
      path: '/openapi.json',
      needs: 'read',
      tag: 'session',
      summary: 'This document',
      handle: () => describeApi(operations, deps.version),
    },
  ];
  const find = createRouter(operations);

  async function handle(exchange: HttpExchange): Promise<void> {
    const { request, response, path } = exchange;
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    const found = find(request.method ?? 'GET', path.slice(prefix.length));
    const operation = found !== undefined && 'operation' in found ? found.operation : undefined;
    const admitted = admit(exchange, operation?.needs ?? 'read', logins);
    if ('status' in admitted) {
      deps.events.emit({ type: 'auth.refused', face: 'admin', reason: admitted.reason });
      request.resume();
      return sendDetail(
        response,
        admitted.status,
        admitted.reason,
        exchange.refusal(admitted.status, operation?.needs ?? 'read'),
      );
    }
    if (found === undefined) return refuse(exchange, 404, `nothing is served at ${path}`);
    if ('allow' in found) {
      response.setHeader('allow', found.allow.join(', '));
      return refuse(exchange, 405, 'Method Not Allowed');
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const { query } = exchange;
      const { principal } = admitted;
      const body = await bodyOf(exchange, found.operation);
      const call: ApiCall = { params: found.params, query, body, principal, signal: gone.signal, exchange };
      const answer = await found.operation.handle(call);
      const audit = found.operation.audited?.(call);
      if (audit !== undefined) deps.events.emit({ type: 'admin.action', by: principal.id, ...audit });
      if (answer instanceof Reply)
        sendJson(response, answer.status, JSON.stringify(answer.body ?? null), answer.headers);
      else if (!response.headersSent) sendJson(response, 200, JSON.stringify(answer ?? null));
    } catch (error) {
      failed(exchange, error);
    }
  }

  async function bodyOf({ request }: HttpExchange, { body: schema }: ApiOperation): Promise<unknown> {
    if (schema === undefined) {
      request.resume();
      return undefined;
    }
    const bytes = await readBody(request, deps.bodyLimit());
    let value: unknown = {};
    try {
      if (bytes.length > 0) value = JSON.parse(bytes.toString('utf8'));
    } catch {
      throw new Refusal(400, 'the body is not JSON');
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new Refusal(
      422,
      parsed.error.issues.map((issue) => ({ loc: ['body', ...issue.path], msg: issue.message, type: issue.code })),
    );
  }

  function failed({ response, request }: HttpExchange, error: unknown): void {
    if (response.destroyed) return;
    if (error instanceof Refusal) return sendJson(response, error.status, detail(error.detail));
    if (error instanceof BodyTooLarge) return sendDetail(response, 413, error.message, { connection: 'close' });
    const fault = asFault(error);
    if (fault.fault === 'INTERNAL') {
      const data = { stack: (error as Error)?.stack };
      deps.events.emit({ type: 'log', level: 'error', text: `${request.method} failed: ${fault.message}`, data });
      return sendDetail(response, 500, `unexpected (correlation id ${fault.correlationId})`);
    }
    sendFault(response, fault);
  }

  function sendFault(response: ServerResponse, fault: GatewayFault): void {
    const { stderr: _, ...described } = fault.describe() as { stderr?: unknown };
    const body = detail({ message: deps.redact(fault.message), ...described });
    const seconds = fault.retryAfterMs === undefined ? undefined : Math.ceil(fault.retryAfterMs / 1000);
    sendJson(response, fault.row.http, body, seconds === undefined ? {} : { 'retry-after': String(seconds) });
  }

  return { operations, handle };
}

function detail(value: unknown): string {
  return JSON.stringify({ detail: value });
}

function refuse({ request, response }: HttpExchange, status: number, text: string): void {
  request.resume();
  sendDetail(response, status, text);
}
