// What is going on: status, metrics, calls, alerts, rules, silences, the log.
import * as z from 'zod';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { ConfigControl } from '../../core/ports.ts';
import { redactValue } from '../../core/redact.ts';
import { type ApiCall, type ApiOperation, ok, operation, Refusal, Reply, whole } from './api.ts';
import { changed } from './config-operations.ts';
import type { AdminDeps } from './deps.ts';
import { supportBundle } from './support-bundle.ts';

const MOST_CALLS = 1000;
const LONGEST_SILENCE = 60 * 24 * 90;

export function watchOperations(deps: AdminDeps): ApiOperation[] {
  const { views } = deps;
  const get = (path: string, tag: string, summary: string, handle: () => unknown): ApiOperation => ({
    method: 'GET',
    path,
    needs: 'read',
    tag,
    summary,
    handle,
  });
  return [
    get('/status', 'status', 'Health, scores, rates and open alerts at a glance', () => ({
      ...views.overview(),
      health: deps.health(),
    })),
    get('/health', 'status', 'The report of /health with errors', () => deps.health()),
    get('/metrics', 'status', 'The counters, as /metrics gives them', () => views.metrics()),
    get('/diagnostics', 'status', 'What is wrong, with evidence and what to do', () => views.diagnostics()),
    {
      method: 'GET',
      path: '/support-bundle',
      needs: 'admin',
      tag: 'status',
      summary: 'Everything a bug report needs in one document, without secrets',
      handle: () => supportBundle(deps),
    },
    {
      method: 'GET',
      path: '/calls',
      needs: 'admin',
      tag: 'calls',
      summary: 'Calls of late, newest first',
      query: {
        q: 'words that stand anywhere in the row',
        upstream: 'its name',
        tool: 'tool, prompt or URI',
        client: 'key or client',
        face: 'mcp, openapi, xiaozhi, admin',
        outcome: 'result, tool-error, rpc-error, fault',
        fault: 'a fault class',
        since: 'ISO time',
        until: 'ISO time',
        slowerThan: 'milliseconds',
        limit: '100 by default',
      },
      answer: '{calls: […]}',
      handle: ({ query }) => ({ calls: views.calls(callQuery(query)) }),
    },
    {
      method: 'GET',
      path: '/calls/{id}',
      needs: 'admin',
      tag: 'calls',
      summary: 'One call by its correlation id',
      handle: ({ params }) => {
        const row = views.call(params.id as string);
        if (row === undefined) throw new Refusal(404, 'this call is not kept');
        return row;
      },
    },
    get('/alerts', 'alerts', 'Open alerts and those that are over', () => views.alerts()),
    {
      method: 'POST',
      path: '/alerts/{id}/resolve',
      needs: 'admin',
      tag: 'alerts',
      summary: 'End an open alert by hand; it comes back if its cause does',
      audited: ({ params }) => ({ action: 'resolve alert', subject: params.id as string }),
      handle: ({ params }) => found(views.resolve(params.id as string), 'no open alert has this id'),
    },
    get('/rules', 'alerts', 'The alert rules as they are judged', () => ({ rules: views.rules() })),
    operation({
      method: 'PUT',
      path: '/rules/{name}',
      needs: 'admin',
      tag: 'alerts',
      summary: 'Change a rule or make one; kept in the configuration, in force at once',
      body: z.record(z.string(), z.unknown()).describe('Keys of a rule, as in monitor.rules.'),
      audited: ({ params }) => ({ action: 'change rule', subject: params.name as string }),
      handle: (call) => setRules(deps.config, call, { ...call.body, name: call.params.name }),
    }),
    {
      method: 'DELETE',
      path: '/rules/{name}',
      needs: 'admin',
      tag: 'alerts',
      summary: 'Forget what was changed about a rule: a default one is as it was, another one is gone',
      audited: ({ params }) => ({ action: 'reset rule', subject: params.name as string }),
      handle: (call) => setRules(deps.config, call, undefined),
    },
    get('/silences', 'alerts', 'Silences in force', () => ({ silences: views.silences() })),
    operation({
      method: 'POST',
      path: '/silences',
      needs: 'admin',
      tag: 'alerts',
      summary: 'Tell nobody of alerts of a rule, a subject, or both, for a while',
      body: z.strictObject({
        rule: z.string().min(1).prefault('*').describe('Its name, or `*`.'),
        subject: z.string().min(1).prefault('*').describe('An upstream, `gateway`, or `*`.'),
        minutes: z.number().gt(0).max(LONGEST_SILENCE),
        reason: z.string().max(500).prefault(''),
      }),
      audited: ({ body }) => ({ action: 'silence', subject: `${body.rule} ${body.subject}` }),
      handle: ({ body, principal }) => new Reply(201, views.silence({ ...body, by: principal.id })),
    }),
    {
      method: 'DELETE',
      path: '/silences/{id}',
      needs: 'admin',
      tag: 'alerts',
      summary: 'End a silence',
      audited: ({ params }) => ({ action: 'end silence', subject: params.id as string }),
      handle: ({ params }) => found(views.unsilence(params.id as string), 'no silence has this id'),
    },
    {
      method: 'POST',
      path: '/sinks/test',
      needs: 'admin',
      tag: 'alerts',
      summary: 'Send a test message through every sink',
      answer: '{name: null or why it failed}',
      handle: () => views.testSinks(),
    },
    {
      method: 'GET',
      path: '/sessions',
      needs: 'admin',
      tag: 'sessions',
      summary: 'Client sessions that hold a stream open, or for which something is kept',
      handle: () => redactValue({ sessions: deps.sessions?.() ?? [] }, deps.redact),
    },
    {
      method: 'GET',
      path: '/log',
      needs: 'admin',
      tag: 'log',
      summary: 'The least level that is written',
      handle: () => ({ level: deps.log?.level() ?? 'info' }),
    },
    operation({
      method: 'PUT',
      path: '/log',
      needs: 'admin',
      tag: 'log',
      summary: 'Change it until the gateway is started again',
      body: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) }),
      audited: ({ body }) => ({ action: 'log level', subject: body.level }),
      handle: ({ body }) => {
        if (deps.log === undefined) throw new Refusal(501, 'the level of this log cannot be changed');
        deps.log.setLevel(body.level);
        return { level: body.level };
      },
    }),
  ];
}

