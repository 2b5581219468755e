// The converged view: a thousand tools for the price of three (issue: converged tools; requirements 1.2, 10.5).
//
// `createConverged({ view, dispatch, config, … })` is a façade over one catalogue view; it starts nothing, keeps no
// timer but that of large results, and hands the call's context on as it is, so that progress, cancellation,
// elicitation and deadlines of a tool called through `exec` are those of the caller.
//   listTools()                    definitions for tools/list; the same object while the catalogue says the same
//   callTool(params, context, …)   one tools/call; throws only CANCELLED, UNAUTHENTICATED, FORBIDDEN
//   prepare()                      after a change of the catalogue: indexes it for search, a little at a time
//   forget(upstream, uri?)         on resources/updated and resources/list_changed of an upstream
//   close()
import type { CatalogView, ToolEntry } from '../core/catalog.ts';
import type { CallContext } from '../core/context.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { nearest } from '../core/nearest.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { part } from '../core/part.ts';
import { Payload } from '../core/payload.ts';
import { exactInner, innerArguments, needText, optionalText } from './arguments.ts';
import type { CatalogServer } from './catalog-text.ts';
import { type Dialect, definitionsOf } from './definitions.ts';
import type { Finder } from './find.ts';
import { Inspection } from './inspect.ts';
import {
  findServer,
  needServer,
  needTool,
  type Server,
  type ServerTable,
  splitMethod,
  tableOf,
  usable,
} from './lookup.ts';
import { ResourceReading } from './read.ts';
import { ResultStore } from './results.ts';
import { shapeResult, withinLimit } from './shape-result.ts';
import { teachArguments, teachFault, teachRefusal } from './teach.ts';
import { Validator } from './validate.ts';

/** The parts of the configuration that shape the converged view; sizes in bytes. */
export interface ConvergedConfig {
  converged: { dialect: Dialect; tokens: number; structuredContent: boolean };
  compression: {
    toon: { enabled: boolean; minSize: number; indent: 1 | 2 };
    schema: { enabled: boolean; maxDescription: number };
  };
  limits: { inline: number };
}

export interface ConvergedDeps {
  /** The view whose tools are shown, as it is now. */
  view(): CatalogView;
  dispatch(operation: Operation, context: CallContext): Promise<UpstreamAnswer>;
  config: ConvergedConfig;
  /** Shared by the views of a gateway; without one the view has its own. */
  validator?: Validator | undefined;
  /** Kept large results; shared by the views of a gateway. */
  results?: ResultStore | undefined;
  /** Whether arguments for this upstream are checked before they are sent (requirements 10.19); always, if absent. */
  validates?: ((upstream: string) => boolean) | undefined;
  /**
   * Resolves when the named upstream (all, if absent) has confirmed its lists or will not soon, so that a call for a
   * tool nobody lists yet may wait (requirements 10.15). Gives the refusals of those that are not there.
   */
  settled?: ((upstream: string | undefined, context: CallContext) => Promise<readonly GatewayFault[]>) | undefined;
  /** In whose name an upstream is asked, where that is the caller's; kept resources are never another's. */
  identity?: ((upstream: string, context: CallContext) => string) | undefined;
  /** Told what a call saved against showing it as it came, in tokens, an estimate (requirements 10.35). */
  saved?: ((saving: { upstream: string; tool: string; tokens: number }, context: CallContext) => void) | undefined;
}

export interface Converged {
  /** Definitions of the converged tools, for tools/list. The same array as long as nothing in it changed. */
  listTools(): readonly JsonObject[];
  /**
   * Answers one `tools/call`. Faults become results with `isError` that say what to do next.
   * @param params as the client sent them: `name`, `arguments`, `_meta`, and in the modern era `requestState` and
   *   `inputResponses`, which go on to the upstream
   * @param exactArguments the text of `params.arguments`, where parsing would change a number
   * @throws GatewayFault CANCELLED, UNAUTHENTICATED, FORBIDDEN; TOOL_UNKNOWN for a name that is none of the three
   */
  callTool(params: JsonObject, context: CallContext, exactArguments?: string): Promise<UpstreamAnswer>;
  /** Takes a changed catalogue into the search index without holding the event loop; to be called after changes. */
  prepare(): Promise<void>;
  /** Forgets what was read of an upstream's resources, or of one of them. */
  forget(upstream: string, uri?: string): void;
  close(): void;
}

