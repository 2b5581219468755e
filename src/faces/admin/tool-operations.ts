// Tools, resources and prompts: listed with what they cost, switched, tried.
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { CallContext } from '../../core/context.ts';
import { GatewayFault } from '../../core/fault.ts';
import type { JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import type { Operation } from '../../core/operation.ts';
import type { UpstreamAnswer } from '../../core/outcome.ts';
import { validationDetails } from '../../http/validation.ts';
import { type ApiCall, type ApiOperation, ok, operation, Refusal, whole } from './api.ts';
import type { AdminDeps } from './deps.ts';
import { exposedNames, showTool, theUpstream } from './show.ts';

const MOST = 10_000;

export function toolOperations(deps: AdminDeps): ApiOperation[] {
  /** @throws GatewayFault */
  function theTool({ params }: ApiCall): { upstream: string; name: string; definition: JsonObject } {
    const upstream = theUpstream(deps, params.upstream as string);
    const name = params.tool as string;
    const definition = upstream.lists.tools.find((tool) => tool.name === name);
    if (definition !== undefined) return { upstream: upstream.name, name, definition };
    const near = nearest(
      name,
      upstream.lists.tools.map((tool) => String(tool.name)),
    );
    throw new GatewayFault('TOOL_UNKNOWN', `${upstream.name} has no tool ${JSON.stringify(name)}`, {
      upstream: upstream.name,
      data: { near },
    });
  }

  const listed = ({ query }: ApiCall) => {
    const only = query.get('upstream');
    return only === null ? deps.upstreams() : [theUpstream(deps, only)];
  };
  const subject = ({ params }: ApiCall): string => `${params.upstream}/${params.tool}`;
  const toggle = (verb: 'enable' | 'disable', summary: string): ApiOperation => ({
    method: 'POST',
    path: `/tools/{upstream}/{tool}/${verb}`,
    needs: 'admin',
    tag: 'tools',
    summary,
    audited: (call) => ({ action: `${verb} tool`, subject: subject(call) }),
    handle: async (call) => {
      const { upstream, name } = theTool(call);
      await deps.control.setToolEnabled(upstream, name, verb === 'enable', call.principal.id);
      return ok;
    },
  });
  const given = z.record(z.string(), z.unknown());

  return [
    {
      method: 'GET',
      path: '/tools',
      needs: 'admin',
      tag: 'tools',
      summary: 'Tools of all upstreams, with signature and tokens of each',
      query: { upstream: 'only of this one', q: 'words in name or description', limit: '1000 by default' },
      answer: '{total, tools: […]}',
      handle: (call) => {
        const words = (call.query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
        const found = listed(call).flatMap((upstream) =>
          upstream.lists.tools
            .filter((tool) => {
              const text = `${upstream.name} ${String(tool.name)} ${String(tool.description ?? '')}`.toLowerCase();
              return words.every((word) => text.includes(word));
            })
            .map((tool) => ({ upstream: upstream.name, tool })),
        );
        const names = exposedNames(deps);
        const limit = whole(call.query, 'limit', 1000, MOST);
        const tools = found.slice(0, limit).map(({ upstream, tool }) => showTool(deps, upstream, tool, names, false));
        return { total: found.length, tools };
      },
    },
    {
      method: 'GET',
      path: '/tools/{upstream}/{tool}',
      needs: 'admin',
      tag: 'tools',
      summary: 'One tool with its schemas',
      handle: (call) => {
        const { upstream, definition } = theTool(call);
        return showTool(deps, upstream, definition, exposedNames(deps), true);
      },
    },
    toggle('enable', 'Offer the tool'),
    toggle('disable', 'Do not offer the tool on any face (X-06)'),
    operation({
      method: 'POST',
      path: '/tools/{upstream}/{tool}/call',
      needs: 'admin',
      tag: 'tools',
      summary: 'Try a tool',
      body: z.strictObject({ arguments: given.prefault({}) }),
      answer:
        '{result, timing} or {error, timing}; 422 with the places of arguments that do not fit, before it is sent',
      audited: (call) => ({ action: 'call tool', subject: subject(call) }),
      handle: async (call) => {
        const { upstream, name, definition } = theTool(call);
        const params = { name, arguments: call.body.arguments };
        const wrong = await deps.checkArguments?.(upstream, definition.inputSchema, params.arguments);
        if (wrong !== undefined && wrong.length > 0)
          throw new Refusal(422, validationDetails(wrong, ['body', 'arguments']));
        return run(call, { kind: 'call-tool', upstream, name, params });
      },
    }),
    {
      method: 'GET',
      path: '/resources',
      needs: 'admin',
      tag: 'resources',
      summary: 'Resources and templates of all upstreams',
      query: { upstream: 'only of this one' },
      answer: '{resources: […], templates: […]}',
      handle: (call) => {
        const of = (kind: 'resources' | 'resourceTemplates') =>
          listed(call).flatMap((upstream) =>
            upstream.lists[kind].map((entry) => ({ upstream: upstream.name, ...entry })),
          );
        return { resources: of('resources').slice(0, MOST), templates: of('resourceTemplates').slice(0, MOST) };
      },
    },
    operation({
      method: 'POST',
      path: '/resources/read',
      needs: 'admin',
      tag: 'resources',
      summary: 'Read a resource',
      body: z.strictObject({ upstream: z.string().min(1), uri: z.string().min(1) }),
      answer: '{result, timing} or {error, timing}',
      audited: ({ body }) => ({ action: 'read resource', subject: `${body.upstream} ${body.uri}` }),
      handle: (call) => {
        const { uri } = call.body;
        const { name } = theUpstream(deps, call.body.upstream);
        return run(call, { kind: 'read-resource', upstream: name, uri, params: { uri } });
      },
    }),
    {
      method: 'GET',
      path: '/prompts',
      needs: 'admin',
      tag: 'prompts',
      summary: 'Prompts of all upstreams',
      query: { upstream: 'only of this one' },
      answer: '{prompts: […]}',
      handle: (call) => ({
        prompts: listed(call)
          .flatMap((upstream) => upstream.lists.prompts.map((entry) => ({ upstream: upstream.name, ...entry })))
          .slice(0, MOST),
      }),
    },
    operation({
      method: 'POST',
      path: '/prompts/{upstream}/{prompt}/get',
      needs: 'admin',
      tag: 'prompts',
      summary: 'Fill in a prompt',
      body: z.strictObject({ arguments: z.record(z.string(), z.string()).prefault({}) }),
      answer: '{result, timing} or {error, timing}',
      handle: (call) => {
        const { name: upstream } = theUpstream(deps, call.params.upstream as string);
        const name = call.params.prompt as string;
        return run(call, { kind: 'get-prompt', upstream, name, params: { name, arguments: call.body.arguments } });
      },
    }),
    {
      method: 'POST',
      path: '/calls/{id}/replay',
      needs: 'admin',
      tag: 'calls',
      summary: 'Call a read-only tool again with the arguments that were kept (storage.callLog.arguments: redacted)',
      answer: '{result, timing} or {error, timing}',
      audited: ({ params }) => ({ action: 'replay call', subject: params.id as string }),
      handle: (call) => {
        const row = deps.views.call(call.params.id as string);
        if (row === undefined) throw new Refusal(404, 'this call is not kept any more');
        if (row.method !== 'tools/call') throw new Refusal(409, 'only calls of tools are repeated');
        if (deps.tool(row.upstream, row.subject)?.safety !== 'read')
          throw new Refusal(409, `${row.subject} does not declare itself read-only`);
        const kept = row.arguments;
        if (typeof kept !== 'object' || kept === null || JSON.stringify(kept).includes('***'))
          throw new Refusal(409, 'its arguments were not kept whole');
        const params = { name: row.subject, arguments: kept as JsonObject };
        return run(call, { kind: 'call-tool', upstream: row.upstream, name: row.subject, params });
      },
    },
  ];

  async function run({ principal, signal }: ApiCall, wanted: Operation): Promise<JsonObject> {
    const context: CallContext = {
      id: randomUUID(),
      face: 'admin',
      principal,
      client: {
        era: 'legacy',
        revision: '2025-11-25',
        capabilities: {},
        info: { name: 'dashboard', version: deps.version },
        key: `admin:${principal.id}`,
      },
      deadline: Number.POSITIVE_INFINITY,
      signal,
    };
    const answer: UpstreamAnswer = await deps.dispatch(wanted, context);
    const { timing } = answer;
    if ('error' in answer) return { id: context.id, error: answer.error, timing };
    return { id: context.id, result: answer.result.value, bytes: answer.result.size, timing };
  }
}
