// The configuration of the gateway: its keys, defaults and descriptions. Types, JSON Schema and reference are made
// from it, so that nothing can be said twice and differently.
import * as z from 'zod';
import type { TransportKind } from '../core/upstream.ts';
import { customToolsSchema } from './schema-custom.ts';
import { type EndpointConfig, endpointDefaultsSchema, endpointsSchema } from './schema-endpoint.ts';
import { keySchema } from './schema-key.ts';
import { auditSchema, callLogSchema, monitorSchema, tracingSchema } from './schema-monitor.ts';
import { serverOAuthSchema } from './schema-oauth.ts';
import { securitySchema } from './schema-security.ts';
import { sharedSchema } from './schema-shared.ts';
import { upstreamSchema } from './schema-upstream.ts';
import { anyTime, size, someTime } from './units.ts';

const count = z.number().int().min(0);
const atLeastOne = z.number().int().min(1);

const server = z.strictObject({
  host: z.string().min(1).prefault('127.0.0.1').describe('Address to listen on; wider than loopback demands a key.'),
  port: z.number().int().min(0).max(65_535).prefault(8000).describe('Port to listen on; 0 takes any free one.'),
  allowedHosts: z
    .array(z.string())
    .prefault([])
    .describe('Values of the Host header to accept; empty: loopback names while bound to loopback.'),
  allowedOrigins: z
    .array(z.string())
    .prefault([])
    .describe('Web origins to accept beside our own and loopback; `*` only together with a key.'),
  tls: z
    .strictObject({
      cert: z.string().min(1).describe('Certificate chain: path of a PEM file.'),
      key: z.string().min(1).describe('Its private key: path of a PEM file.'),
    })
    .optional()
    .describe('Serve HTTPS.'),
  rootPath: z
    .string()
    .prefault('')
    .describe('What a proxy in front strips: changes the URLs we print, not the routes.'),
  drainDelay: anyTime
    .prefault(0)
    .describe(
      'After SIGTERM readiness says no for this long while everything is still served, so that balancers look away.',
    ),
  pathPrefix: z.string().prefault('/').describe('Prefix of the OpenAPI routes.'),
  publicUrl: z
    .string()
    .refine((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), {
      error: 'expected an http:// or https:// URL',
    })
    .optional()
    .describe('URL under which clients reach the gateway, for documents that must name it.'),
  oauth: serverOAuthSchema.optional().describe('Take access tokens of an authorization server, beside the keys.'),
});

const view = z.strictObject({
  upstreams: z.array(z.string()).optional().describe('Upstreams it shows; absent: all.'),
  tools: z
    .strictObject({
      allow: z.array(z.string()).prefault(['*']).describe('Tools it shows.'),
      deny: z.array(z.string()).prefault([]).describe('Tools it leaves out; wins over `allow`.'),
    })
    .prefault({})
    .describe("Globs over `upstream/tool`; a pattern without `/` is compared with the tool's own name."),
  style: z
    .enum(['passthrough', 'converged'])
    .prefault('passthrough')
    .describe('Every tool by itself, or all behind `inspect`, `exec` and `resources`.'),
  lean: z
    .boolean()
    .prefault(false)
    .describe(
      'List tools without what says nothing: unused schema definitions, `$schema`, hints and keywords that equal their default, titles that repeat the name.',
    ),
});

