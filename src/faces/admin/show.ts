// Upstreams, tools and the like as JSON. Values of variables and headers never leave the gateway, their names do.

import { stateAdvice } from '../../core/advice.ts';
import { GatewayFault } from '../../core/fault.ts';
import type { JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { redactValue, withoutValues } from '../../core/redact.ts';
import { healthOf, type Upstream } from '../../core/upstream.ts';
import type { AdminDeps } from './deps.ts';

/** @throws GatewayFault UPSTREAM_UNKNOWN with near names */
export function theUpstream(deps: AdminDeps, name: string): Upstream {
  const found = deps.upstreams().find((upstream) => upstream.name === name);
  if (found !== undefined) return found;
  const names = deps.upstreams().map((upstream) => upstream.name);
  const near = nearest(name, names);
  throw new GatewayFault('UPSTREAM_UNKNOWN', `no upstream is called ${JSON.stringify(name)}`, { data: { near } });
}

/** `whole`: for an admin, who may see commands, addresses and paths. */
export function showUpstream(deps: AdminDeps, upstream: Upstream, whole: boolean): JsonObject {
  const { name, state, identity, lists } = upstream;
  const facts = upstream.facts();
  const config = deps.upstreamConfig(name);
  const paused = deps.control.paused(name);
  const auth = deps.logins?.status(name);
  const cause = 'cause' in state ? (typeof state.cause === 'string' ? state.cause : state.cause.message) : undefined;
  const shown: JsonObject = {
    name,
    enabled: config?.enabled ?? true,
    state: state.state,
    health: healthOf(state.state),
    since: new Date(state.since).toISOString(),
    ...(cause !== undefined && { reason: cause }),
    ...('cause' in state &&
      typeof state.cause !== 'string' && { fault: state.cause.fault, hint: stateAdvice(state.cause) }),
    ...('why' in state && { held: state.why }),
    ...('attempt' in state && { attempt: state.attempt }),
    ...('phase' in state && { phase: state.phase }),
    ...('until' in state && { nextTryAt: new Date(state.until).toISOString() }),
    ...(paused !== undefined && { paused: { by: paused.by, since: new Date(paused.since).toISOString() } }),
    ...deps.views.figuresOf(name),
    ...(auth !== undefined && { auth: auth as JsonObject }),
    transport: identity?.transport ?? config?.transport ?? 'unknown',
    ...(identity !== undefined && { era: identity.era, revision: identity.revision, serverInfo: identity.serverInfo }),
    tools: lists.tools.length,
    ...waitingOf(deps, upstream),
    resources: lists.resources.length,
    resourceTemplates: lists.resourceTemplates.length,
    prompts: lists.prompts.length,
    confirmed: lists.confirmed,
    inFlight: facts.inFlight,
    queued: facts.queued,
    restarts: facts.restarts,
    errors: facts.errorCount,
    noise: facts.noise,
    ...(facts.pool !== undefined && { pool: facts.pool as unknown as JsonObject }),
    ...(facts.printed !== undefined && { printed: facts.printed }),
    ...(facts.certificate !== undefined && { certificate: facts.certificate }),
    ...(facts.pid !== undefined && { pid: facts.pid }),
    ...(facts.lastExit !== undefined && {
      lastExit: { ...facts.lastExit, at: new Date(facts.lastExit.at).toISOString() },
    }),
    ...(facts.lastCheck !== undefined && { lastCheck: new Date(facts.lastCheck).toISOString() }),
    ...(whole && {
      instructions: identity?.instructions ?? null,
      capabilities: identity?.capabilities ?? {},
      excluded: lists.excluded,
      config: config === undefined ? null : withoutValues(config),
    }),
  };
  return redactValue(shown, deps.redact) as JsonObject;
}

/** How many of its tools wait for approval, where any do. */
function waitingOf({ approvals }: AdminDeps, { name, lists }: Upstream): JsonObject {
  const held = approvals === undefined ? [] : lists.tools.filter((tool) => approvals.heldTool(name, String(tool.name)));
  return held.length === 0 ? {} : { toolsWaiting: held.length };
}

/** A tool as the upstream lists it, with what the gateway makes of it. */
export function showTool(
  deps: AdminDeps,
  upstream: string,
  definition: JsonObject,
  names: ReadonlyMap<string, string>,
  whole: boolean,
): JsonObject {
  const name = String(definition.name);
  const policy = deps.tool(upstream, name);
  const text = JSON.stringify(definition);
  const exposed = names.get(`${upstream}\0${name}`);
  const held = deps.approvals?.heldTool(upstream, name);
  const findings = deps.approvals?.findings(definition) ?? [];
  return {
    upstream,
    name,
    ...(exposed !== undefined && { exposed }),
    title: definition.title ?? null,
    description: definition.description ?? '',
    enabled: policy?.enabled ?? false,
    ...(held !== undefined && { held }),
    ...(findings.length > 0 && { findings }),
    safety: policy?.safety ?? 'write',
    annotations: definition.annotations ?? {},
    bytes: text.length,
    ...(deps.tokens !== undefined && { tokens: deps.tokens(text) }),
    ...(deps.signature !== undefined && { signature: deps.signature(definition) }),
    ...(whole && { inputSchema: definition.inputSchema ?? {}, outputSchema: definition.outputSchema ?? null }),
  };
}

/** What tools are called in the view of all upstreams; made once per answer, as it may show 1,000. */
export function exposedNames({ catalog }: AdminDeps): Map<string, string> {
  const entries = catalog.view('passthrough')?.tools.values() ?? [];
  return new Map([...entries].map((entry) => [`${entry.upstream}\0${entry.name}`, entry.exposed]));
}
