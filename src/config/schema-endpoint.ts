// What may be said about an endpoint: a remote MCP client that the gateway dials (requirements 8.2, 10.2). Every key has
// its default and its description here; `endpointDefaults` takes the same keys but for those that make one unique.
import * as z from 'zod';
import { isObject, type JsonObject } from '../core/json.ts';
import { type Finding, findingsOf } from './issues.ts';
import { laidOver } from './layers.ts';
import { UNCOMPILED } from './parsing.ts';
import type { Path } from './problem.ts';
import { tls } from './schema-upstream.ts';
import { anyTime, size, someTime } from './units.ts';

const atLeastOne = z.number().int().min(1);

const tools = z.strictObject({
  allow: z.array(z.string()).prefault(['*']).describe('Tools it is shown.'),
  disabled: z.array(z.string()).prefault([]).describe('Tools it is not shown and may not call; wins over `allow`.'),
});

const timeouts = z.strictObject({
  dial: someTime.prefault('10s').describe('TCP, TLS and upgrade of one dial.'),
  drain: anyTime.prefault('15s').describe('What calls in flight are given before the connection is closed.'),
});

const health = z.strictObject({
  interval: someTime.prefault('30s').describe('Time between two WebSocket pings.'),
  timeout: someTime.prefault('10s').describe('How long the peer has to answer one; then it is dialled again.'),
  silence: anyTime
    .prefault('30m')
    .describe('An open connection without a single message for this long is dialled again; 0: never.'),
});

const reconnect = z.strictObject({
  enabled: z.boolean().prefault(true).describe('False: a lost connection stays lost until somebody connects it.'),
  baseDelay: someTime.prefault('1s').describe('Upper bound of the first wait; it doubles, with full jitter.'),
  maxDelay: someTime.prefault('60s').describe('Upper bound of every wait.'),
  stableAfter: someTime.prefault('60s').describe('Connected for this long, waits begin at the start again.'),
  quickAttempts: atLeastOne
    .prefault(10)
    .describe('Failures in a row after which the longest wait is used and an alert is raised; it never gives up.'),
  replacedDelay: someTime
    .prefault('5m')
    .describe('Wait after the peer said that another client took the place; it doubles, up to an hour.'),
});

const longTool = z.strictObject({
  enabled: z
    .boolean()
    .prefault(true)
    .describe('Answer a call that takes long with a task number, under which its result can be had later.'),
  after: someTime.prefault('8s').describe('How long a call may take before that.'),
  keep: someTime.prefault('5m').describe('How long a late result is kept.'),
});

const own = {
  url: z.string().describe('Where to dial: ws:// or wss://, the token in it. Empty or a placeholder: ignored.'),
  name: z
    .string()
    .regex(/^[^\s/\p{Cc}]{1,64}$/u, { error: 'expected up to 64 characters without spaces and slashes' })
    .optional()
    .describe("Its name in status, log and commands. Absent: the token's agent, else the host."),
  group: z.string().min(1).optional().describe('Endpoints of one group stand in for each other.'),
  role: z
    .enum(['active', 'standby'])
    .prefault('active')
    .describe('A standby serves while an active endpoint of its group is lost.'),
  standby: z
    .enum(['warm', 'cold'])
    .optional()
    .describe(
      'Connected with an empty list, or not dialled, until it is needed. Absent: warm; cold where two entries share a token.',
    ),
};

const shared = {
  enabled: z.boolean().prefault(true).describe('False: known, but not dialled.'),
  view: z.string().min(1).prefault('passthrough').describe('What it is shown: a view or an upstream.'),
  tools: tools
    .prefault({})
    .describe("Globs over `upstream/tool`; a pattern without `/` is compared with the tool's own name."),
  maxTools: atLeastOne.optional().describe('Tools listed at most; the first ones count. Some relays hang above 25.'),
  maxBytes: size.optional().describe('Size of the list of tools at most.'),
  pageSize: atLeastOne.optional().describe('Tools on one page of the list. Absent: one page.'),
  maxResult: size.prefault('16KB').describe('Size of one result; a longer one is cut, with a note.'),
  onLost: z
    .enum(['finish', 'cancel'])
    .prefault('finish')
    .describe('What becomes of calls in flight when their connection is lost. Their answers are dropped either way.'),
  onChange: z
    .enum(['notify', 'redial', 'both'])
    .prefault('notify')
    .describe('How it learns of changed tools: by `list_changed`, by a new connection, or both.'),
  locale: z
    .enum(['auto', 'en', 'zh'])
    .prefault('auto')
    .describe("Language of the gateway's own messages to it. `auto`: that of the gateway, else Chinese."),
  timeouts: timeouts.prefault({}).describe('How long things may take.'),
  health: health.prefault({}).describe('Finding out that nobody is at the other end.'),
  reconnect: reconnect.prefault({}).describe('Connecting again.'),
  longTool: longTool.prefault({}).describe('Calls that take longer than the peer waits.'),
  strategy: z
    .enum(['round-robin', 'random', 'health-based'])
    .prefault('health-based')
    .describe('Which standby of the group is promoted, where there are several.'),
  standDownAfter: anyTime
    .prefault('5s')
    .describe('How long the active endpoint must be back before its standby stands down.'),
  tls: tls.optional().describe('TLS of the connection.'),
};

