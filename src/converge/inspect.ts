// Answers what tools there are and how they are called, from memory (A-20, A-27): one tool, a server's, those that fit
// a query, or the servers themselves.
import type { ToolEntry } from '../core/catalog.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { findTool, needServer, needTool, type Server, type ServerTable, usable } from './lookup.ts';
import { signatureOf } from './schema-signature.ts';
import { shorten } from './signature-text.ts';

export interface InspectOptions {
  /** Signatures in place of JSON Schema (A-20). */
  signatures: boolean;
  /** Longest description of a property (A-43). */
  maxDescription: number;
  /** Bytes that a list may have; above it is told shorter. */
  inline: number;
}

export interface InspectArguments {
  server_name?: string | undefined;
  tool_name?: string | undefined;
  query?: string | undefined;
  detail?: string | undefined;
}

/** Candidates of a query. */
const CANDIDATES = 10;
/** Characters of a candidate's signature and description: ten of them are about 900 tokens. */
const CANDIDATE_SIGNATURE = 150;
const CANDIDATE_DESCRIPTION = 90;

interface Level {
  description: number;
  signature: { maxDescription: number; budget?: number; maxLength?: number } | undefined;
}

/** How the tools of one server are told, from all there is to what always fits. */
const LEVELS: Level[] = [
  { description: 2_000, signature: { maxDescription: 100 } },
  { description: 300, signature: { maxDescription: 0 } },
  { description: 160, signature: { maxDescription: 0, maxLength: 300 } },
  { description: 80, signature: { maxDescription: 0, maxLength: 100 } },
  { description: 50, signature: { maxDescription: 0, maxLength: 30 } },
];

/** Characters of a description on a line of its tool. */
const BRIEF = [160, 80, 0];

export class Inspection {
  readonly #options: InspectOptions;
  /** Signatures of schemas that were asked for, by what was asked. */
  readonly #signatures = new WeakMap<object, Map<string, string>>();
  readonly #lists = new WeakMap<Server, Map<string, string>>();

  constructor(options: InspectOptions) {
    this.#options = options;
  }

  /** The text of the answer. @throws GatewayFault UPSTREAM_UNKNOWN, TOOL_UNKNOWN */
  answer(
    table: ServerTable,
    args: InspectArguments,
    search: (query: string, server: string | undefined, most: number) => ToolEntry[],
  ): string {
    const { server_name: serverName, tool_name: toolName, query, detail } = args;
    if (query !== undefined && query.trim() !== '') {
      const server = serverName === undefined ? undefined : needServer(table, serverName).member.name;
      return this.#candidates(search(query, server, detail === 'names' ? CANDIDATES * 3 : CANDIDATES), detail);
    }
    if (serverName === undefined) {
      if (toolName === undefined) return JSON.stringify(usable(table).map((server) => summary(server)));
      const owners = usable(table).flatMap((server) => findTool(server, toolName) ?? []);
      if (owners.length === 1) return this.#one(owners[0] as ToolEntry, detail);
      return this.#candidates(owners.length > 1 ? owners : search(toolName, undefined, CANDIDATES), detail);
    }
    const server = needServer(table, serverName);
    if (toolName !== undefined) return this.#one(needTool(table, server, toolName), detail);
    const known = this.#lists.get(server) ?? new Map<string, string>();
    this.#lists.set(server, known);
    const kind = detail ?? '';
    const text = known.get(kind) ?? this.#list([...server.tools.values()], detail);
    known.set(kind, text);
    return text;
  }

