// The configuration: read without secrets, checked, planned, applied, its versions, back to one of them (X-50, C-63).
import * as z from 'zod';
import type { ConfigChange, ConfigOutcome, ConfigState } from '../../core/ports.ts';
import { type ApiCall, type ApiOperation, operation, Refusal } from './api.ts';
import type { AdminDeps } from './deps.ts';

const etag = z.string().optional().describe('What the change was made from; refused if that is no longer so.');
const change = z.union([
  z.strictObject({ text: z.string().describe('The whole file.'), etag, reason: z.string().max(500).optional() }),
  z.strictObject({
    edits: z
      .array(
        z.strictObject({
          path: z.array(z.union([z.string(), z.number().int().min(0)])).min(1),
          value: z.unknown().describe('`null` takes the key away.'),
        }),
      )
      .min(1)
      .max(1000),
    etag,
    reason: z.string().max(500).optional(),
  }),
]);
type Change = z.output<typeof change>;

/** @throws Refusal with the problems, where it was not taken */
export function changed<T>(outcome: ConfigOutcome<T>): unknown {
  if (outcome.ok) return outcome;
  const status = { invalid: 422, 'changed-meanwhile': 409, 'unknown-version': 404, 'not-written': 507 }[outcome.reason];
  const messages = {
    invalid: 'the configuration was refused; the running one stays',
    'changed-meanwhile': 'the configuration has changed since it was read',
    'unknown-version': 'this version is not kept',
    'not-written': 'the file could not be written; nothing was changed',
  };
  throw new Refusal(status, { message: messages[outcome.reason], problems: outcome.problems });
}

export function configOperations({ config }: AdminDeps): ApiOperation[] {
  const asChange = ({ body, exchange }: ApiCall<Change>): ConfigChange => {
    const { reason: _, ...rest } = body;
    const match = exchange.request.headers['if-match']?.replace(/^"|"$/g, '');
    return { ...rest, etag: rest.etag ?? match } as ConfigChange;
  };
  const version = ({ params }: ApiCall): number => {
    if (!/^\d{1,9}$/.test(params.version as string)) throw new Refusal(404, 'versions are whole numbers');
    return Number(params.version);
  };
  return [
    {
      method: 'GET',
      path: '/config',
      needs: 'admin',
      tag: 'config',
      summary: 'The file as it is read, with `***` for every secret; where changes are written',
      answer: '{version, etag, text, format, file, writes, writesTo}',
      handle: () => config.current(),
    },
    operation({
      method: 'PUT',
      path: '/config',
      needs: 'admin',
      tag: 'config',
      summary: 'Apply a whole text or single edits; `***` keeps the secret that stood there (X-12)',
      body: change,
      answer: '{version, plan, notKept?}',
      audited: () => ({ action: 'apply configuration', subject: 'config' }),
      handle: async (call) =>
        changed(
          await config.apply(asChange(call), { by: call.principal.id, reason: call.body.reason ?? 'management API' }),
        ),
    }),
    operation({
      method: 'POST',
      path: '/config/plan',
      needs: 'admin',
      tag: 'config',
      summary: 'What a change would do, without doing it',
      body: change,
      answer: '{plan}',
      handle: async (call) => changed(await config.plan(asChange(call))),
    }),
    operation({
      method: 'POST',
      path: '/config/validate',
      needs: 'admin',
      tag: 'config',
      summary: 'What is wrong with a change; always 200',
      body: change,
      answer: '{ok, problems}',
      handle: async (call) => {
        const outcome = await config.plan(asChange(call));
        return { ok: outcome.ok, problems: outcome.ok ? [] : outcome.problems };
      },
    }),
    {
      method: 'GET',
      path: '/config/effective',
      needs: 'admin',
      tag: 'config',
      summary: 'The checked configuration with every default',
      handle: () => config.effective(),
    },
    {
      method: 'GET',
      path: '/config/explain',
      needs: 'admin',
      tag: 'config',
      summary: 'Each value and where it comes from: flag, environment, file, overlay or default',
      query: { path: 'Only what stands there and below: `upstreams.files.timeouts`.' },
      answer: '{values: [{path, value, source, name}]}',
      handle: async ({ query }) => ({ values: await config.explain(query.get('path') ?? '') }),
    },
    {
      method: 'GET',
      path: '/config/schema',
      needs: 'admin',
      tag: 'config',
      summary: 'The JSON Schema of the file',
      handle: () => config.schema(),
    },
    {
      method: 'GET',
      path: '/config/versions',
      needs: 'admin',
      tag: 'config',
      summary: 'Every configuration that was applied: when, by whom, why (C-60)',
      answer: '{versions: […]}',
      handle: () => ({ versions: config.versions() }),
    },
    {
      method: 'GET',
      path: '/config/diff',
      needs: 'admin',
      tag: 'config',
      summary: 'What differs between two configurations, without secrets (C-62)',
      query: {
        from: 'A version, `applied` or `file`; without it, the file against the one in force, or the last change.',
        to: 'The same; `applied` if it is left out.',
      },
      answer: '{from, to, diff: {added, removed, modified, settings, restarts}}',
      handle: async ({ query }) => changed(await config.difference(stateOf(query, 'from'), stateOf(query, 'to'))),
    },
    {
      method: 'GET',
      path: '/config/versions/{version}',
      needs: 'admin',
      tag: 'config',
      summary: 'One of them with its text, without secrets',
      handle: async (call) => {
        const found = await config.version(version(call));
        if (found === undefined) throw new Refusal(404, 'this version is not kept');
        return found;
      },
    },
    {
      method: 'POST',
      path: '/config/versions/{version}/rollback',
      needs: 'admin',
      tag: 'config',
      summary: 'Apply it again, as a new version',
      answer: '{version, plan}',
      audited: ({ params }) => ({ action: 'roll back configuration', subject: `version ${params.version}` }),
      handle: async (call) => {
        const wanted = version(call);
        return changed(await config.rollback(wanted, { by: call.principal.id, reason: `back to version ${wanted}` }));
      },
    },
  ];
}

/** @throws Refusal */
function stateOf(query: URLSearchParams, name: string): ConfigState | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (text === 'applied' || text === 'file') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Refusal(422, `${name} is the number of a version, applied or file`);
}
