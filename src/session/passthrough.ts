// The surface that shows upstreams as they are: their tools under exposed names, everything else untouched.

import { TASKS_EXTENSION, type TaskOwners, tasksOf, wantsTasks } from '../bridge/tasks.ts';
import { matchTemplate } from '../catalog/template.ts';
import type { Catalog, CatalogView, ListKind, NamedEntry, ToolEntry, ViewMember } from '../core/catalog.ts';
import type { CallContext, ClientDescription } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import { type HeldKind, type HeldWhy, heldFault, labelOf } from '../core/held.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import type { Era, RpcNotification } from '../core/rpc.ts';
import type { Upstream } from '../core/upstream.ts';
import { invalidParams, UpstreamRefusal } from './rpc-failure.ts';
import { settled } from './settled.ts';
import type { ClientOffer, Surface, SurfaceRequest } from './surface.ts';

export interface PassthroughDeps {
  catalog: Catalog;
  dispatch(operation: Operation, context: CallContext): Promise<UpstreamAnswer>;
  upstream(name: string): Upstream | undefined;
  /** Notifications of all upstreams that belong to no call, also of those that come later. */
  onNotification(listener: (upstream: string, notification: RpcNotification) => void): () => void;
  nearest(name: string, candidates: readonly string[]): string[];
  tasks: TaskOwners;
  readHeaderParams(inputSchema: unknown): ReadonlyMap<string, readonly string[]> | undefined;
}

export class PassthroughSurface implements Surface {
  readonly name: string;
  readonly #deps: PassthroughDeps;
  /** One upstream's own view: its name; undefined for a view of several. */
  readonly #only: string | undefined;

  constructor(name: string, only: string | undefined, deps: PassthroughDeps) {
    this.name = name;
    this.#only = only;
    this.#deps = deps;
  }

  get #view(): CatalogView {
    const view = this.#deps.catalog.view(this.name);
    if (view === undefined) {
      throw new GatewayFault('UPSTREAM_UNKNOWN', `the view ${JSON.stringify(this.name)} was removed`, {
        data: { views: this.#deps.catalog.views() },
      });
    }
    return view;
  }

  get snapshot(): object {
    return this.#view;
  }

  instructions(): string | undefined {
    const parts = this.#view.members.flatMap(({ name, identity }) =>
      identity?.instructions === undefined ? [] : [{ name, text: identity.instructions }],
    );
    if (this.#only !== undefined) return parts[0]?.text;
    return parts.length === 0 ? undefined : parts.map(({ name, text }) => `# ${name}\n${text}`).join('\n\n');
  }

  capabilities(client: ClientOffer): JsonObject {
    const { members } = this.#view;
    const all = { tools: {}, resources: {}, prompts: {}, completions: {}, logging: {} };
    // Whatever an upstream that has not answered yet may turn out to offer is offered: the client asks only once.
    const known = members.length > 0 && members.every(({ identity }) => identity !== undefined);
    const offered = known ? members.map(({ identity }) => identity?.capabilities ?? {}) : [all];
    const has = (key: string) => offered.some((capabilities) => isObject(capabilities[key]));
    // Tools a client may ask for at any time, so that an upstream that gains some is seen.
    return {
      tools: { listChanged: true },
      ...(has('resources') && { resources: { listChanged: true, subscribe: true } }),
      ...(has('prompts') && { prompts: { listChanged: true } }),
      ...(has('completions') && { completions: {} }),
      ...(has('logging') && { logging: {} }),
      ...this.#taskCapabilities(client),
    };
  }