/** The native file, as it is written. Unknown keys are errors everywhere but under `extensions`. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the JSON Schema of this file.'),
  version: z.literal(1).prefault(1).describe('Version of the format.'),
  server: server.prefault({}).describe('The listener.'),
  upstreams: z.record(z.string(), upstreamSchema).prefault({}).describe('The MCP servers behind the gateway, by id.'),
  defaults: upstreamSchema.prefault({}).describe('Any key of an upstream; laid under every one of them.'),
  endpoints: endpointsSchema,
  endpointDefaults: endpointDefaultsSchema,
  views: z.record(z.string(), view).prefault({}).describe('Further selections of tools, each at `/mcp/<name>`.'),
  defaultView: z
    .string()
    .optional()
    .describe('What `/mcp` shows: `passthrough`, `converged`, an upstream or a view. Absent: the gateway decides.'),
  naming: z
    .strictObject({
      prefix: z
        .enum(['always', 'collision', 'never'])
        .prefault('always')
        .describe('When a tool name gets its upstream in front (`server__tool`) in a view of several upstreams.'),
    })
    .prefault({})
    .describe('Names shown to clients.'),
  converged: z
    .strictObject({
      dialect: z
        .enum(['inspect-exec', 'describe-call', 'invoke-read'])
        .prefault('inspect-exec')
        .describe('Which generation of the converged tools is shown.'),
      tokens: z.number().int().min(100).prefault(2000).describe('Budget of their definitions, in estimated tokens.'),
      structuredContent: z.boolean().prefault(false).describe('Also send results as structured content.'),
    })
    .prefault({})
    .describe('The converged view.'),
  compression: z
    .strictObject({
      toon: z
        .strictObject({
          enabled: z.boolean().prefault(true).describe('Write results as TOON where that is shorter.'),
          minSize: count.prefault(1).describe('Smallest number of entries to try it on.'),
          indent: z
            .union([z.literal(1), z.literal(2)])
            .prefault(1)
            .describe('Spaces in front of a row; 2 for programs that read TOON with a decoder left at its defaults.'),
        })
        .prefault({})
        .describe('Results of the converged view.'),
      schema: z
        .strictObject({
          enabled: z.boolean().prefault(true).describe('Show schemas as TypeScript signatures.'),
          maxDescription: count.prefault(300).describe('Characters kept of a description inside a signature.'),
        })
        .prefault({})
        .describe('Schemas in the converged view.'),
    })
    .prefault({})
    .describe('Saving tokens in the converged view.'),
  customTools: customToolsSchema,
  cache: z
    .strictObject({
      maxEntries: atLeastOne.prefault(1000).describe('Results kept at most.'),
      ttl: someTime.prefault('300s').describe('How long a result is kept, where its upstream does not say.'),
      strategy: z.enum(['lru', 'ttl', 'lru_ttl']).prefault('lru_ttl').describe('What goes first when it is full.'),
      coalesceWait: someTime.prefault('60s').describe('Longest wait of a call for an equal one that is under way.'),
    })
    .prefault({})
    .describe('Where results are kept, for the upstreams that switch it on.'),
  limits: z
    .strictObject({
      body: size.prefault('4MB').describe('Largest request body.'),
      depth: atLeastOne.max(512).prefault(64).describe('Deepest nesting of JSON in a request.'),
      inline: size.prefault('32KB').describe('Larger texts become a preview and a handle in the converged view.'),
      sessions: atLeastOne.prefault(600).describe('Sessions that one key may open per minute.'),
      gateway: atLeastOne.prefault(1000).describe('Calls at the same time, over all upstreams.'),
    })
    .prefault({})
    .describe('What callers may ask for.'),
  keys: z.array(keySchema).prefault([]).describe('API keys. Without one, only this machine is served.'),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .prefault('info')
        .describe('The least important messages to write.'),
      file: z.string().min(1).optional().describe('File to write to, relative to this one; absent: stderr.'),
    })
    .prefault({})
    .describe('The log.'),
  storage: z
    .strictObject({
      dir: z.string().min(1).optional().describe('Data directory, relative to this file.'),
      history: atLeastOne.prefault(50).describe('Versions of the configuration that are kept.'),
      callLog: callLogSchema,
      audit: auditSchema,
      shared: sharedSchema.optional(),
    })
    .prefault({})
    .describe('What is kept on disk.'),
  security: securitySchema,
  monitor: monitorSchema,
  tracing: tracingSchema,
  locale: z.enum(['auto', 'en', 'zh']).prefault('auto').describe('Language of the command line and of hints.'),
  extensions: z.record(z.string(), z.unknown()).prefault({}).describe('Keys of other programs; kept, never read.'),
});

/** What a person may write: every key optional, durations and sizes as texts or numbers. */
export type ConfigInput = z.input<typeof configSchema>;
/** One upstream as a person may write it. */
export type UpstreamInput = z.input<typeof upstreamSchema>;

/** What one replica has in place of the upstream's own; finished as the upstream is. */
export interface ReplicaConfig {
  command?: string | undefined;
  args?: string[] | undefined;
  cwd?: string | undefined;
  env?: Record<string, string> | undefined;
  url?: string | undefined;
  headers?: Record<string, string> | undefined;
  tls?: z.output<typeof upstreamSchema>['tls'];
  transport?: TransportKind | 'auto' | undefined;
  unresolved?: readonly string[] | undefined;
  invalid?: readonly string[] | undefined;
}

/** One upstream with `defaults` laid under it, every default filled in, references resolved. Never changed. */
export interface UpstreamConfig extends Omit<z.output<typeof upstreamSchema>, 'transport' | 'replicas'> {
  /** `auto` only where a URL leaves it open; a command is `stdio`, a ws:// URL `websocket`. */
  transport: TransportKind | 'auto';
  /** What differs between the servers behind this name; nothing where there is one server. */
  replicas: readonly ReplicaConfig[];
  /** References that could not be resolved, as written; their values are not known. The start fails (F-K9). */
  unresolved: readonly string[];
  /** Why it cannot be started although the file is served: what a foreign file says wrongly of this one upstream. */
  invalid: readonly string[];
  /** Values that references stood for; see `secretsOf`. */
  secrets: readonly string[];
}

/** The whole configuration, parsed: durations in milliseconds, sizes in bytes. Frozen. */
export interface Config
  extends Omit<z.output<typeof configSchema>, 'upstreams' | 'defaults' | 'endpoints' | 'endpointDefaults' | '$schema'> {
  /** In the order of the file. */
  upstreams: Record<string, UpstreamConfig>;
  /** In the order of the file, those without an address left out. */
  endpoints: readonly EndpointConfig[];
  /** Values that a file or the store of secrets gave for keys outside of `upstreams`; see `secretsOf`. */
  secrets: readonly string[];
}

export type ViewConfig = z.output<typeof view>;

/** Gives a configuration its type in a program that embeds the gateway; changes nothing. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
