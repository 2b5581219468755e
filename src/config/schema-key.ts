// API keys: what a bearer may do, to what, how often and until when (requirements 12.3; reliability §4, Identity).
import * as z from 'zod';
import { createScope, type Scope } from '../core/scope.ts';
import { someTime } from './units.ts';

const hash = z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: 'expected "sha256:" and 64 hexadecimal digits' });

/** A moment: a date is its first second, UTC. */
const moment = z.string().refine((text) => /^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text)), {
  error: 'expected a date such as "2027-01-31" or "2027-01-31T18:00:00Z"',
});

/** What of the catalogue exists for somebody, as it is written: keys have it, and so may other principals. */
export const scopeShape = {
  upstreams: z.array(z.string()).optional().describe('Globs over the upstreams it reaches; absent: all.'),
  tools: z
    .strictObject({
      allow: z.array(z.string()).optional().describe('Tools it may see and call; absent: all.'),
      deny: z.array(z.string()).prefault([]).describe('Tools that do not exist for it; wins over `allow`.'),
    })
    .optional()
    .describe("Globs over `upstream/tool`; a pattern without `/` is compared with the tool's own name."),
  views: z.array(z.string()).optional().describe('Only what these views show, together; absent: everything.'),
};

export const keySchema = z.strictObject({
  name: z.string().min(1).max(100).describe('Name shown in records.'),
  key: z.string().min(1).optional().describe('The key itself; better its hash, or a reference to a variable or file.'),
  hash: hash.optional().describe('SHA-256 of the key, instead of the key: what `holdfast key add` writes.'),
  roles: z
    .array(z.enum(['read', 'call', 'admin']))
    .min(1)
    .prefault(['read', 'call'])
    .describe('What its bearer may do.'),
  ...scopeShape,
  rate: z
    .strictObject({
      calls: z.number().int().min(1).describe('Calls it may make in that time.'),
      per: someTime.prefault('1m').describe('The time.'),
    })
    .optional()
    .describe('More calls than this are refused with RATE_LIMITED; absent: no limit of its own.'),
  expires: moment.optional().describe('When it ends: a date, or a date and time.'),
  previous: z
    .strictObject({
      hash: hash.describe('SHA-256 of the key before.'),
      until: moment.describe('Until when it is good beside the new one.'),
    })
    .optional()
    .describe('The key before the last rotation.'),
});

export type KeyConfig = z.output<typeof keySchema>;

/** Names that other callers have already: a key of this name would share their sessions. */
export const RESERVED_KEY_NAMES: readonly string[] = [
  'local',
  'anonymous',
  'admin',
  'api-key',
  'api-key-file',
  'admin-key',
];

interface ScopeInput {
  upstreams?: readonly string[] | undefined;
  tools?: { allow?: readonly string[] | undefined; deny?: readonly string[] | undefined } | undefined;
  views?: readonly string[] | undefined;
}

/** What `scopeShape` means under the views of a configuration; a view that does not exist shows nothing. */
export function scopeOf(
  { upstreams, tools, views }: ScopeInput,
  configured: Readonly<Record<string, Omit<ScopeInput, 'views'>>>,
): Scope | undefined {
  const shown = views?.flatMap((name) => (Object.hasOwn(configured, name) ? [configured[name] as ScopeInput] : []));
  return createScope({ upstreams, tools }, shown);
}
