// One call over REST: find the tool, read and check the arguments, send it down THE path, answer as mcpo would.
import type { ServerResponse } from 'node:http';
import { CallAbort } from '../../core/call-signal.ts';
import type { Catalog, ToolEntry } from '../../core/catalog.ts';
import type { CallContext } from '../../core/context.ts';
import type { EventStream } from '../../core/events.ts';
import { asFault, GatewayFault } from '../../core/fault.ts';
import type { FaultName } from '../../core/fault-table.ts';
import { heldFault } from '../../core/held.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Operation } from '../../core/operation.ts';
import type { UpstreamAnswer } from '../../core/outcome.ts';
import type { Upstream } from '../../core/upstream.ts';
import { BodyTooLarge, readBody } from '../../http/body.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { requestId } from '../../http/request-id.ts';
import { type Violation, validationDetails } from '../../http/validation.ts';
import { settled } from '../../session/settled.ts';
import { MODERN } from '../../wire/revisions.ts';
import { type Arguments, readArguments } from './arguments.ts';
import { deadlineOf, traceMeta } from './caller-headers.ts';
import { type Failure, failureOfFault, failureOfRpcError, writeFailure } from './failure.ts';
import { findTool } from './paths.ts';
import { ProgressStream } from './progress-stream.ts';
import { render } from './render.ts';

export interface CallDeps {
  settings(): { legacyResources: boolean };
  catalog: Catalog;
  upstream(name: string): Upstream | undefined;
  dispatch(operation: Operation, context: CallContext): Promise<UpstreamAnswer>;
  nearest(name: string, candidates: readonly string[]): string[];
  /** What is wrong with `value` under `schema`; `hash` identifies the schema. */
  validate(hash: string, schema: unknown, value: unknown): Promise<readonly Violation[]>;
  hashOf(schema: unknown): string;
  /** Whether calls of this upstream are checked before they are sent (requirements 10.19). */
  validates(upstream: string): boolean;
  limits: { body: number; depth: number };
  /** Whether any upstream is sent headers of its callers. */
  forwards?: (() => boolean) | undefined;
  events: EventStream;
}

/** Answers one call of the tool that `name` means in an upstream's own view. */
export async function callTool(deps: CallDeps, exchange: HttpExchange, upstream: string, name: string): Promise<void> {
  const { request, response, principal } = exchange;
  const accept = request.headers.accept;
  const id = requestId(request);
  response.setHeader('x-request-id', id);
  const deadline = deadlineOf(request);
  if (deadline === undefined) {
    request.resume();
    return fail(response, accept, { status: 400, detail: 'X-Request-Timeout must be a positive number of seconds' });
  }
  const type = request.headers['content-type'];
  if (type !== undefined && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    request.resume();
    return fail(response, accept, { status: 415, detail: 'the body must be application/json' });
  }

  const abort = new CallAbort();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort('the caller went away');
  });
  const stream = wantsEvents(accept) ? new ProgressStream(response) : undefined;
  const context: CallContext = {
    id,
    face: 'openapi',
    principal,
    client: { era: 'modern', revision: MODERN, capabilities: {}, info: {}, key: principal.id },
    deadline,
    signal: abort,
    logLevel: stream === undefined ? undefined : 'info',
    progressToken: stream === undefined ? undefined : id,
    headers: deps.forwards?.() === true ? exchange.headers() : undefined,
    ...(stream !== undefined && { notify: (notification) => stream.notify(notification) }),
  };
  let failure: Failure;
  const started = performance.now();
  try {
    const bytes = await readBody(request, deps.limits.body);
    const tool = await listed(deps, upstream, name, context).catch((thrown: unknown) => {
      const { fault } = asFault(thrown);
      refused(deps, context, upstream, name, fault, performance.now() - started);
      throw thrown;
    });
    const args = await checked(deps, upstream, tool, bytes);
    if ('failure' in args) {
      failure = args.failure;
      refused(deps, context, upstream, tool?.name ?? name, 'ARGUMENTS_INVALID', performance.now() - started);
    } else {
      const answer = await deps.dispatch(operationOf(upstream, tool, name, args, traceMeta(request)), context);
      if ('error' in answer) failure = failureOfRpcError(answer.error);
      else {
        const rendered = render(
          answer.result,
          stream === undefined ? accept : undefined,
          deps.settings().legacyResources,
        );
        if (rendered.kind === 'body') return succeed(response, stream, rendered);
        failure = { status: 500, detail: { message: rendered.kind === 'failed' ? rendered.message : ASKS } };
      }
    }
  } catch (error) {
    if (abort.aborted) return stream?.close();
    if (error instanceof BodyTooLarge) {
      response.setHeader('connection', 'close');
      failure = { status: 413, detail: error.message };
    } else failure = failureOfFault(asFault(error, { upstream }).with({ correlationId: id }));
  }
  if (stream?.opened === true) {
    return stream.end('error', JSON.stringify({ status: failure.status, detail: failure.detail }));
  }
  stream?.close();
  fail(response, accept, failure);
}

