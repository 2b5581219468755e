// Endpoints: seen, added, replaced, removed, connected and disconnected while running (D-09, D-50). The configuration
// is what is changed, so that they stay; no answer holds a token.
import * as z from 'zod';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { ConfigEdits } from '../../core/ports.ts';
import { type ApiCall, type ApiOperation, ok, operation, Refusal, Reply } from './api.ts';
import { changed } from './config-operations.ts';
import type { AdminDeps, EndpointPort } from './deps.ts';

const TAG = 'endpoints';
const SETTINGS = 'Its other keys, as in the configuration file.';
const added = z.object({ url: z.string().min(1).describe('ws:// or wss://, the token in it.') }).catchall(z.unknown());
const replaced = z
  .object({ url: z.string().min(1).optional().describe('Absent, or with `***` in it: the one it has.') })
  .catchall(z.unknown())
  .describe(SETTINGS);

export function endpointOperations(deps: AdminDeps): ApiOperation[] {
  const port = (): EndpointPort => {
    if (deps.endpoints === undefined) throw new Refusal(501, 'this gateway dials no endpoints');
    return deps.endpoints;
  };
  const unknown = (name: string) => new Refusal(404, `there is no endpoint called ${JSON.stringify(name)}`);
  const audited = (action: string) => (call: ApiCall) => ({ action, subject: call.params.name as string });
  const free = (url: string, unless?: string): void => {
    const other = port().at(url.trim());
    if (other !== undefined && other !== unless)
      throw new Refusal(409, `the endpoint ${JSON.stringify(other)} has this address already`);
  };

  /** Where a running endpoint stands in the list. @throws Refusal */
  const placeOf = (name: string, list: readonly unknown[]): number => {
    if (
      !port()
        .status()
        .some((one) => one.name === name)
    )
      throw unknown(name);
    const place = port().places().get(name);
    if (place === undefined || place >= list.length)
      throw new Refusal(409, 'this endpoint does not stand in the configuration file, but in a variable or a program');
    return place;
  };

  const apply = async (
    make: (list: readonly unknown[]) => { place: number; value: unknown },
    { principal }: Pick<ApiCall, 'principal'>,
    reason: string,
  ): Promise<JsonObject> => {
    let place = -1;
    const change = {
      make: (document: JsonObject, written: JsonObject) => {
        const list = listOf(written.endpoints);
        const edit = make(list);
        place = edit.place;
        return editsOf(document, list, edit);
      },
    };
    const done = changed(await deps.config.apply(change, { by: principal.id, reason })) as JsonObject;
    const [name] = [...port().places()].find(([, at]) => at === place) ?? [];
    return {
      ...done,
      name: name ?? null,
      endpoint:
        port()
          .status()
          .find((one) => one.name === name) ?? null,
    };
  };

  /** Lays the body over what `kept` leaves of the entry that stands there. */
  const change = (call: ApiCall<z.output<typeof replaced>>, kept: (old: JsonObject) => JsonObject) => {
    const { body } = call;
    const name = call.params.name as string;
    if (body.url !== undefined) free(body.url, name);
    const make = (list: readonly unknown[]) => {
      const place = placeOf(name, list);
      const before = list[place];
      const old: JsonObject = isObject(before) ? before : { url: before };
      const url = body.url === undefined || body.url.includes('***') ? old.url : body.url;
      const laid = Object.entries({ ...kept(old), ...body, url }).filter(([, value]) => value !== null);
      return { place, value: Object.fromEntries(laid) };
    };
    return apply(make, call, `changed the endpoint ${name}`);
  };

  return [
    {
      method: 'GET',
      path: '/endpoints',
      needs: 'admin',
      tag: TAG,
      summary: 'Endpoints the gateway dials: state, score, agent, expiry, never the token',
      answer: '{endpoints: […]}',
      handle: () => ({ endpoints: deps.endpoints?.status() ?? [] }),
    },
    operation({
      method: 'POST',
      path: '/endpoints',
      needs: 'admin',
      tag: TAG,
      summary: 'Add an endpoint to the configuration and dial it; the others are not touched',
      body: added,
      answer: '{version, plan, name, endpoint}',
      audited: ({ body }) => ({ action: 'add endpoint', subject: calledFor(body) }),
      handle: async (call) => {
        const { body } = call;
        if (
          typeof body.name === 'string' &&
          port()
            .status()
            .some((one) => one.name === body.name)
        )
          throw new Refusal(409, `there is an endpoint called ${JSON.stringify(body.name)}`);
        free(body.url);
        const entry = Object.keys(body).length === 1 ? body.url : body;
        const make = (list: readonly unknown[]) => ({ place: list.length, value: entry });
        return new Reply(201, await apply(make, call, `added the endpoint ${calledFor(body)}`));
      },
    }),
    operation({
      method: 'PUT',
      path: '/endpoints/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Replace the address or the settings of an endpoint; without an address it keeps its own',
      body: replaced,
      answer: '{version, plan, name, endpoint}',
      audited: audited('change endpoint'),
      handle: (call) => change(call, ({ name }) => ({ ...(name !== undefined && { name }) })),
    }),
    operation({
      method: 'PATCH',
      path: '/endpoints/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Change single keys of an endpoint, its address among them; `null` takes a key away',
      body: replaced,
      answer: '{version, plan, name, endpoint}',
      audited: audited('change endpoint'),
      handle: (call) => change(call, (old) => old),
    }),
    {
      method: 'DELETE',
      path: '/endpoints/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Take an endpoint out of the configuration; its calls are drained first',
      answer: '{ok, version, plan}',
      audited: audited('remove endpoint'),
      handle: async (call) => {
        const name = call.params.name as string;
        const make = (list: readonly unknown[]) => ({ place: placeOf(name, list), value: null });
        const { name: _, endpoint: __, ...done } = await apply(make, call, `removed the endpoint ${name}`);
        return done;
      },
    },
    {
      method: 'POST',
      path: '/endpoints/{name}/connect',
      needs: 'admin',
      tag: TAG,
      summary: 'Dial now, whatever it waits for',
      audited: audited('connect endpoint'),
      handle: ({ params }) => {
        if (!port().connect(params.name as string)) throw unknown(params.name as string);
        return ok;
      },
    },
    {
      method: 'POST',
      path: '/endpoints/{name}/disconnect',
      needs: 'admin',
      tag: TAG,
      summary: 'Disconnect, after its calls, until it is connected again or the gateway is started anew',
      audited: audited('disconnect endpoint'),
      handle: async ({ params }) => {
        if (!(await port().disconnect(params.name as string))) throw unknown(params.name as string);
        return ok;
      },
    },
  ];
}

/** `endpoints` may be a single address. */
function listOf(endpoints: unknown): readonly unknown[] {
  return Array.isArray(endpoints) ? endpoints : endpoints === undefined || endpoints === null ? [] : [endpoints];
}

/** One place of the list where the document has one; else the whole list, with all that stands there already. */
function editsOf(
  document: JsonObject,
  list: readonly unknown[],
  { place, value }: { place: number; value: unknown },
): readonly ConfigEdits[] {
  if (Array.isArray(document.endpoints)) return [{ path: ['endpoints', place], value }];
  const whole = [...list.slice(0, place), ...(value === null ? [] : [value]), ...list.slice(place + 1)];
  return [{ path: ['endpoints'], value: whole }];
}

/** How one that is not there yet is called in the log: by its name, else its host. */
function calledFor({ name, url }: { url: string; name?: unknown }): string {
  if (typeof name === 'string') return name;
  return URL.canParse(url) ? new URL(url).host : 'an address';
}
