// What may be said about one upstream. Every key has its default and its description here and nowhere else: the JSON
// Schema and docs/reference/config.md are made from them.
import * as z from 'zod';
import { upstreamOAuthSchema } from './schema-oauth.ts';
import { anyTime, size, someTime } from './units.ts';

/** The transports that come with the gateway; an embedding program may add names of its own. */
export const TRANSPORTS = ['auto', 'stdio', 'streamable-http', 'sse', 'websocket'] as const;

/** Other spellings of `streamable-http` that are in use (requirements 8.1, 8.2). */
export const STREAMABLE_HTTP_ALIASES: readonly string[] = [
  'http',
  'streamableHttp',
  'streamable_http',
  'streamablehttp',
];

/** What the gateway may say of itself to a server of the 2025 era (requirements 10.6). */
export const DECLARABLE = ['roots', 'sampling', 'elicitation-form', 'elicitation-url'] as const;

const text = z.union([z.string(), z.number(), z.boolean()], { error: 'expected a text' }).transform(String);
const texts = z.record(z.string(), text);
const count = z.number().int().min(0);
const atLeastOne = z.number().int().min(1);

export const tls = z.strictObject({
  ca: z.string().optional().describe('Certificate authority to trust: path of a PEM file, or PEM text.'),
  cert: z.string().optional().describe('Client certificate: path of a PEM file, or PEM text.'),
  key: z.string().optional().describe('Key of the client certificate: path of a PEM file, or PEM text.'),
  servername: z.string().optional().describe('Name to expect in the certificate, if it is not the host of the URL.'),
  insecure: z.boolean().prefault(false).describe('Accept any certificate. For tests only: it is shown in the status.'),
});

const timeouts = z.strictObject({
  dial: someTime.prefault('5s').describe('TCP and TLS of one connection.'),
  connect: someTime.prefault('30s').describe('From dialling a remote upstream to the end of its handshake.'),
  start: someTime.prefault('60s').describe('From spawning a process to the end of its handshake.'),
  ready: someTime.prefault('10s').describe('How long a call waits for an upstream that is coming back.'),
  list: someTime.prefault('10s').describe('One page of a list.'),
  call: someTime.prefault('60s').describe('One call, unless its tool or its caller says otherwise.'),
  drain: someTime.prefault('15s').describe('What calls in flight are given when the upstream is stopped.'),
});

const limits = z.strictObject({
  message: size.prefault('25MB').describe('The largest message taken from the upstream.'),
  inFlight: atLeastOne.prefault(100).describe('Calls at the same time.'),
  queue: count.prefault(200).describe('Calls that wait for a place; more are refused at once.'),
});

const session = z.strictObject({
  mode: z
    .enum(['shared', 'pooled', 'isolated'])
    .prefault('shared')
    .describe('One session for all callers, one per caller, or a fresh one for every call.'),
  declare: z
    .array(z.enum(DECLARABLE))
    .prefault([...DECLARABLE])
    .describe('Client capabilities that the gateway declares to a server of the 2025 era.'),
});

const pool = z.strictObject({
  min: count.prefault(2).describe('Sessions kept ready (pooled and isolated only).'),
  max: atLeastOne
    .prefault(10)
    .describe('Sessions at the same time; with `forwardHeaders` also of callers with headers of their own.'),
  idle: someTime.prefault('300s').describe('How long a session above the minimum may stay unused.'),
  maxAge: someTime.prefault('1h').describe('A session older than this is replaced when it is next unused.'),
});

const recovery = z.strictObject({
  enabled: z.boolean().prefault(true).describe('False: no retry and no waiting, every failure is told at once.'),
  call: z
    .strictObject({
      retries: count.max(10).prefault(2).describe('How often one call is sent again where that is safe.'),
      baseDelay: anyTime.prefault('100ms').describe('Upper bound of the first delay; it doubles, with full jitter.'),
      maxDelay: anyTime.prefault('5s').describe('Upper bound of every delay.'),
    })
    .prefault({})
    .describe('Sending a failed call again.'),
  connect: z
    .strictObject({
      quickAttempts: count.prefault(5).describe('Attempts before the longest delay is reached; it never gives up.'),
      minInterval: anyTime.prefault(0).describe('Shortest time between two attempts.'),
      maxDelay: someTime.prefault('30s').describe('Longest time between two attempts.'),
    })
    .prefault({})
    .describe('Connecting again after the connection was lost.'),
  breaker: z
    .strictObject({
      failures: atLeastOne.prefault(5).describe('Failures of the path in a row that open the breaker.'),
      ratio: z
        .number()
        .gt(0)
        .max(1)
        .prefault(0.5)
        .describe('Share of failures in the window that opens the breaker, from 10 calls on.'),
      window: someTime.prefault('60s').describe('Length of the window.'),
    })
    .prefault({})
    .describe('Refusing calls at once while the path to the upstream is broken.'),
});