  /** Told only where an upstream speaks the client's generation of tasks (MP27). */
  #taskCapabilities(client: ClientOffer): JsonObject {
    const [first, ...rest] = this.#view.members.flatMap(({ identity }) => tasksOf(identity, client) ?? []);
    if (first === undefined || !wantsTasks(client)) return {};
    const merged = Object.assign({}, first, ...rest) as JsonObject;
    return client.era === 'legacy' ? { tasks: merged } : { extensions: { [TASKS_EXTENSION]: merged } };
  }

  task(method: string, params: JsonObject, context: CallContext): Promise<UpstreamAnswer> | undefined {
    const able = this.#view.members.filter(({ identity }) => tasksOf(identity, context.client) !== undefined);
    if (able.length === 0 || !wantsTasks(context.client)) return undefined;
    const names = able.map(({ name }) => name);
    if (method === 'tasks/list' && names.length > 1) return this.#listTasks(names, params, context);
    const { taskId } = params;
    const known = typeof taskId === 'string' ? this.#deps.tasks.of(context.principal.id, taskId) : undefined;
    const owner = known !== undefined && names.includes(known) ? known : names.length === 1 ? names[0] : undefined;
    if (owner === undefined) throw invalidParams(`no task ${JSON.stringify(taskId)} was started here by this caller`);
    return this.#forward(owner, method, params, context);
  }

  async #forward(upstream: string, method: string, params: JsonObject, context: CallContext): Promise<UpstreamAnswer> {
    const answer = await this.#deps.dispatch({ kind: 'forward', method, upstream, params }, context);
    if ('result' in answer) this.#deps.tasks.learn(context.principal.id, upstream, answer.result.value);
    return answer;
  }

  /** First pages of all upstreams together; one that does not answer is left out. */
  async #listTasks(
    upstreams: readonly string[],
    { cursor: _, ...params }: JsonObject,
    context: CallContext,
  ): Promise<UpstreamAnswer> {
    const answers = await Promise.allSettled(
      upstreams.map((name) => this.#forward(name, 'tasks/list', params, context)),
    );
    const tasks = answers.flatMap((settledAnswer) => {
      if (settledAnswer.status === 'rejected' || !('result' in settledAnswer.value)) return [];
      const { tasks: found } = settledAnswer.value.result.value;
      return Array.isArray(found) ? (found as unknown[]) : [];
    });
    return {
      era: context.client.era,
      timing: { attempts: 1, queue: 0, connect: 0, upstream: 0 },
      result: Payload.of({ tasks }),
    };
  }

  list(kind: ListKind, cursor: string | undefined, era: Era): Payload | undefined {
    return this.#view.page(kind, cursor, era);
  }

  async call(request: SurfaceRequest, context: CallContext): Promise<UpstreamAnswer> {
    const operation = this.#known(request, context.client) ?? (await this.#operation(request, context));
    const answer = await this.#deps.dispatch(operation, context);
    const isTask =
      'result' in answer && (operation.params.task !== undefined || answer.result.get('resultType') === 'task');
    if (isTask) this.#deps.tasks.learn(context.principal.id, operation.upstream, answer.result.value);
    return answer;
  }

  headerParams(tool: string): ReadonlyMap<string, readonly string[]> | undefined {
    const entry = this.#view.tools.get(tool);
    return entry && this.#deps.readHeaderParams(entry.definition.inputSchema);
  }

  /** The call of a tool that is known now, as nearly all are: nothing is waited for. */
  #known(request: SurfaceRequest, client: ClientDescription): Operation | undefined {
    const { method, params } = request;
    if (method !== 'tools/call' || typeof params.name !== 'string') return undefined;
    const entry = this.#view.tools.get(params.name);
    return entry && this.#toolCall(entry, request, client);
  }

  #toolCall(entry: ToolEntry | NamedEntry, request: SurfaceRequest, client: ClientDescription): Operation {
    const { upstream, name } = entry;
    const own: JsonObject = { ...request.params, name };
    // A task can be asked for only where both sides mean the same by it; elsewhere the call is a plain one.
    if ('task' in own) {
      const member = this.#view.members.find((one) => one.name === upstream);
      if (tasksOf(member?.identity, client) === undefined) delete own.task;
    }
    return { kind: 'call-tool', upstream, name, params: own, exactArguments: request.exactArguments };
  }

  async #operation(request: SurfaceRequest, context: CallContext): Promise<Operation> {
    const { method, params } = request;
    switch (method) {
      case 'tools/call':
        return this.#toolCall(await this.#named('tools', params, context), request, context.client);
      case 'prompts/get': {
        const entry = await this.#named('prompts', params, context);
        return {
          kind: 'get-prompt',
          upstream: entry.upstream,
          name: entry.name,
          params: { ...params, name: entry.name },
        };
      }
      case 'resources/read': {
        const uri = stringParam(params, 'uri');
        return { kind: 'read-resource', uri, upstream: await this.#owner(uri, context), params };
      }
      case 'completion/complete': {
        const ref = params.ref;
        if (!isObject(ref)) throw invalidParams('params.ref is missing');
        if (ref.type === 'ref/prompt') {
          const entry = await this.#named('prompts', ref, context);
          return {
            kind: 'complete',
            upstream: entry.upstream,
            params: { ...params, ref: { ...ref, name: entry.name } },
          };
        }
        const uri = stringParam(ref, 'uri');
        return { kind: 'complete', upstream: await this.#owner(uri, context), params };
      }
    }
  }

  async #named(kind: 'tools' | 'prompts', params: JsonObject, context: CallContext): Promise<ToolEntry | NamedEntry> {
    const name = stringParam(params, 'name');
    const owns = ({ prefix }: ViewMember) => this.#only !== undefined || name.startsWith(`${prefix}__`);
    const { found, refusals } = await this.#waitFor(
      context,
      () => this.#view[kind].get(name),
      // An exposed name begins with its upstream's prefix where names have one; elsewhere any late one may own it.
      (member) => !name.includes('__') || owns(member),
    );
    if (found !== undefined) return found;
    if (kind === 'tools') this.#refuseHeld(this.#view.held.get(name), 'tool', context);
    else this.#refuseHeld(this.#view.heldReads.get(labelOf('prompt', name)), 'prompt', context);
    const owners = this.#view.members.filter(owns).map((member) => member.name);
    const refusal = refusals.find(({ upstream }) => owners.includes(upstream ?? ''));
    if (refusal !== undefined) throw refusal.with({ correlationId: context.id });
    const near = this.#deps.nearest(name, [...this.#view[kind].keys()]);
    const what = kind === 'tools' ? 'tool' : 'prompt';
    const waiting = this.#view.members
      .filter(({ confirmed }) => !confirmed)
      .map(({ name: id, state }) => `${id} is ${state.state}`);
    throw new GatewayFault(
      'TOOL_UNKNOWN',
      `Unknown ${what}: ${name}${near.length > 0 ? `; did you mean ${near.map((one) => JSON.stringify(one)).join(' or ')}?` : ''}${waiting.length > 0 ? ` (${waiting.join(', ')})` : ''}`,
      { correlationId: context.id, data: { near } },
    );
  }

  /** What waits for approval is as good as unknown, but its caller learns why. */
  #refuseHeld(
    held: { upstream: string; name: string; why: HeldWhy } | undefined,
    kind: HeldKind,
    { id }: CallContext,
  ): void {
    if (held !== undefined) throw heldFault(held.upstream, labelOf(kind, held.name), held.why, id);
  }

  async #owner(uri: string, context: CallContext): Promise<string> {
    if (this.#only !== undefined) return this.#only;
    const { found } = await this.#waitFor(
      context,
      () => this.#view.ownerOf(uri),
      () => true,
    );
    if (found !== undefined) return found;
    const { heldReads } = this.#view;
    this.#refuseHeld(heldReads.get(labelOf('resource', uri)), 'resource', context);
    const template = [...heldReads].find(([label, { name }]) => label === labelOf('template', name) && fits(name, uri));
    this.#refuseHeld(template?.[1], 'template', context);
    const near = this.#deps.nearest(uri, [...this.#view.resources.keys()]);
    throw new GatewayFault('RESOURCE_UNKNOWN', `Resource not found: ${uri}`, {
      correlationId: context.id,
      data: { uri, near },
    });
  }

  /** What `look` finds, now or once the upstreams that may bring it have come up, and why others have not (10.15). */
  async #waitFor<T>(
    context: CallContext,
    look: () => T | undefined,
    mayBring: (member: ViewMember) => boolean,
  ): Promise<{ found: T | undefined; refusals: readonly GatewayFault[] }> {
    const found = look();
    if (found !== undefined) return { found, refusals: [] };
    const upstreams = this.#view.members.filter(mayBring).flatMap(({ name }) => this.#deps.upstream(name) ?? []);
    const refusals = await settled(upstreams, context, () => look() !== undefined);
    return { found: look(), refusals };
  }

  async subscribe(uri: string, context: CallContext): Promise<void> {
    const upstream = this.#deps.upstream(await this.#owner(uri, context));
    const answer = await upstream?.subscribe(uri, context);
    if (answer !== undefined && 'error' in answer) throw new UpstreamRefusal(answer);
  }

  async unsubscribe(uri: string): Promise<void> {
    const owner = this.#only ?? this.#view.ownerOf(uri);
    if (owner !== undefined) await this.#deps.upstream(owner)?.unsubscribe(uri);
  }

  onListChange(listener: (kinds: readonly ListKind[]) => void): () => void {
    return this.#deps.catalog.onChange((view, kinds) => {
      if (view === this.name) listener(kinds);
    });
  }

  onNotification(listener: (notification: RpcNotification) => void): () => void {
    return this.#deps.onNotification((upstream, notification) => {
      const shown = this.#deps.catalog.view(this.name)?.members.some(({ name }) => name === upstream);
      if (shown === true) listener(notification);
    });
  }
}

/** Whether a URI is made from a template, or is the template as it is written. */
function fits(template: string, uri: string): boolean {
  return uri === template || matchTemplate(template, uri) >= 0;
}

function stringParam(params: JsonObject, key: string): string {
  const value = params[key];
  if (typeof value !== 'string') throw invalidParams(`params.${key} must be a string`);
  return value;
}