export function createConverged(deps: ConvergedDeps): Converged {
  return new ConvergedView(deps);
}

/** JSON-RPC errors that a client acts on itself: URL elicitation required (2025-11-25). */
const PASSED_ERRORS = new Set([-32042]);
/** Faults that are no answer to the model. */
const THROWN = new Set(['CANCELLED', 'UNAUTHENTICATED', 'FORBIDDEN']);
/** Of `params`, what belongs to the converged tool and not to the one it runs. */
const OWN_PARAMS = new Set(['name', 'arguments']);

class ConvergedView implements Converged {
  readonly #deps: ConvergedDeps;
  readonly #inspection: Inspection;
  readonly #reading: ResourceReading;
  readonly #validator: Validator;
  readonly #results: ResultStore;
  /** Only whoever asks this view needs its search. */
  readonly #finder = part('search', async () => new (await import('./find.ts')).Finder());
  readonly #closed = new AbortController();
  readonly #hashes = new WeakMap<object, string>();
  /** Instructions outlive the link they came over, so that definitions do not change with every reconnect. */
  readonly #instructions = new Map<string, string>();
  #hashCount = 0;
  #table: { view: CatalogView; table: ServerTable } | undefined;
  #listed: { revision: number; tools: readonly JsonObject[]; text: string } | undefined;

