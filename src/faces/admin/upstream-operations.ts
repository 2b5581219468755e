// Upstreams: seen, restarted, switched, paused, added and removed (1.7, 3.8, 4.5).
import * as z from 'zod';
import type { ConfigChange } from '../../core/ports.ts';
import { type ApiCall, type ApiOperation, flag, ok, operation, Refusal, Reply, whole } from './api.ts';
import { changed } from './config-operations.ts';
import type { AdminDeps, LoginPort } from './deps.ts';
import { showUpstream, theUpstream } from './show.ts';

const LOG_LINES = 1000;
const TAG = 'upstreams';

export function upstreamOperations(deps: AdminDeps): ApiOperation[] {
  const { control } = deps;
  const name = ({ params }: ApiCall): string => theUpstream(deps, params.name as string).name;
  const audited = (action: string) => (call: ApiCall) => ({ action, subject: call.params.name as string });
  const apply = async (change: ConfigChange, call: ApiCall, reason: string): Promise<unknown> =>
    changed(await deps.config.apply(change, { by: call.principal.id, reason }));
  const logins = (): LoginPort => {
    if (deps.logins === undefined) throw new Refusal(501, 'logins are not available');
    return deps.logins;
  };
  const settings = z.record(z.string(), z.unknown()).describe('Its keys, as in the configuration file.');

  const simple = (verb: string, summary: string, run: (upstream: string, call: ApiCall) => unknown): ApiOperation => ({
    method: 'POST',
    path: `/upstreams/{name}/${verb}`,
    needs: 'admin',
    tag: TAG,
    summary,
    audited: audited(verb),
    handle: async (call) => {
      await run(name(call), call);
      return ok;
    },
  });

  return [
    {
      method: 'GET',
      path: '/upstreams',
      needs: 'read',
      tag: TAG,
      summary: 'All upstreams with state, reason, attempts, next try, score',
      answer: '{upstreams: […]}',
      handle: () => ({ upstreams: deps.upstreams().map((upstream) => showUpstream(deps, upstream, false)) }),
    },
    operation({
      method: 'POST',
      path: '/upstreams',
      needs: 'admin',
      tag: TAG,
      summary: 'Add an upstream to the configuration',
      body: z.strictObject({ name: z.string().min(1), config: settings }),
      audited: ({ body }) => ({ action: 'add', subject: body.name }),
      handle: async (call) => {
        const { body } = call;
        if (deps.upstreams().some((upstream) => upstream.name === body.name))
          throw new Refusal(409, `there is an upstream called ${JSON.stringify(body.name)}`);
        const change = { edits: [{ path: ['upstreams', body.name], value: body.config }] };
        return new Reply(201, await apply(change, call, `added ${body.name}`));
      },
    }),
    operation({
      method: 'POST',
      // Not below `/upstreams`: there it would stand in the way of one that is called so.
      path: '/paste',
      needs: 'admin',
      tag: TAG,
      summary:
        'Read pasted text (JSON as any known program writes it, a command line, an address) without adding it (X-14)',
      body: z.strictObject({ text: z.string().min(1) }),
      answer: '{format, upstreams: {name: settings}, notes: […]}',
      handle: async ({ body }) => {
        if (deps.readPasted === undefined) throw new Refusal(501, 'this gateway reads no pasted text');
        const read = await deps.readPasted(body.text);
        if (!read.ok) throw new Refusal(422, { message: 'the text could not be read', problems: read.problems });
        const { ok: _, ...found } = read;
        return found;
      },
    }),
    {
      method: 'GET',
      path: '/upstreams/{name}',
      needs: 'read',
      tag: TAG,
      summary: 'One upstream; an admin sees its settings too, without the values of variables and headers',
      handle: (call) => showUpstream(deps, theUpstream(deps, name(call)), call.principal.roles.includes('admin')),
    },
    operation({
      method: 'PUT',
      path: '/upstreams/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Replace the settings of an upstream; `***` keeps a value',
      body: settings,
      audited: audited('change'),
      handle: (call) =>
        apply({ edits: [{ path: ['upstreams', name(call)], value: call.body }] }, call, `changed ${name(call)}`),
    }),
    {
      method: 'DELETE',
      path: '/upstreams/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Take an upstream out of the configuration; its calls are drained first',
      audited: audited('remove'),
      handle: (call) =>
        apply({ edits: [{ path: ['upstreams', name(call)], value: null }] }, call, `removed ${name(call)}`),
    },
    {
      method: 'POST',
      path: '/upstreams/{name}/restart',
      needs: 'admin',
      tag: TAG,
      summary: 'Restart; with force also during a cool-down, which is skipped once (10.3, X-47)',
      query: { force: 'skip the cool-down and close the breaker' },
      audited: (call) => ({
        action: flag(call.query, 'force') ? 'restart by force' : 'restart',
        subject: call.params.name as string,
      }),
      handle: (call) => {
        const upstream = theUpstream(deps, name(call));
        const force = flag(call.query, 'force');
        control.restart(upstream.name, { force });
        // A start asked for during a cool-down is skipped, and told as such (C-02).
        const { state } = upstream;
        if (state.state !== 'cooling_down') return { ...ok, state: state.state };
        const retryAfterMs = Math.max(0, state.until - Date.now());
        return { ok: false, state: state.state, skipped: 'cooling_down', retryAfterMs };
      },
    },
    simple('enable', 'Switch on, kept in the configuration', (upstream, { principal }) =>
      control.setEnabled(upstream, true, principal.id),
    ),
    simple('disable', 'Switch off, kept in the configuration', (upstream, { principal }) =>
      control.setEnabled(upstream, false, principal.id),
    ),
    simple('pause', 'Let calls wait up to timeouts.ready, then refuse them with who paused it', (upstream, call) =>
      control.pause(upstream, call.principal.id),
    ),
    simple('resume', 'Let calls through again', (upstream) => control.resume(upstream)),
    {
      method: 'POST',
      path: '/upstreams/{name}/check',
      needs: 'admin',
      tag: TAG,
      summary: 'Ask the upstream now whether it answers',
      answer: '{healthy, ms} or {healthy: false, detail}',
      handle: async (call) => {
        const upstream = name(call);
        if (control.check === undefined) throw new Refusal(501, 'checks on demand are not available');
        try {
          return { healthy: true, ms: await control.check(upstream, call.signal) };
        } catch (error) {
          return { healthy: false, detail: deps.redact(error instanceof Error ? error.message : String(error)) };
        }
      },
    },
    {
      method: 'POST',
      path: '/upstreams/{name}/login',
      needs: 'admin',
      tag: TAG,
      summary: 'Begin a login at an upstream that is protected; the address is for a browser, once',
      query: { force: 'also where the server keeps asking for scopes that it was asked for' },
      answer: '{url, expires}',
      audited: audited('login'),
      handle: (call) => logins().begin(name(call), { force: flag(call.query, 'force') }),
    },
    {
      method: 'DELETE',
      path: '/upstreams/{name}/login',
      needs: 'admin',
      tag: TAG,
      summary: 'Log out: forget tokens and registration, and revoke the token where the server can',
      answer: '{ok: true, was} (was: whether there was a login)',
      audited: audited('logout'),
      handle: async (call) => ({ ...ok, was: await logins().logout(name(call)) }),
    },
    {
      method: 'GET',
      path: '/upstreams/{name}/logs',
      needs: 'admin',
      tag: TAG,
      summary: 'The last lines of its stderr',
      query: { lines: 'how many, 200 by default' },
      answer: '{lines: […]}',
      handle: (call) => {
        const { stderr } = theUpstream(deps, name(call)).facts();
        const lines = whole(call.query, 'lines', 200, LOG_LINES);
        return { lines: stderr.slice(-lines).map((line) => deps.redact(line)) };
      },
    },
    {
      method: 'GET',
      path: '/upstreams/{name}/processes',
      needs: 'admin',
      tag: TAG,
      summary: 'Its processes, the leader first (C-72)',
      answer: '{processes: [{pid, parent, state, rss, cpu}]}',
      handle: async (call) => ({ processes: await control.processes(name(call)) }),
    },
    {
      method: 'GET',
      path: '/upstreams/{name}/samples',
      needs: 'read',
      tag: TAG,
      summary: 'Kept samples, newest last (C-54); `gateway` names the gateway itself',
      query: { limit: 'how many, 100 by default' },
      answer: '{samples: […]}',
      handle: ({ params, query }) => {
        const subject = params.name === 'gateway' ? 'gateway' : theUpstream(deps, params.name as string).name;
        return { samples: deps.views.samples(subject, whole(query, 'limit', 100, 100_000)) };
      },
    },
  ];
}
