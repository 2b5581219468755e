// The handlers `mcp` and `chain`: other tools, reached the way every call goes, so that switches, limits and records
// hold for them too.
import type { AsyncLocalStorage } from 'node:async_hooks';
import type { HandlerOf } from '../config/schema-custom.ts';
import type { CallContext } from '../core/context.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { pause } from './exchange.ts';
import { fillValue } from './fill.ts';
import { excerpt, failure, meaningOf, textOf } from './results.ts';
import type { Handler, Run } from './run.ts';

export interface Below {
  dispatch: Dispatch;
  /** How many custom tools are around this one; a loop through another gateway would never end (bounded recursion). */
  depth: AsyncLocalStorage<number>;
}

/** As deep as the configuration allows chains to be. */
const DEEPEST = 8;

/** @throws GatewayFault INTERNAL where tools call each other without end */
async function below<T>({ depth }: Below, run: Run, body: () => Promise<T>): Promise<T> {
  const around = depth.getStore() ?? 0;
  if (around >= DEEPEST)
    throw new GatewayFault('INTERNAL', `custom tool "${run.tool.name}" is nested deeper than ${DEEPEST} tools`, {
      hint: 'Tools that call each other must come to an end.',
    });
  return await depth.run(around + 1, body);
}

/** The params go on as they came, and so does the answer: questions and progress are between caller and upstream. */
export function mcpHandler(handler: HandlerOf<'mcp'>, deps: Below): Handler {
  const upstream = handler.upstream ?? handler.config?.serviceName ?? '';
  const name = handler.tool ?? handler.config?.toolName ?? '';
  return (run) => {
    const { context, signal, deadline, exactArguments } = run;
    const params = { ...run.params, name };
    run.delivery = 'maybe-sent';
    return below(deps, run, () =>
      deps.dispatch(
        { kind: 'call-tool', upstream, name, params, exactArguments },
        { ...context, id: `${context.id}.1`, signal, deadline },
      ),
    );
  };
}

interface Step {
  index: number;
  label: string;
  upstream: string;
  name: string;
  arguments: JsonObject | undefined;
}

/** How one step ended. */
type Ending = { ok: true; result: JsonObject } | { ok: false; why: string; repeatable: boolean };

export function chainHandler(handler: HandlerOf<'chain'>, deps: Below): Handler {
  const steps = handler.tools.map((entry, index): Step => {
    if (typeof entry === 'string')
      return { index, label: entry, upstream: 'custom', name: entry, arguments: undefined };
    const { upstream = 'custom', tool } = entry;
    const label = upstream === 'custom' ? tool : `${upstream}/${tool}`;
    return { index, label, upstream, name: tool, arguments: entry.arguments };
  });
  return (run) =>
    below(deps, run, () => {
      run.delivery = 'maybe-sent';
      const one = (step: Step, args: JsonObject, signal: AbortSignal): Promise<Ending> =>
        repeated(handler, run, signal, () => runStep(deps.dispatch, step, args, run, signal));
      return handler.mode === 'parallel' ? parallel(handler, steps, run, one) : sequential(handler, steps, run, one);
    });
}

type RunOne = (step: Step, args: JsonObject, signal: AbortSignal) => Promise<Ending>;

/** Each step sees what the one before it gave; the last result is the result of the chain. */
async function sequential(
  { error_handling: onError }: HandlerOf<'chain'>,
  steps: readonly Step[],
  run: Run,
  one: RunOne,
): Promise<Payload> {
  const results: unknown[] = [];
  const failures: string[] = [];
  let last: JsonObject | undefined;
  let before: unknown;
  for (const step of steps) {
    const args = argumentsOf(step, run.args, before, results, last !== undefined);
    const ending = await one(step, args, run.signal);
    if (ending.ok) {
      last = ending.result;
      before = meaningOf(last);
      results[step.index] = before;
    } else {
      failures.push(`step ${step.index + 1} (${step.label}) failed: ${ending.why}`);
      results[step.index] = null;
      if (onError !== 'continue') return failure(failures.join('\n'));
    }
    progress(run, step.index + 1, steps.length);
  }
  return last === undefined ? failure(failures.join('\n')) : Payload.of(last);
}