export const endpointSchema = z.strictObject({ ...own, ...shared }).meta({ id: 'endpoint' });

export const endpointsSchema = z
  .union([z.string(), z.array(z.union([z.string(), endpointSchema]))], {
    error: 'expected the URL of an endpoint, or a list of URLs and objects',
  })
  .prefault([])
  .describe('Remote MCP clients to dial (Xiaozhi): a URL, or a list of URLs and objects. Empty: none.');

export const endpointDefaultsSchema = z
  .strictObject(shared)
  .prefault({})
  .describe('Any other key of an endpoint; laid under every one of them.');

/** One endpoint with `endpointDefaults` laid under it and every default filled in. Never changed. */
export interface EndpointConfig extends Omit<z.output<typeof endpointSchema>, 'standby'> {
  standby: 'warm' | 'cold';
  /** Where it stands in the list, those of the environment behind those of the file; no setting. */
  place: number;
}

export interface FinishedEndpoints {
  endpoints: EndpointConfig[];
  problems: Finding[];
  warnings: Finding[];
}

/** What xiaozhi-client writes into a fresh file, in place of an address (D-05). */
const PLACEHOLDER = '<请填写';

/**
 * Finishes the endpoints of a parsed file; `input` is the file itself. Placeholders are left out, and told.
 * @param views every view and upstream by name, and how it shows its tools
 */
export function finishEndpoints(
  input: JsonObject,
  views: ReadonlyMap<string, 'passthrough' | 'converged'>,
): FinishedEndpoints {
  const found: FinishedEndpoints = { endpoints: [], problems: [], warnings: [] };
  const given = Array.isArray(input.endpoints) ? input.endpoints : [input.endpoints ?? []].flat();
  const entries = given.map((entry): JsonObject => (isObject(entry) ? entry : { url: entry }));
  const tokens = entries.map(({ url }) => tokenOf(url));
  const defaults = isObject(input.endpointDefaults) ? input.endpointDefaults : {};
  const finish = (entry: JsonObject, index: number) => {
    const path: Path = Array.isArray(input.endpoints) ? ['endpoints', index] : ['endpoints'];
    const problem = (message: string, hint?: string): void => void found.problems.push({ path, message, hint });
    const ignored = (message: string): void =>
      void found.warnings.push({ path, message: `${message}; this endpoint is ignored` });
    const merged = endpointSchema.safeParse(laidOver(defaults, entry), UNCOMPILED);
    if (!merged.success) {
      for (const finding of findingsOf(merged.error, endpointSchema, entry))
        found.problems.push({ ...finding, path: [...path, ...finding.path] });
      return;
    }
    const endpoint = { ...merged.data, url: merged.data.url.trim() };
    const { url, name, view, role, tools: filter } = endpoint;
    if (url === '') return ignored('there is no address yet');
    if (url.includes(PLACEHOLDER)) return ignored('the address is still a placeholder');
    if (url.includes('${')) return ignored('the address names something that has no value');
    if (!isEndpointUrl(url)) return problem('expected a URL that starts with ws:// or wss://');
    if (name !== undefined && found.endpoints.some((other) => other.name === name))
      return problem(`the name "${name}" is used twice`);
    const shares = tokens.filter((other) => other === tokenOf(url)).length > 1;
    if (role === 'active' && found.endpoints.some((other) => other.role === 'active' && other.url === url))
      return ignored('this address stands here twice');
    const filtered = filter.disabled.length > 0 || filter.allow.some((glob) => glob !== '*');
    if (views.get(view) === 'converged' && filtered)
      return problem(
        'tools behind a converged view cannot be filtered here',
        'leave them out of a view of style "converged", and show that one',
      );
    if (!views.has(view))
      found.warnings.push({ path, message: `there is no view "${view}"; this endpoint is shown no tools` });
    if (role === 'standby' && endpoint.group === undefined)
      found.warnings.push({ path, message: 'a standby without a group is never needed' });
    found.endpoints.push({ ...endpoint, standby: endpoint.standby ?? (shares ? 'cold' : 'warm'), place: index });
  };
  entries.forEach(finish);
  return found;
}

/** What makes two entries one client for the peer: the token, or the address where it has none. */
function tokenOf(url: unknown): unknown {
  if (typeof url !== 'string' || !URL.canParse(url.trim())) return url;
  return new URL(url.trim()).searchParams.get('token') ?? url.trim();
}

/** Whether a text is the absolute URL of a WebSocket. */
function isEndpointUrl(text: string): boolean {
  return URL.canParse(text) && /^wss?:$/.test(new URL(text).protocol) && new URL(text).hostname !== '';
}
