// What an upstream asks of a client (elicitation, sampling, roots): forwarded to the caller behind the one call it
// belongs to, answered here for a caller that cannot; never left open (requirements 10.6, F-I25).
import type { CallContext, ClientAnswer, ClientRequest } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';

const NOT_FOUND = -32601;

const CAPABILITY: Record<string, string> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** The capability that a request of the server needs; undefined for what no client understands. */
export function neededCapability(method: string): string | undefined {
  return Object.hasOwn(CAPABILITY, method) ? CAPABILITY[method] : undefined;
}

/** Whether the client behind a call can be asked this, as it declared itself. */
export function canBeAsked(context: CallContext, request: ClientRequest): boolean {
  if (context.ask === undefined) return false;
  const capability = neededCapability(request.method);
  if (capability === undefined) return false;
  const declared = context.client.capabilities[capability];
  if (!isObject(declared)) return false;
  if (capability === 'elicitation') {
    // An empty declaration means form mode (2025-11-25/client/elicitation, Capabilities).
    return request.params.mode === 'url' ? isObject(declared.url) : isObject(declared.form) || !isObject(declared.url);
  }
  if (capability === 'sampling' && request.params.tools !== undefined) return isObject(declared.tools);
  return true;
}

/** The answer for a caller that cannot be asked, or that went away while it was asked. */
export function answerInstead(request: ClientRequest, why: 'cannot' | 'gone'): ClientAnswer {
  switch (request.method) {
    case 'ping':
      return { result: {} };
    case 'elicitation/create':
      return { result: { action: why === 'gone' ? 'cancel' : 'decline' } };
    case 'roots/list':
      return { result: { roots: [] } };
    case 'sampling/createMessage':
      return { error: { code: NOT_FOUND, message: 'the caller behind this call does not sample' } };
    default:
      return { error: { code: NOT_FOUND, message: `unknown method "${request.method.slice(0, 100)}"` } };
  }
}

/** Asks the caller; whatever goes wrong becomes an answer, because the upstream waits for one. */
export async function askCaller(
  context: CallContext,
  request: ClientRequest,
  signal: AbortSignal,
): Promise<ClientAnswer> {
  if (context.ask === undefined || signal.aborted) return answerInstead(request, 'gone');
  try {
    return await context.ask(request, signal);
  } catch {
    return answerInstead(request, 'gone');
  }
}

/** What a shared upstream session is told that its clients can do, whoever calls (requirements 10.6, `session.declare`). */
export function declaredCapabilities(declare: readonly string[]): JsonObject {
  const form = declare.includes('elicitation-form');
  const url = declare.includes('elicitation-url');
  return {
    ...(declare.includes('roots') && { roots: {} }),
    ...(declare.includes('sampling') && { sampling: {} }),
    ...((form || url) && { elicitation: { ...(form && { form: {} }), ...(url && { url: {} }) } }),
  };
}