function found(done: boolean, otherwise: string): JsonObject {
  if (!done) throw new Refusal(404, otherwise);
  return ok;
}

function callQuery(query: URLSearchParams): Parameters<AdminDeps['views']['calls']>[0] {
  const text = (name: string): string | undefined => query.get(name) || undefined;
  const time = (name: string): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    const at = Date.parse(given);
    if (Number.isNaN(at)) throw new Refusal(422, `${name} must be an ISO time`);
    return at;
  };
  return {
    text: text('q'),
    upstream: text('upstream'),
    subject: text('tool'),
    client: text('client'),
    face: text('face'),
    outcome: text('outcome'),
    fault: text('fault'),
    since: time('since'),
    until: time('until'),
    slowerThan: query.has('slowerThan') ? whole(query, 'slowerThan', 0, Number.MAX_SAFE_INTEGER) : undefined,
    limit: whole(query, 'limit', 100, MOST_CALLS),
  };
}

/** Writes `monitor.rules` anew: with the given rule, or (undefined) without the one that the path names. */
async function setRules(config: ConfigControl, { params, principal }: ApiCall, rule: unknown): Promise<unknown> {
  const { monitor } = config.effective();
  const rules = isObject(monitor) && Array.isArray(monitor.rules) ? (monitor.rules as JsonObject[]) : [];
  const others = rules
    .filter(({ name }) => name !== params.name)
    // A number is seconds in a file and milliseconds once it is read.
    .map((one) => (typeof one.window === 'number' ? { ...one, window: `${one.window}ms` } : one));
  if (rule === undefined && others.length === rules.length)
    throw new Refusal(404, 'nothing was changed about a rule of this name');
  const edits = [{ path: ['monitor', 'rules'], value: rule === undefined ? others : [...others, rule] }];
  return changed(await config.apply({ edits }, { by: principal.id, reason: `alert rule ${params.name}` }));
}
