// A modern upstream asks by answering `input_required`; a legacy client is asked by requests on its own stream. Here
// the one becomes the other, until there is a result (protocol.md MP15; 2026-07-28 basic/patterns/mrtr).

import { randomUUID } from 'node:crypto';
import { platformSignal } from '../core/call-signal.ts';
import type { CallContext, ClientAnswer, ClientRequest } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';

/** Rounds of questions one call may take. */
const MAX_ROUNDS = 20;

export type Send = (operation: Operation, context: CallContext) => Promise<UpstreamAnswer>;

/** Whether an answer is a question: `resultType: "input_required"`. */
export function isInputRequired(answer: UpstreamAnswer): boolean {
  return answer.era === 'modern' && 'result' in answer && answer.result.get('resultType') === 'input_required';
}

/**
 * Asks the client whatever the upstream wants to know, and sends the operation again with the answers, until the
 * upstream has a result. Every round is a new request with the same params and the exact `requestState`.
 * @throws GatewayFault UPSTREAM_PROTOCOL for questions nobody can read or that never end
 */
export async function answerQuestions(
  operation: Operation,
  context: CallContext,
  first: UpstreamAnswer,
  send: Send,
): Promise<UpstreamAnswer> {
  let answer = first;
  for (let round = 0; isInputRequired(answer) && 'result' in answer; round++) {
    const { inputRequests, requestState } = answer.result.value;
    if (round >= MAX_ROUNDS) throw protocol(operation, context, `it asked ${MAX_ROUNDS} times and still has no result`);
    if (inputRequests !== undefined && !isObject(inputRequests))
      throw protocol(operation, context, '"inputRequests" is not an object');
    const asked = Object.entries(inputRequests ?? {});
    const given = await Promise.all(
      asked.map(async ([key, request]) => [key, await askOne(operation, context, request)] as const),
    );
    const params: JsonObject = { ...operation.params };
    delete params.inputResponses;
    delete params.requestState;
    if (given.length > 0) params.inputResponses = Object.fromEntries(given);
    if (requestState !== undefined) params.requestState = requestState;
    answer = await send({ ...operation, params }, context);
  }
  return answer;
}

async function askOne(operation: Operation, context: CallContext, request: unknown): Promise<JsonObject> {
  if (!isObject(request) || typeof request.method !== 'string')
    throw protocol(operation, context, 'one of its input requests is not a request');
  const params = isObject(request.params) ? request.params : {};
  const question = forRevision({ method: request.method, params }, context.client.revision);
  const answer = question === undefined ? refused(request.method) : await ask(context, question);
  if ('result' in answer) return answer.result;
  // What a client refuses by an error has no place among input responses but as "the user went away".
  if (request.method === 'elicitation/create') return { action: 'cancel' };
  if (request.method === 'roots/list') return { roots: [] };
  throw new GatewayFault(
    'UPSTREAM_FAILED',
    `${operation.upstream} needs ${request.method}, which the client refused: ${answer.error.message}`,
    {
      upstream: operation.upstream,
      delivery: 'answered',
      correlationId: context.id,
      hint: 'Use a client that can sample, or a tool that does not need it.',
    },
  );
}

async function ask(context: CallContext, question: ClientRequest): Promise<ClientAnswer> {
  const capability =
    question.method === 'elicitation/create' ? 'elicitation' : question.method === 'roots/list' ? 'roots' : 'sampling';
  if (context.ask === undefined || !isObject(context.client.capabilities[capability])) return refused(question.method);
  return await context.ask(question, platformSignal(context.signal));
}

function refused(method: string): ClientAnswer {
  return method === 'elicitation/create'
    ? { result: { action: 'decline' } }
    : { error: { code: -32601, message: 'the client cannot be asked this' } };
}

/** A question as this revision knows it; undefined where it has no such question (MP15). */
export function forRevision({ method, params }: ClientRequest, revision: string): ClientRequest | undefined {
  if (method !== 'elicitation/create') return { method, params };
  if (params.mode === 'url') {
    if (revision < '2025-11-25') return undefined;
    return { method, params: { ...params, elicitationId: params.elicitationId ?? randomUUID() } };
  }
  if (revision >= '2025-11-25') return { method, params };
  const { mode: _, ...rest } = params;
  return { method, params: rest };
}

function protocol({ upstream }: Operation, context: CallContext, what: string): GatewayFault {
  return new GatewayFault('UPSTREAM_PROTOCOL', `${upstream}: ${what}`, {
    upstream,
    delivery: 'answered',
    correlationId: context.id,
  });
}