  /** A schema as a model sees it: its signature, or itself where signatures are switched off. */
  schemaOf(schema: unknown, options: { maxDescription?: number; budget?: number; maxLength?: number } = {}): unknown {
    if (!this.#options.signatures) return schema ?? {};
    if (!isObject(schema)) return signatureOf(schema);
    const key = `${options.maxDescription} ${options.budget} ${options.maxLength}`;
    const known = this.#signatures.get(schema) ?? new Map<string, string>();
    this.#signatures.set(schema, known);
    const text = known.get(key) ?? signatureOf(schema, options);
    known.set(key, text);
    return text;
  }

  #one(entry: ToolEntry, detail: string | undefined): string {
    const { definition } = entry;
    if (detail === 'names') return JSON.stringify({ server_name: entry.upstream, name: entry.shown });
    if (detail === 'brief' && this.#options.signatures) return this.#line(entry, BRIEF[0] as number);
    const isFull = detail === 'schema';
    const output = definition.outputSchema;
    return JSON.stringify({
      server_name: entry.upstream,
      name: entry.shown,
      description: descriptionOf(entry),
      input_schema: isFull
        ? definition.inputSchema
        : this.schemaOf(definition.inputSchema, { maxDescription: this.#options.maxDescription, budget: 1 }),
      ...(isFull && output !== undefined && { output_schema: output }),
      ...(isFull && definition.annotations !== undefined && { annotations: definition.annotations }),
    });
  }

  #list(entries: readonly ToolEntry[], detail: string | undefined): string {
    if (detail === 'names') return JSON.stringify(entries.map((entry) => entry.shown));
    if (detail === 'schema' || !this.#options.signatures) {
      return JSON.stringify(
        entries.map((entry) => ({
          ...named(entry),
          description: descriptionOf(entry),
          input_schema: entry.definition.inputSchema ?? {},
        })),
      );
    }
    if (detail === 'brief') return this.#brief(entries);
    let text = '';
    for (const level of LEVELS) {
      text = JSON.stringify(entries.map((entry) => this.#told(entry, level)));
      if (Buffer.byteLength(text) <= this.#options.inline) return text;
    }
    const shortest = JSON.stringify(entries.map((entry) => entry.shown));
    return Buffer.byteLength(text) <= 2 * this.#options.inline ? text : shortest;
  }

  /** One line for each tool, without comments (performance row 20). */
  #brief(entries: readonly ToolEntry[]): string {
    for (const most of BRIEF) {
      const text = entries.map((entry) => this.#line(entry, most)).join('\n');
      if (Buffer.byteLength(text) <= this.#options.inline) return text;
    }
    return JSON.stringify(entries.map((entry) => entry.shown));
  }

  #line(entry: ToolEntry, most: number): string {
    const description = shorten(descriptionOf(entry), most);
    const signature = String(this.schemaOf(entry.definition.inputSchema, { maxDescription: 0, budget: 0 }));
    // Types that it names follow on lines of their own.
    const [own = '', ...types] = signature.split('\n');
    return [`${entry.shown}(${own})${description === '' ? '' : `: ${description}`}`, ...types].join('\n');
  }

  #candidates(entries: readonly ToolEntry[], detail: string | undefined): string {
    if (detail === 'names') return JSON.stringify(entries.map((entry) => named(entry)));
    if (detail === 'schema') return this.#list(entries, detail);
    const level: Level = {
      description: CANDIDATE_DESCRIPTION,
      signature: { maxDescription: 0, maxLength: CANDIDATE_SIGNATURE },
    };
    return JSON.stringify(entries.map((entry) => this.#told(entry, level)));
  }

  #told(entry: ToolEntry, level: Level): JsonObject {
    const signature = {
      ...level.signature,
      maxDescription: Math.min(level.signature?.maxDescription ?? 0, this.#options.maxDescription),
    };
    return {
      ...named(entry),
      description: shorten(descriptionOf(entry), level.description),
      input_schema: this.schemaOf(entry.definition.inputSchema, signature),
    };
  }
}

function named(entry: ToolEntry): JsonObject {
  return { server_name: entry.upstream, name: entry.shown };
}

function descriptionOf({ definition }: ToolEntry): string {
  return typeof definition.description === 'string' ? definition.description : '';
}

function summary({ member, tools, held }: Server): JsonObject {
  const info = member.identity?.serverInfo;
  return {
    server_name: member.name,
    ...(typeof info?.version === 'string' && { version: info.version }),
    ...(member.state.state !== 'ready' && { state: member.state.state }),
    tools: tools.size,
    ...(held.size > 0 && { tools_waiting_for_approval: held.size }),
    ...(member.identity?.instructions !== undefined && { instructions: shorten(member.identity.instructions, 300) }),
  };
}