const supervisor = z.strictObject({
  stableAfter: anyTime.prefault('60s').describe('Ready for this long, an exit no longer counts as a failed start.'),
  cooldown: z
    .strictObject({
      base: someTime.prefault('60s').describe('Wait after the fourth failed start in a row; it doubles.'),
      cap: someTime.prefault('15m').describe('Longest wait.'),
    })
    .prefault({})
    .describe('Waiting between starts that fail again and again.'),
  memoryLimit: size.optional().describe('Resident memory above which the process is restarted between two calls.'),
  nice: z.number().int().min(-20).max(19).optional().describe('Scheduling priority of the process.'),
  limits: z
    .strictObject({
      openFiles: atLeastOne.optional().describe('Descriptors that each of its processes may have open.'),
      processes: atLeastOne.optional().describe('Processes and threads of its user, all of them.'),
      addressSpace: size.optional().describe('Address space of each of its processes.'),
    })
    .prefault({})
    .describe('Limits that the kernel keeps (Linux, with prlimit of util-linux).'),
  readyPatterns: z
    .array(z.string())
    .prefault([])
    .describe('Texts that the process prints on stderr when it is up. Shown beside its state; never taken as proof.'),
});

const health = z.strictObject({
  enabled: z.boolean().prefault(true).describe('Ask an upstream that has been silent whether it still answers.'),
  interval: someTime.prefault('30s').describe('Silence after which it is asked.'),
  timeout: someTime.prefault('5s').describe('How long it has to answer.'),
  failureThreshold: atLeastOne.prefault(2).describe('Missed answers in a row after which it is replaced.'),
});

const toolOverride = z.strictObject({
  name: z.string().min(1).optional().describe('Name shown instead of its own.'),
  description: z.string().optional().describe('Description shown instead of its own.'),
  timeout: someTime.optional().describe('Replaces `timeouts.call`.'),
  retry: z
    .enum(['never', 'safe', 'always'])
    .optional()
    .describe('When a failed call may be sent again; `always` needs `idempotentHint` or `retryWritesTwice`.'),
  retryWritesTwice: z.boolean().optional().describe('Accept that a write may then happen twice.'),
  cache: z.boolean().optional().describe('Whether results of this tool may be kept.'),
});

const tools = z.strictObject({
  allow: z.array(z.string()).prefault(['*']).describe('Tools to offer: names or globs.'),
  disabled: z.array(z.string()).prefault([]).describe('Tools to leave out: names or globs; wins over `allow`.'),
  overrides: z.record(z.string(), toolOverride).prefault({}).describe('Changes to single tools, by their own name.'),
});

const cache = z.strictObject({
  enabled: z.boolean().prefault(false).describe('Keep results of tools that declare themselves read-only.'),
  ttl: someTime.optional().describe('How long a result is kept; absent: `cache.ttl` of the gateway.'),
  tools: z.array(z.string()).prefault([]).describe('Further tools whose results may be kept: names or globs.'),
});

const forwardHeaders = z.strictObject({
  enabled: z.boolean().prefault(false).describe("Send headers of the caller on to the upstream, in the caller's name."),
  allow: z
    .array(z.string())
    .prefault([])
    .describe(
      'Names to send, in any case, `*` for any characters; empty: all that are not denied. Authorization, Cookie, X-API-Key, Origin and the like only where they are named without a `*`; what belongs to the connection or to MCP never.',
    ),
  deny: z.array(z.string()).prefault([]).describe('Names not to send, likewise; wins over `allow`.'),
  debug: z.boolean().prefault(false).describe('Log which headers were sent on: their names, never their values.'),
});

const replica = z.strictObject({
  command: z.string().min(1).optional().describe('Program to start in place of that of the upstream.'),
  args: z
    .array(z.union([z.string(), z.number()], { error: 'expected a text' }).transform(String))
    .optional()
    .describe('Its arguments.'),
  cwd: z.string().min(1).optional().describe('Its working directory.'),
  env: texts.optional().describe('Variables laid over those of the upstream.'),
  url: z.string().min(1).optional().describe('Address in place of that of the upstream.'),
  headers: texts.optional().describe('Headers laid over those of the upstream.'),
  tls: tls.optional().describe('TLS in place of that of the upstream.'),
  transport: z.string().optional().describe('How to talk to it, where that is another way.'),
});

