// Joins the two ways of asking a client, below every face: a question of the upstream's era becomes one of the client's.
import type { CallContext } from '../core/context.ts';
import { isObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import { answerQuestions, isInputRequired, type Send } from './input-required.ts';
import type { ParkedCalls } from './parked.ts';

/** 2025-11-25: a tool cannot go on before the user has visited URLs; the error names them. */
const URL_ELICITATION_REQUIRED = -32042;

/** What may need input in 2026-07-28 (mrtr, Supported Requests). */
const INTERACTIVE: ReadonlySet<Operation['kind']> = new Set(['call-tool', 'get-prompt', 'read-resource']);

/** Wraps the way to the upstreams so that every client can be asked in its own era. */
export function interactive(send: Send, parked: ParkedCalls): Send {
  return async (operation, context) => {
    if (!INTERACTIVE.has(operation.kind)) return await send(operation, context);
    if (context.client.era === 'legacy') {
      const answer = await send(operation, context);
      return isInputRequired(answer) ? await answerQuestions(operation, context, answer, send) : answer;
    }
    if (parked.owns(operation.params.requestState)) return await parked.resume(operation, context);
    const answer = canAnswer(context) ? await parked.send(operation, context, send) : await send(operation, context);
    return urlElicitation(answer, context) ?? answer;
  };
}

/** Whether this modern client has declared anything that an upstream could ask for. */
function canAnswer({ client }: CallContext): boolean {
  const { elicitation, sampling, roots } = client.capabilities;
  return elicitation !== undefined || sampling !== undefined || roots !== undefined;
}

/** −32042 of a 2025-11-25 upstream as the questions it stands for; the retry is a new call (MP19). */
function urlElicitation(answer: UpstreamAnswer, { client }: CallContext): UpstreamAnswer | undefined {
  if (!('error' in answer) || answer.error.code !== URL_ELICITATION_REQUIRED) return undefined;
  const { elicitation } = client.capabilities;
  const { data } = answer.error;
  if (!isObject(elicitation) || !isObject(elicitation.url) || !isObject(data) || !Array.isArray(data.elicitations))
    return undefined;
  const inputRequests = Object.fromEntries(
    (data.elicitations as unknown[])
      .filter(isObject)
      .map(({ elicitationId: _, ...params }, index) => [
        `url${index + 1}`,
        { method: 'elicitation/create', params: { ...params, mode: 'url' } },
      ]),
  );
  const { timing } = answer;
  return { era: 'modern', timing, result: Payload.of({ resultType: 'input_required', inputRequests }) };
}
