// A person says yes before a tool runs that may destroy something (reliability §4 Content), asked through the client that
// calls it. Off by default.
import { LRUCache } from 'lru-cache';
import type { Config } from '../config/schema.ts';
import { platformSignal } from '../core/call-signal.ts';
import type { CallContext } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import { isObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { Destructive } from '../core/upstream.ts';
import { visible } from './visible.ts';

type Send = (operation: Operation, context: CallContext) => Promise<UpstreamAnswer>;
type ToolCall = Extract<Operation, { kind: 'call-tool' }>;

export interface ConfirmDeps {
  mode(): Config['security']['confirm'];
  /** Whether a tool may destroy something; undefined for one that may not be called anyway. */
  destructive(upstream: string, tool: string): Destructive | undefined;
  /** The question in the person's language. */
  say(text: string): Promise<string>;
  /** A call that was not sent is told all the same. */
  refused(operation: Operation, context: CallContext, started: number, fault: GatewayFault): void;
}

/** How long a person may think, in milliseconds. */
const THINKING = 10 * 60_000;
/** Characters of the arguments that a question shows. */
const SHOWN = 1_000;
/** Calls that were confirmed and wait for the client's answer to a question of their upstream. */
const OPEN = 1_000;

/** Lets only those calls of destructive tools through that somebody has confirmed. */
export function confirming(next: Send, deps: ConfirmDeps): Send {
  /** A call that its upstream answers by a question is repeated with the answer; it is the same call. */
  let open: LRUCache<string, true> | undefined;

  async function confirmed(operation: ToolCall, context: CallContext): Promise<UpstreamAnswer> {
    const { requestState, inputResponses } = operation.params;
    const goesOn = requestState !== undefined || inputResponses !== undefined;
    if (!goesOn || open?.delete(keyOf(operation, context, requestState)) !== true) {
      const started = performance.now();
      const fault = await refusal(operation, context, deps.say);
      if (fault !== undefined) {
        deps.refused(operation, context, started, fault);
        throw fault;
      }
    }
    const answer = await next(operation, context);
    if ('result' in answer && answer.result.get('resultType') === 'input_required') {
      open ??= new LRUCache({ max: OPEN, ttl: THINKING });
      open.set(keyOf(operation, context, answer.result.get('requestState')), true);
    }
    return answer;
  }

  return (operation, context) => {
    const mode = deps.mode();
    // The dashboard is a person who pressed the button.
    if (mode === 'off' || operation.kind !== 'call-tool' || context.face === 'admin') return next(operation, context);
    const destructive = deps.destructive(operation.upstream, operation.name) ?? 'no';
    const asks = destructive === 'yes' || (destructive === 'unsaid' && mode === 'presumed');
    return asks ? confirmed(operation, context) : next(operation, context);
  };
}

function keyOf({ upstream, name, params }: ToolCall, { principal }: CallContext, state: unknown): string {
  return JSON.stringify([principal.id, upstream, name, params.arguments, state]);
}

/** Asks; gives why the call may not be made, undefined where it may. */
async function refusal(
  { upstream, name, params }: ToolCall,
  { ask, client, signal, id }: CallContext,
  say: (text: string) => Promise<string>,
): Promise<GatewayFault | undefined> {
  const tool = `${visible(name)} of ${upstream}`;
  const refused = (why: string, hint: string) =>
    new GatewayFault('FORBIDDEN', `${tool} ${why}; nothing was sent`, { upstream, correlationId: id, hint });
  if (ask === undefined || !takesForms(client.capabilities.elicitation))
    return refused('needs a person to confirm it, and this client cannot be asked', UNASKABLE);
  const given = visible(JSON.stringify(params.arguments ?? {}));
  const shown = given.length > SHOWN ? `${given.slice(0, SHOWN)}…` : given;
  const question = {
    method: 'elicitation/create',
    params: {
      message: await say(`Run ${tool}? It may change or delete things for good. Arguments: ${shown}`),
      requestedSchema: { type: 'object', properties: {} },
    },
  };
  const patience = AbortSignal.any([platformSignal(signal), AbortSignal.timeout(THINKING)]);
  const answer = await ask(question, patience).catch(() => undefined);
  if (signal.aborted) return new GatewayFault('CANCELLED', `${tool} was cancelled before it was confirmed`);
  if (answer === undefined || 'error' in answer) return refused('was not confirmed: nobody answered', UNASKABLE);
  if (answer.result.action === 'accept') return undefined;
  return refused('was not confirmed: the person who was asked did not agree', DECLINED);
}

/** What a client declares of elicitation: nothing in particular means forms. */
function takesForms(elicitation: unknown): boolean {
  return isObject(elicitation) && (elicitation.form !== undefined || elicitation.url === undefined);
}

const UNASKABLE =
  'Use a client that can ask its user (elicitation), call the tool from the dashboard, or have an operator change security.confirm.';
const DECLINED = 'Do not repeat the call unless the user asks for it.';