/** One upstream, as it is written. */
export const upstreamSchema = z
  .strictObject({
    command: z.string().min(1).optional().describe('Program to start; found in PATH, never run by a shell.'),
    args: z
      .array(z.union([z.string(), z.number()], { error: 'expected a text' }).transform(String))
      .prefault([])
      .describe('Arguments of the program, one by one.'),
    cwd: z.string().min(1).optional().describe('Working directory of the program, relative to the configuration file.'),
    env: texts.prefault({}).describe('Environment variables of the program, beside the few that every child gets.'),
    requiredEnv: z.array(z.string()).prefault([]).describe('Variables without which the program is not started.'),
    inheritEnv: z
      .union([z.literal('all'), z.array(z.string())], { error: 'expected "all" or a list of names' })
      .prefault([])
      .describe("Variables of the gateway's own environment to pass on, or `all`."),
    url: z
      .string()
      .refine((url) => url.includes('${') || isServerUrl(url), {
        error: 'expected a URL that starts with http://, https://, ws:// or wss://',
      })
      .optional()
      .describe('Address of a remote server; with `command` as well: of the process that is started.'),
    headers: texts.prefault({}).describe('HTTP headers of every request to the URL.'),
    forwardHeaders: forwardHeaders
      .prefault({})
      .describe(
        'Headers of the caller that go on to the URL (streamable HTTP and SSE; nothing over stdio and WebSocket). Callers whose headers differ never share a session.',
      ),
    tls: tls.optional().describe('TLS of the connection to the URL.'),
    oauth: upstreamOAuthSchema
      .prefault({})
      .describe('Logging in to the URL (streamable HTTP and SSE): `holdfast login`, or the dashboard.'),
    transport: z
      .string()
      .prefault('auto')
      .meta({ enum: [...TRANSPORTS, 'http'] })
      .describe(
        'How to talk to it. `auto`: stdio for a command; for a URL streamable HTTP, else SSE; `http` means `streamable-http`.',
      ),
    enabled: z.boolean().prefault(true).describe('False: known, but neither started nor listed.'),
    alias: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected 1 to 64 of A-Z a-z 0-9 _ -' })
      .optional()
      .describe('Name used in tool prefixes and paths instead of the id.'),
    description: z.string().optional().describe('What it is for, in a sentence.'),
    timeouts: timeouts.prefault({}).describe('How long things may take.'),
    limits: limits.prefault({}).describe('How much is taken on at once.'),
    serial: z.boolean().prefault(false).describe('One call at a time.'),
    session: session.prefault({}).describe('Who shares a session with whom.'),
    pool: pool.prefault({}).describe('Sessions kept for the modes `pooled` and `isolated`.'),
    start: z
      .enum(['eager', 'on-demand'])
      .prefault('eager')
      .describe('Start with the gateway, or with the first call; lists kept from an earlier run are shown meanwhile.'),
    stopWhenIdle: z
      .union([z.literal(false), someTime], { error: 'expected false or a duration' })
      .prefault(false)
      .describe('Stop it after this long without a call; its tools stay listed and a call starts it again.'),
    recovery: recovery.prefault({}).describe('What is done about failures.'),
    supervisor: supervisor.prefault({}).describe('Watching over the process.'),
    health: health.prefault({}).describe('Asking whether it still answers.'),
    tools: tools.prefault({}).describe('Which tools are offered, and how.'),
    cache: cache.prefault({}).describe('Keeping results.'),
    validate: z
      .enum(['auto', 'always', 'never'])
      .prefault('auto')
      .describe('Check arguments against the schema before sending; `auto`: on every face but passthrough.'),
    trustAnnotations: z
      .boolean()
      .prefault(true)
      .describe('Believe what its tools declare of themselves (read-only, idempotent).'),
    idempotencyKey: z
      .boolean()
      .prefault(false)
      .describe('Send a key with every call, not only with one that is sent again, so that the server can tell.'),
    replicas: z
      .array(replica)
      .prefault([])
      .describe('Servers that do the same, each laid over the settings here; calls are spread over exactly these.'),
    singleton: z
      .boolean()
      .prefault(false)
      .describe(
        'Of the gateways that share a store (storage.shared) one runs it; the others reach it through that one.',
      ),
    strategy: z
      .enum(['round-robin', 'random', 'health-based', 'least-busy'])
      .prefault('health-based')
      .describe('Which replica gets a call: in turn, any, by its score, or the one with the fewest calls.'),
  })
  .meta({ id: 'upstream' });

/** Whether a text is the absolute URL of something the gateway can talk to. */
export function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return ['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && hostname !== '';
}