  constructor(deps: ConvergedDeps) {
    this.#deps = deps;
    const { compression, limits } = deps.config;
    this.#validator = deps.validator ?? new Validator();
    this.#results = deps.results ?? new ResultStore();
    this.#inspection = new Inspection({
      signatures: compression.schema.enabled,
      maxDescription: compression.schema.maxDescription,
      inline: limits.inline,
    });
    this.#reading = new ResourceReading({
      dispatch: (operation, context) => deps.dispatch(operation, context),
      store: this.#results,
      identity: deps.identity,
      inline: limits.inline,
    });
  }

  listTools(): readonly JsonObject[] {
    const view = this.#deps.view();
    if (this.#listed?.revision === view.revision) return this.#listed.tools;
    const { dialect, tokens } = this.#deps.config.converged;
    const tools = definitionsOf(dialect, this.#servers(view), view, tokens);
    const text = JSON.stringify(tools);
    this.#listed = { revision: view.revision, tools: text === this.#listed?.text ? this.#listed.tools : tools, text };
    return this.#listed.tools;
  }

  async callTool(params: JsonObject, context: CallContext, exactArguments?: string): Promise<UpstreamAnswer> {
    const { name } = params;
    const args = isObject(params.arguments) ? params.arguments : {};
    try {
      switch (`${this.#deps.config.converged.dialect} ${String(name)}`) {
        case 'inspect-exec inspect':
          return await this.#inspect(args, context);
        case 'inspect-exec exec':
          return await this.#exec(
            needText(args, 'server_name'),
            needText(args, 'tool_name'),
            args,
            params,
            context,
            exactArguments,
          );
        case 'describe-call describe':
          return await this.#describe(args, context);
        case 'describe-call call':
        case 'invoke-read invoke': {
          const { server, tool } = splitMethod(this.#current().table, needText(args, 'method'));
          return await this.#exec(server, tool ?? '', args, params, context, exactArguments);
        }
        case 'inspect-exec resources':
        case 'describe-call resources':
        case 'invoke-read read':
          return await this.#resources(args, params, context);
        default: {
          const known = this.listTools().map((tool) => String(tool.name));
          const near = nearest(String(name), known);
          throw new GatewayFault('TOOL_UNKNOWN', `Unknown tool: ${String(name).slice(0, 200)}`, {
            data: { near, tools: known },
          });
        }
      }
    } catch (thrown) {
      const fault = asFault(thrown, { correlationId: context.id });
      const isOurs = fault.data !== undefined && 'tools' in fault.data;
      if (THROWN.has(fault.fault) || isOurs) throw fault;
      const member =
        fault.upstream === undefined ? undefined : this.#current().table.servers.get(fault.upstream)?.member;
      return own(teachFault(fault, member), context);
    }
  }

  async prepare(): Promise<void> {
    const finder = await this.#finder();
    const view = this.#deps.view();
    this.#learn(view);
    await finder.prepare(view, this.#current().table, this.#instructions, this.#closed.signal);
  }

  forget(upstream: string, uri?: string): void {
    this.#reading.forget(upstream, uri);
  }

  close(): void {
    this.#closed.abort();
    if (this.#deps.results === undefined) this.#results.close();
  }

  #current(): { view: CatalogView; table: ServerTable } {
    const view = this.#deps.view();
    if (this.#table?.view !== view) this.#table = { view, table: tableOf(view) };
    return this.#table;
  }

  #learn(view: CatalogView): void {
    for (const { name, identity } of view.members) {
      if (identity === undefined) continue;
      if (identity.instructions === undefined) this.#instructions.delete(name);
      else this.#instructions.set(name, identity.instructions);
    }
  }

  #servers(view: CatalogView): CatalogServer[] {
    this.#learn(view);
    return usable(this.#current().table).map(({ member, tools }) => ({
      name: member.name,
      instructions: this.#instructions.get(member.name),
      tools: [...tools.values()],
    }));
  }

  /**
   * Lets a server say what it offers, if it has not; waits for one that is on its way.
   * @throws GatewayFault its state and next try, where that is why the tool is not to be found
   */
  async #server(name: string, context: CallContext, tool?: string): Promise<void> {
    const find = () => findServer(this.#current().table, name);
    const lacks = (server: Server) => (tool === undefined ? server.tools.size === 0 : !server.tools.has(tool));
    const server = find();
    if (server === undefined || !lacks(server)) return;
    const [refusal] = (await this.#deps.settled?.(server.member.name, context)) ?? [];
    const now = find();
    if (refusal !== undefined && tool !== undefined && now !== undefined && lacks(now)) throw refusal;
  }

  async #inspect(args: JsonObject, context: CallContext): Promise<UpstreamAnswer> {
    const serverName = optionalText(args, 'server_name');
    const toolName = optionalText(args, 'tool_name');
    const detail = optionalText(args, 'detail');
    const query = optionalText(args, 'query');
    if (serverName !== undefined) await this.#server(serverName, context, toolName);
    const find = await this.#search();
    return this.#said(
      this.#inspection.answer(
        this.#current().table,
        { server_name: serverName, tool_name: toolName, query, detail },
        find,
      ),
      context,
    );
  }

  /** Gen 2's objects: {method, description, input_schema} (A-20). */
  async #describe(args: JsonObject, context: CallContext): Promise<UpstreamAnswer> {
    const query = optionalText(args, 'query');
    const method = optionalText(args, 'method');
    const asMethod = (entry: ToolEntry, options: { maxDescription: number; budget?: number; maxLength?: number }) => ({
      method: `${entry.upstream}.${entry.shown}`,
      description: entry.definition.description ?? '',
      input_schema: this.#inspection.schemaOf(entry.definition.inputSchema, options),
    });
    if (query !== undefined && query.trim() !== '') {
      const find = await this.#search();
      return this.#said(
        JSON.stringify(
          find(query, undefined, 10).map((entry) => asMethod(entry, { maxDescription: 0, maxLength: 150 })),
        ),
        context,
      );
    }
    if (method === undefined) {
      const find = await this.#search();
      return this.#said(this.#inspection.answer(this.#current().table, {}, find), context);
    }
    const { server: serverName, tool } = splitMethod(this.#current().table, method);
    await this.#server(serverName, context, tool);
    const { table } = this.#current();
    const server = needServer(table, serverName);
    const { maxDescription } = this.#deps.config.compression.schema;
    if (tool !== undefined)
      return this.#said(
        JSON.stringify(asMethod(needTool(table, server, tool), { maxDescription, budget: 1 })),
        context,
      );
    return this.#said(
      JSON.stringify(
        [...server.tools.values()].map((entry) => asMethod(entry, { maxDescription: Math.min(100, maxDescription) })),
      ),
      context,
    );
  }

  /** Asks the index for the tools that fit a query best, of all servers or of one. */
  async #search(): Promise<(query: string, server: string | undefined, most: number) => ToolEntry[]> {
    const finder: Finder = await this.#finder();
    return (query, server, most) => {
      const { view, table } = this.#current();
      return finder.find(view, table, this.#instructions, query, server, most);
    };
  }

  async #exec(
    serverName: string,
    toolName: string,
    args: JsonObject,
    params: JsonObject,
    context: CallContext,
    exact: string | undefined,
  ): Promise<UpstreamAnswer> {
    await this.#server(serverName, context, toolName);
    const { table } = this.#current();
    const server = needServer(table, serverName);
    const entry = needTool(table, server, toolName);
    const { upstream } = entry;
    const inner = innerArguments(args.arguments);
    const schema = entry.definition.inputSchema;
    const signature = () =>
      this.#inspection.schemaOf(schema, {
        maxDescription: this.#deps.config.compression.schema.maxDescription,
        budget: 1,
      });
    if (inner === undefined) {
      return own(
        teachArguments(
          upstream,
          entry.shown,
          [{ path: '', expected: 'an object', got: JSON.stringify(args.arguments).slice(0, 60) }],
          signature(),
        ),
        context,
      );
    }
    if (this.#deps.validates?.(upstream) !== false) {
      const violations = await this.#validator.validate(this.#hashOf(schema), schema, inner);
      if (violations.length > 0) return own(teachArguments(upstream, entry.shown, violations, signature()), context);
    }
    const rest = Object.fromEntries(Object.entries(params).filter(([key]) => !OWN_PARAMS.has(key)));
    const answer = await this.#deps.dispatch(
      {
        kind: 'call-tool',
        upstream,
        name: entry.name,
        params: { ...rest, name: entry.name, arguments: inner },
        exactArguments: typeof args.arguments === 'string' ? undefined : exactInner(exact),
      },
      context,
    );
    if ('error' in answer) {
      if (PASSED_ERRORS.has(answer.error.code)) return answer;
      return { result: Payload.of(teachRefusal(upstream, answer.error)), era: answer.era, timing: answer.timing };
    }
    return this.#shaped(answer, entry, context);
  }

  async #shaped(
    answer: UpstreamAnswer & { result: Payload },
    entry: ToolEntry,
    context: CallContext,
  ): Promise<UpstreamAnswer> {
    const { converged, compression, limits } = this.#deps.config;
    const shaped = await shapeResult(
      answer.result.value,
      {
        toon: compression.toon.enabled,
        toonMinSize: compression.toon.minSize,
        toonIndent: compression.toon.indent,
        structuredContent: converged.structuredContent,
        inline: limits.inline,
      },
      { store: this.#results, principal: context.principal.id },
    );
    if (shaped.savedTokens > 0)
      this.#deps.saved?.({ upstream: entry.upstream, tool: entry.name, tokens: shaped.savedTokens }, context);
    if (shaped.result === answer.result.value) return answer;
    return { ...answer, result: Payload.of(shaped.result) };
  }

  async #resources(args: JsonObject, params: JsonObject, context: CallContext): Promise<UpstreamAnswer> {
    const serverName = optionalText(args, 'server_name');
    const uri = optionalText(args, 'uri');
    if (serverName !== undefined) await this.#server(serverName, context);
    else if (uri !== undefined && this.#current().view.ownerOf(uri) === undefined)
      await this.#deps.settled?.(undefined, context);
    const { view, table } = this.#current();
    if (uri === undefined) return this.#said(await this.#reading.list(view, table, serverName, context), context);
    const { name: _, arguments: __, ...rest } = params;
    const read = await this.#reading.read(view, table, serverName, uri, rest, context);
    if ('text' in read)
      return this.#said(read.text, context, uri.startsWith('holdfast://') ? Number.POSITIVE_INFINITY : undefined);
    if ('passed' in read) return read.passed;
    const { refused, server } = read;
    const error = refused.error as { code: number; message: string };
    return { result: Payload.of(teachRefusal(server, error)), era: refused.era, timing: refused.timing };
  }

  /** A text as a result; one that is too large becomes a preview. */
  #said(text: string, context: CallContext, inline = this.#deps.config.limits.inline): UpstreamAnswer {
    const { content } = withinLimit([{ type: 'text', text }], inline, {
      store: this.#results,
      principal: context.principal.id,
    });
    return own({ content }, context);
  }

  #hashOf(schema: unknown): string {
    if (!isObject(schema)) return String(schema);
    const known = this.#hashes.get(schema) ?? `${++this.#hashCount}`;
    this.#hashes.set(schema, known);
    return known;
  }
}

/** A result of the gateway's own, in the era of the client. */
function own(result: JsonObject, context: CallContext): UpstreamAnswer {
  return {
    result: Payload.of(result),
    era: context.client.era,
    timing: { attempts: 0, queue: 0, connect: 0, upstream: 0 },
  };
}