/** A call that ends before the path is told like any other: the history and the figures know of it. */
function refused(
  { events }: CallDeps,
  context: CallContext,
  upstream: string,
  subject: string,
  fault: FaultName,
  total: number,
): void {
  const { id, face, principal } = context;
  events.emit({
    type: 'call.finished',
    id,
    face,
    principal: principal.id,
    client: face,
    upstream,
    method: 'tools/call',
    subject,
    outcome: 'fault',
    fault,
    attempts: 0,
    queue: 0,
    upstreamTime: 0,
    total,
    bytes: 0,
  });
}

/** Whether events are what the caller would rather have: named, and not after JSON. */
function wantsEvents(accept: string | undefined): boolean {
  const events = accept?.indexOf('text/event-stream') ?? -1;
  const json = accept?.indexOf('application/json') ?? -1;
  return events !== -1 && (json === -1 || events < json);
}

const ASKS = 'the tool asks its user for input, and a REST caller cannot be asked';

function operationOf(
  upstream: string,
  tool: ToolEntry | undefined,
  name: string,
  { value, exact }: Arguments,
  meta: JsonObject | undefined,
): Operation {
  const own = tool?.name ?? name;
  const params: JsonObject = { name: own, arguments: value };
  if (meta !== undefined) params._meta = meta;
  return { kind: 'call-tool', upstream, name: own, params, exactArguments: exact };
}

/** The arguments, read and checked against the tool's schema. */
async function checked(
  deps: CallDeps,
  upstream: string,
  tool: ToolEntry | undefined,
  bytes: Buffer,
): Promise<Arguments | { failure: Failure }> {
  const schema = tool?.definition.inputSchema;
  const args = readArguments(bytes, deps.limits.depth, schema);
  if ('failure' in args || schema === undefined || !deps.validates(upstream)) return args;
  const violations = await deps.validate(deps.hashOf(schema), schema, args.value);
  return violations.length === 0 ? args : { failure: { status: 422, detail: validationDetails(violations) } };
}

/**
 * The tool, as soon as its upstream lists it. Undefined for an upstream that is away although what it lists is known:
 * what to answer then is decided where its state is known.
 * @throws GatewayFault TOOL_UNKNOWN, or why its upstream is not there (requirements 10.15)
 */
async function listed(
  deps: CallDeps,
  upstream: string,
  name: string,
  context: CallContext,
): Promise<ToolEntry | undefined> {
  const find = () => {
    const view = deps.catalog.view(upstream);
    return view && findTool(view, name);
  };
  const found = find();
  if (found !== undefined) return found;
  const running = deps.upstream(upstream);
  const refusals = running === undefined ? [] : await settled([running], context, () => find() !== undefined);
  const late = find();
  if (late !== undefined) return late;
  if (refusals[0] !== undefined) throw refusals[0];
  const view = deps.catalog.view(upstream);
  const held = view && [...view.held].find(([exposed, one]) => exposed === name || one.name === name)?.[1];
  if (held !== undefined) throw heldFault(upstream, held.name, held.why, context.id);
  const { state } = running?.state ?? { state: 'disabled' };
  if (running === undefined || (state !== 'ready' && state !== 'degraded')) return undefined;
  const near = deps.nearest(name, [...(view?.tools.keys() ?? [])]);
  const hint = near.length === 0 ? '' : `; did you mean ${near.map((one) => JSON.stringify(one)).join(' or ')}?`;
  throw new GatewayFault('TOOL_UNKNOWN', `${upstream} has no tool ${JSON.stringify(name)}${hint}`, {
    upstream,
    correlationId: context.id,
    data: { near },
  });
}

function succeed(
  response: ServerResponse,
  stream: ProgressStream | undefined,
  { type, bytes }: { type: string; bytes: Buffer },
): void {
  if (response.destroyed) return;
  if (stream !== undefined) {
    stream.end('result', bytes.toString('utf8'));
    return;
  }
  response.writeHead(200, {
    'content-type': type,
    'content-length': bytes.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(bytes);
}

export function fail(response: ServerResponse, accept: string | undefined, failure: Failure): void {
  if (response.headersSent || response.destroyed) return;
  const { headers, body } = writeFailure(failure, accept);
  response.writeHead(failure.status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
