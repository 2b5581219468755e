import { describe, expect, test } from 'vitest';
import { Payload } from '../core/payload.ts';
import { NO_LISTS, type UpstreamIdentity } from '../core/upstream.ts';
import type { Link } from './link.ts';
import { fetchList, type ListKind, mergeLists } from './lists.ts';

const identity = (more: Partial<UpstreamIdentity> = {}): UpstreamIdentity => ({
  era: 'legacy',
  revision: '2025-11-25',
  transport: 'stdio',
  serverInfo: {},
  capabilities: { tools: {} },
  ...more,
});
const tool = (name: string, inputSchema: unknown = { type: 'object' }): Record<string, unknown> => ({
  name,
  inputSchema,
});

/** Fetches the tools of a server that answers these pages, one after the other. */
function fetchTools(pages: Record<string, unknown>[], who = identity()) {
  let at = 0;
  const request = () => {
    const page = pages[Math.min(at++, pages.length - 1)] as Record<string, unknown>;
    return Promise.resolve('code' in page ? { error: page } : { result: Payload.of(page) });
  };
  const options = { timeout: 1_000, signal: new AbortController().signal };
  return fetchList({ request } as unknown as Link, 'tools', who, options);
}

describe('reading lists', () => {
  test('entries are taken verbatim, in their order', async () => {
    const odd = { ...tool('odd'), icons: [1], 'x-vendor': { deep: true } };
    expect((await fetchTools([{ tools: [tool('b'), odd, tool('a')] }])).entries).toEqual([tool('b'), odd, tool('a')]);
  });

  test('F-L5 F-L4 what cannot be offered is left out with its reason', async () => {
    const bad = [
      { name: 'none' },
      tool('null', null),
      tool('array', []),
      tool('string', { type: 'string' }),
      tool('properties', { type: 'object', properties: [] }),
      tool('required', { type: 'object', required: 'a' }),
      tool('', {}),
      { inputSchema: {} },
      tool('twice'),
      tool('twice'),
      'no object',
    ];
    const { entries, excluded } = await fetchTools([{ tools: [tool('good'), ...bad] }]);
    expect(entries.map((entry) => entry.name)).toEqual(['good', 'twice']);
    expect(excluded).toHaveLength(10);
    for (const { reason } of excluded) expect(reason).not.toBe('');
  });

  test('F-L14 a bad x-mcp-header spoils a tool only where it would become a header', async () => {
    const wish = tool('wish', { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'two words' } } });
    expect((await fetchTools([{ tools: [wish] }])).entries).toHaveLength(1);
    const http = identity({ era: 'modern', transport: 'streamable-http' });
    expect(await fetchTools([{ tools: [wish] }], http)).toMatchObject({ entries: [], excluded: [{ name: 'wish' }] });
  });

  test('F-I20 an entry that nests too deep to be written is left out', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`) as Record<string, unknown>;
    const { entries, excluded } = await fetchTools([{ tools: [tool('flat'), tool('deep', { type: 'object', deep })] }]);
    expect(entries).toHaveLength(1);
    expect(excluded).toEqual([{ kind: 'tools', name: 'deep', reason: 'nested too deep' }]);
  });

  test('F-L1 pages and entries are bounded, and it is told', async () => {
    let n = 0;
    const page = () => ({ tools: [tool(`t${n++}`)], nextCursor: `c${n}` });
    const paged = await fetchTools(Array.from({ length: 150 }, page));
    expect(paged.entries).toHaveLength(100);
    expect(paged.excluded).toEqual([{ kind: 'tools', name: '*', reason: 'only the first 100 entries are read' }]);
    const flat = await fetchTools([{ tools: Array.from({ length: 150_000 }, (_, at) => tool(`t${at}`)) }]);
    expect(flat.entries).toHaveLength(20_000);
    expect(flat.excluded).toHaveLength(1);
  });

  test('MP24 the empty text is a cursor; one that repeats ends the list', async () => {
    const { entries } = await fetchTools([
      { tools: [tool('a')], nextCursor: '' },
      { tools: [tool('b')], nextCursor: '' },
      { tools: [tool('c')] },
    ]);
    expect(entries.map((entry) => entry.name)).toEqual(['a', 'b']);
  });

  test('-32601 is an empty list, another refusal is told, no list at all is a fault', async () => {
    expect(await fetchTools([{ code: -32601, message: '' }])).toMatchObject({ entries: [], excluded: [] });
    expect((await fetchTools([{ code: -32603, message: 'oops' }])).excluded[0]?.reason).toBe('tools/list: -32603 oops');
    await expect(fetchTools([{ items: [] }])).rejects.toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
  });
});

describe('taking lists', () => {
  test('the revision grows only with a change; ttl and scope are the strictest', async () => {
    const digests = new Map<ListKind, string>();
    const first = mergeLists(NO_LISTS, digests, [
      await fetchTools([{ tools: [tool('a')], ttlMs: 500, cacheScope: 'public' }]),
      { kind: 'prompts', entries: [], excluded: [], digest: '', ttlMs: 100, cacheScope: 'private' },
    ]);
    expect(first).toMatchObject({ revision: 1, confirmed: true, ttlMs: 100, cacheScope: 'private' });
    const again = await fetchTools([{ tools: [tool('a')], ttlMs: 500, cacheScope: 'public' }]);
    expect(mergeLists(first, digests, [again])).toBe(first);
    const changed = mergeLists(first, digests, [await fetchTools([{ tools: [tool('a'), tool('b')] }])]);
    expect(changed).toMatchObject({ revision: 2, tools: [{ name: 'a' }, { name: 'b' }] });
  });
});