/** All at once, each with the arguments of the call; the results stand in a list, in the order of the steps. */
async function parallel(
  { error_handling: onError }: HandlerOf<'chain'>,
  steps: readonly Step[],
  run: Run,
  one: RunOne,
): Promise<Payload> {
  const rest = new AbortController();
  const signal = AbortSignal.any([run.signal, rest.signal]);
  let done = 0;
  let first: string | undefined;
  const endings = await Promise.allSettled(
    steps.map(async (step) => {
      const ending = await one(step, argumentsOf(step, run.args, undefined, [], false), signal);
      progress(run, ++done, steps.length);
      if (!ending.ok && onError !== 'continue' && first === undefined) {
        first = `step ${step.index + 1} (${step.label}) failed: ${ending.why}`;
        rest.abort(new GatewayFault('CANCELLED', 'another step of the chain failed'));
      }
      return ending;
    }),
  );
  run.signal.throwIfAborted();
  if (first !== undefined) return failure(first);
  const list = endings.map((settled, index) => {
    const tool = steps[index]?.label;
    if (settled.status === 'rejected') throw settled.reason as Error;
    const { value: ending } = settled;
    return ending.ok ? { tool, ok: true, result: meaningOf(ending.result) } : { tool, ok: false, error: ending.why };
  });
  const isError = list.every(({ ok }) => !ok);
  return Payload.of({ content: [{ type: 'text', text: JSON.stringify(list) }], ...(isError && { isError }) });
}

/** Its own `arguments` filled in; else the arguments of the call, and after the first step the result before. */
function argumentsOf(step: Step, args: JsonObject, before: unknown, results: unknown[], later: boolean): JsonObject {
  if (step.arguments !== undefined) {
    const filled = fillValue(step.arguments, { ...args, result: before, results });
    return isObject(filled) ? filled : {};
  }
  if (!later) return args;
  return isObject(before) ? before : { input: before };
}

async function runStep(
  dispatch: Dispatch,
  step: Step,
  args: JsonObject,
  run: Run,
  signal: AbortSignal,
): Promise<Ending> {
  const { upstream, name } = step;
  let answer: UpstreamAnswer;
  try {
    const params = { name, arguments: args };
    answer = await dispatch({ kind: 'call-tool', upstream, name, params }, stepContext(run, step, signal));
  } catch (thrown) {
    run.signal.throwIfAborted();
    const fault = asFault(thrown);
    return { ok: false, why: fault.message, repeatable: fault.retryable };
  }
  if ('error' in answer) return { ok: false, why: answer.error.message, repeatable: false };
  const { resultType, ttlMs: _, cacheScope: __, ...result } = answer.result.value;
  if (resultType !== undefined && resultType !== 'complete')
    return { ok: false, why: 'it asks for more than an answer, which a chain cannot give', repeatable: false };
  if (result.isError !== true) return { ok: true, result };
  return { ok: false, why: excerpt(textOf(result)) || 'it says that it failed', repeatable: true };
}

/** A step reports to the chain and cannot ask the caller: whose question it is could not be told any more. */
function stepContext({ context, deadline }: Run, { index }: Step, signal: AbortSignal): CallContext {
  const { notify: _, ask: __, progressToken: ___, ...rest } = context;
  const { cancel } = context;
  const client = { ...context.client, capabilities: {} };
  return { ...rest, ...(cancel && { cancel }), id: `${context.id}.${index + 1}`, client, deadline, signal };
}

/** With `retry`, a step is tried again, but never after a failure that may have run it and was not told by it. */
async function repeated(
  { error_handling, retry_count, retry_delay }: HandlerOf<'chain'>,
  run: Run,
  signal: AbortSignal,
  once: () => Promise<Ending>,
): Promise<Ending> {
  for (let attempt = 0; ; attempt++) {
    const ending = await once();
    if (ending.ok || !ending.repeatable || error_handling !== 'retry' || attempt >= retry_count) return ending;
    const wait = retry_delay * 2 ** attempt;
    if (signal.aborted || performance.now() + wait >= run.deadline) return ending;
    await pause(wait, signal);
  }
}

function progress({ context }: Run, done: number, total: number): void {
  const { progressToken } = context;
  if (progressToken === undefined) return;
  context.notify?.({ method: 'notifications/progress', params: { progressToken, progress: done, total } });
}
