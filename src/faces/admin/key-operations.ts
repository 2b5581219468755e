// The keys of callers: listed, added, rotated, revoked while running (12.3; reliability §4, Identity). A key is shown
// once, in the answer that made it.
import * as z from 'zod';
import type { KeyControl, KeyOutcome } from '../../core/ports.ts';
import { type ApiCall, type ApiOperation, operation, Refusal, Reply } from './api.ts';
import type { AdminDeps } from './deps.ts';

const TAG = 'keys';
const texts = z.array(z.string().min(1)).optional();
const time = z.union([z.string(), z.number()]);
const wanted = z.strictObject({
  name: z.string().min(1).max(100),
  roles: z
    .array(z.enum(['read', 'call', 'admin']))
    .min(1)
    .optional()
    .describe('Absent: call.'),
  upstreams: texts.describe('Globs over the upstreams it reaches.'),
  tools: z
    .strictObject({ allow: texts, deny: texts })
    .optional()
    .describe('Globs over `upstream/tool`, or the name of a tool.'),
  views: texts.describe('Only what these views show.'),
  rate: z.strictObject({ calls: z.number().int().min(1), per: time.optional() }).optional(),
  expires: z.string().optional().describe('A date, or how long from now: `90d`.'),
});
const rotation = z.strictObject({
  overlap: time.optional().describe('How long the old key is good beside the new one; absent: a day.'),
});

const STATUS = { unknown: 404, taken: 409, refused: 422 } as const;

/** @throws Refusal */
function done<T>(outcome: KeyOutcome<T>): T {
  if (outcome.ok) return outcome;
  throw new Refusal(STATUS[outcome.reason], outcome.message);
}

export function keyOperations(deps: AdminDeps): ApiOperation[] {
  const port = (): KeyControl => {
    if (deps.keys === undefined) throw new Refusal(501, 'this gateway has no keys to change');
    return deps.keys;
  };
  const audited = (action: string) => (call: ApiCall) => ({ action, subject: call.params.name as string });
  return [
    {
      method: 'GET',
      path: '/keys',
      needs: 'admin',
      tag: TAG,
      summary: 'API keys: roles, scope, rate, expiry, last use; never the keys themselves',
      answer: '{keys: […]}',
      handle: () => ({ keys: port().list() }),
    },
    operation({
      method: 'POST',
      path: '/keys',
      needs: 'admin',
      tag: TAG,
      summary: 'Make a key; this answer is the only one that shows it',
      body: wanted,
      answer: '{name, key}',
      audited: ({ body }) => ({ action: 'add key', subject: body.name }),
      handle: async ({ body, principal }) =>
        new Reply(201, done(await port().add({ ...body, roles: body.roles ?? ['call'] }, principal.id))),
    }),
    operation({
      method: 'POST',
      path: '/keys/{name}/rotate',
      needs: 'admin',
      tag: TAG,
      summary: 'Make a new secret for a key; the old one is good a little longer',
      body: rotation,
      answer: '{name, key, previousUntil}',
      audited: audited('rotate key'),
      handle: async ({ params, body, principal }) =>
        done(await port().rotate(params.name as string, body, principal.id)),
    }),
    {
      method: 'DELETE',
      path: '/keys/{name}',
      needs: 'admin',
      tag: TAG,
      summary: 'Revoke a key: at once, and for good, whatever a rollback brings back',
      audited: audited('revoke key'),
      handle: async ({ params, principal }) => done(await port().revoke(params.name as string, principal.id)),
    },
  ];
}
