// What clients are shown: merged lists, stable names, pages, and change told only when something changed.
import { describe, expect, it } from 'vitest';
import { ScriptedUpstream, toolOf } from '../../test/support/scripted-upstream.ts';
import { waitFor } from '../../test/support/wait.ts';
import { EventStream, type GatewayEvent } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import { globMatches } from '../core/glob.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamState } from '../core/upstream.ts';
import { RunningCatalog } from './catalog.ts';
import { type CatalogMember, safetyOf, toolAllowed } from './entries.ts';

const NO_RULES = { allow: [], disabled: [], overrides: {} };
const member = (upstream: ScriptedUpstream, more: Partial<CatalogMember> = {}): CatalogMember => ({
  upstream,
  tools: NO_RULES,
  trustAnnotations: true,
  ...more,
});
function catalogOf(members: CatalogMember[], more: Partial<ConstructorParameters<typeof RunningCatalog>[0]> = {}) {
  const stream = new EventStream();
  const events: GatewayEvent[] = [];
  stream.subscribe((event) => events.push(event));
  return { events, catalog: new RunningCatalog({ members, prefix: 'always', ...more }, stream) };
}
const view = (catalog: RunningCatalog, name = 'passthrough') => {
  const found = catalog.view(name);
  if (found === undefined) throw new Error(`no view ${name}`);
  return found;
};
const cause = new GatewayFault('UPSTREAM_EXITED', 'gone');
const STATES: readonly [UpstreamState, boolean][] = [
  [{ state: 'starting', since: 0, attempt: 1, deadline: 0, phase: 'spawning' }, true],
  [{ state: 'ready', since: 0 }, true],
  [{ state: 'degraded', since: 0, cause: 'x' }, true],
  [{ state: 'backoff', since: 0, attempt: 1, until: 0, cause }, true],
  [{ state: 'cooling_down', since: 0, attempt: 4, until: 0, cause }, true],
  [{ state: 'needs_auth', since: 0, until: 0, cause }, true],
  [{ state: 'stopped', since: 0, reason: 'idle' }, true],
  [{ state: 'draining', since: 0 }, true],
  [{ state: 'disabled', since: 0 }, false],
  [{ state: 'failed', since: 0, cause }, false],
  [{ state: 'quarantined', why: 'new', since: 0 }, false],
  [{ state: 'stopped', since: 0, reason: 'removed' }, false],
];

describe('what a view lists (10.12, 10.17, MP8, MP24)', () => {
  it('a lean view lists what says something, and calls by the whole definition (performance row 20)', () => {
    const inputSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { unused: {} },
    };
    const tool = { ...toolOf('read'), inputSchema, annotations: { openWorldHint: true, readOnlyHint: true } };
    const all = { tools: { allow: ['*'], deny: [] } };
    const { catalog } = catalogOf([member(new ScriptedUpstream('a', [tool]))], {
      views: { lean: { ...all, lean: true }, whole: all },
    });
    const listed = (name: string) => view(catalog, name).page('tools', undefined, 'legacy')?.value.tools;
    expect(listed('lean')).toEqual([
      { ...tool, name: 'a__read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
    ]);
    expect(listed('whole')).toEqual([{ ...tool, name: 'a__read' }]);
    expect(view(catalog, 'lean').tools.get('a__read')?.definition.inputSchema).toEqual(inputSchema);
    catalog.close();
  });

  it('shows every definition verbatim under its exposed name, in configuration order', () => {
    const odd = { ...toolOf('read'), icons: [{ src: 'x' }], _meta: { a: 1 }, 'x-own': { $schema: 'y' } };
    const { catalog } = catalogOf([
      member(new ScriptedUpstream('b', [odd, 'write'])),
      member(new ScriptedUpstream('a', ['read'])),
    ]);
    const page = view(catalog).page('tools', undefined, 'legacy')?.value as { tools: JsonObject[] };
    expect(page.tools.map(({ name }) => name)).toEqual(['b__read', 'b__write', 'a__read']);
    expect(page.tools[0]).toEqual({ ...odd, name: 'b__read' });
    expect(view(catalog).tools.get('a__read')).toMatchObject({ upstream: 'a', name: 'read' });
    expect([...view(catalog, 'b').tools.keys()]).toEqual(['read', 'write']);
    catalog.close();
  });

  it('keeps names of tools that objects have by birth: constructor, __proto__, toString (F-L3)', () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
    const { catalog } = catalogOf([member(new ScriptedUpstream('u', names))]);
    expect([...view(catalog).tools.keys()]).toEqual(names.map((name) => `u__${name}`));
    expect([...view(catalog, 'u').tools.keys()]).toEqual(names);
    catalog.close();
  });

  it('makes evil names harmless, finds them again by table, and says what it hid (F-L3, F-L4)', () => {
    const evil = ['../../x', 'a\r\nb', '', 'x'.repeat(300), '<script>', 'same', 'same'];
    const { catalog } = catalogOf([member(new ScriptedUpstream('u', evil))]);
    for (const name of ['passthrough', 'u']) {
      const { tools, remarks } = view(catalog, name);
      expect([...tools.values()].map((tool) => tool.name)).toEqual(evil.slice(0, -1));
      for (const exposed of tools.keys()) expect(exposed).toMatch(/^[A-Za-z0-9_.-]{1,128}$/);
      expect(remarks.join()).toContain('twice');
    }
    catalog.close();
  });

  it.each(STATES)('in $state: $1 ($0)', (state, listed) => {
    const upstream = new ScriptedUpstream('u', ['read']);
    const { catalog } = catalogOf([member(upstream)]);
    upstream.become(state);
    expect(view(catalog).tools.size).toBe(listed ? 1 : 0);
    catalog.close();
  });

  it('says which entries nobody has confirmed yet', () => {
    const upstream = new ScriptedUpstream('u', ['read']);
    upstream.lists = { ...upstream.lists, confirmed: false };
    const { catalog } = catalogOf([member(upstream), member(new ScriptedUpstream('v', ['read']))]);
    expect(view(catalog).page('tools', undefined, 'legacy')?.value._meta).toEqual({
      'io.github.holdfast/unconfirmed': ['u'],
    });
    upstream.list({ confirmed: true });
    expect(view(catalog).page('tools', undefined, 'legacy')?.value).not.toHaveProperty('_meta');
    catalog.close();
  });

  it('is told apart by era: ttl and type for modern, no odd output schema for legacy (MP14, MP18, MP27)', () => {
    const array = { ...toolOf('list'), outputSchema: { type: 'array' }, execution: { taskSupport: 'optional' } };
    const upstream = new ScriptedUpstream('u', [array]);
    upstream.lists = { ...upstream.lists, ttlMs: 5000, cacheScope: 'public' };
    const { catalog } = catalogOf([member(upstream)]);
    const legacy = view(catalog).page('tools', undefined, 'legacy')?.value as { tools: JsonObject[] };
    const modern = view(catalog).page('tools', undefined, 'modern')?.value as { tools: JsonObject[] };
    expect(legacy).not.toHaveProperty('ttlMs');
    expect(legacy.tools[0]).not.toHaveProperty('outputSchema');
    expect(legacy.tools[0]).toHaveProperty('execution');
    expect(modern).toMatchObject({ resultType: 'complete', ttlMs: 5000, cacheScope: 'public' });
    expect(modern.tools[0]).toHaveProperty('outputSchema');
    expect(modern.tools[0]).not.toHaveProperty('execution');
    catalog.close();
  });

  it('keeps as long as, and shows as widely as, its strictest part (MP25)', () => {
    const open = new ScriptedUpstream('a', ['x']);
    open.lists = { ...open.lists, ttlMs: 9000, cacheScope: 'public' };
    const { catalog } = catalogOf([member(open), member(new ScriptedUpstream('b', ['x']))]);
    expect(view(catalog).page('tools', '', 'modern')?.value).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
    catalog.close();
  });

  it('10,000 tools come in pages of 1,000, quickly, each once (F-L1, 10.17)', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `tool_${index}`);
    const began = performance.now();
    const { catalog } = catalogOf([member(new ScriptedUpstream('u', names))]);
    const seen: unknown[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = view(catalog).page('tools', cursor, 'legacy')?.value as { tools: JsonObject[]; nextCursor?: string };
      seen.push(...page.tools.map(({ name }) => name));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== undefined);
    expect(seen).toEqual(names.map((name) => `u__${name}`));
    expect(pages).toBe(10);
    expect(performance.now() - began).toBeLessThan(20_000);
    for (const strange of ['x', 'p', 'cDk5OTk5OTk5OQ', 'p1000', Buffer.from('p99999').toString('base64url')]) {
      expect(view(catalog).page('tools', strange, 'legacy')).toBeUndefined();
    }
    expect(view(catalog).page('prompts', '', 'legacy')?.value).toEqual({ prompts: [] });
    catalog.close();
  });

  it('routes resources by list, then template, then scheme; on a clash the first server has it (10.12)', () => {
    const a = new ScriptedUpstream('a');
    a.lists = {
      ...a.lists,
      resources: [{ uri: 'x://1', name: '1' }],
      resourceTemplates: [{ uriTemplate: 'db://{t}', name: 't' }],
    };
    const b = new ScriptedUpstream('b');
    b.lists = {
      ...b.lists,
      resources: [{ uri: 'x://1', name: 'other' }, { uri: 'only-b://1', name: '2' }, { name: 'no uri' }],
      resourceTemplates: [{ uriTemplate: 'db://special/{t}', name: 't' }, { name: 'none' }],
    };
    const { catalog } = catalogOf([member(a), member(b)]);
    const { ownerOf, remarks, resources } = view(catalog);
    expect(
      ['x://1', 'db://q', 'db://special/q', 'only-b://other', 'x://2', 'nope://1', 'no colon'].map(ownerOf),
    ).toEqual(['a', 'a', 'b', 'b', undefined, undefined, undefined]);
    expect(resources.get('x://1')?.definition.name).toBe('1');
    expect(remarks.join()).toContain('x://1');
    catalog.close();
  });
});

describe('what the configuration shapes (X-06, 10.11, 10.29)', () => {
  it('switches tools off and overrides name, description and timeout', () => {
    const upstream = new ScriptedUpstream('u', ['read', 'write', 'drop_all']);
    const tools = {
      allow: [],
      disabled: ['drop_*'],
      overrides: { read: { name: 'look', description: 'Looks.', timeout: 7 } },
    };
    const { catalog } = catalogOf([member(upstream, { tools })]);
    expect([...view(catalog).tools.keys()]).toEqual(['u__look', 'u__write']);
    expect(view(catalog).tools.get('u__look')).toMatchObject({
      name: 'read',
      timeout: 7,
      definition: { description: 'Looks.' },
    });
    catalog.close();
  });

  it('filters a configured view by server and by globs with and without the server', () => {
    const { catalog } = catalogOf(
      [member(new ScriptedUpstream('a', ['read', 'write'])), member(new ScriptedUpstream('b', ['read', 'send']))],
      {
        views: {
          reads: { tools: { allow: ['read'], deny: ['b/*'] } },
          all: { tools: { allow: ['*'], deny: [] } },
          onlyB: { upstreams: ['b'], tools: { allow: ['*'], deny: ['se*'] } },
        },
      },
    );
    expect([...view(catalog, 'reads').tools.keys()]).toEqual(['a__read']);
    expect(view(catalog, 'all').tools.size).toBe(4);
    expect([...view(catalog, 'onlyB').tools.keys()]).toEqual(['b__read']);
    expect(catalog.views()).toEqual(['passthrough', 'a', 'b', 'reads', 'all', 'onlyB']);
    expect(catalog.view('nope')).toBeUndefined();
    catalog.close();
  });

  it('matches globs in one walk', () => {
    for (const [glob, name, matches] of [
      ['*', '', true],
      ['a*b', 'ab', true],
      ['a*b', 'aXbYb', true],
      ['a*b', 'aba', false],
      ['a*a', 'a', false],
      ['*x*', 'axb', true],
      ['read', 'read', true],
      ['read', 'reads', false],
      ['a*b*c', 'a-c', false],
    ] as const)
      expect([glob, name, globMatches(glob, name)]).toEqual([glob, name, matches]);
    const began = performance.now();
    globMatches('*a'.repeat(5_000), 'b'.repeat(100_000));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(toolAllowed({ allow: ['r*'], disabled: ['rm'], overrides: {} }, 'rm')).toBe(false);
    expect(toolAllowed({ allow: ['r*'], disabled: ['rm'], overrides: {} }, 'read')).toBe(true);
    expect(toolAllowed({ allow: ['r*'], disabled: [], overrides: {} }, 'write')).toBe(false);
  });

  it.each([
    [{ readOnlyHint: true }, 'read'],
    [{ idempotentHint: true, destructiveHint: false }, 'idempotent'],
    [{ idempotentHint: true }, 'write'],
    [{}, 'write'],
    [undefined, 'write'],
    ['yes', 'write'],
  ])('annotations %j make %s, and count for nothing when they are not trusted', (annotations, safety) => {
    expect(safetyOf({ name: 't', annotations }, true)).toBe(safety);
    expect(safetyOf({ name: 't', annotations }, false)).toBe('write');
  });
});

describe('change (10.17, MP23)', () => {
  it('is told once for what came together, and not at all when no listed byte changed', async () => {
    const a = new ScriptedUpstream('a', ['one']);
    const b = new ScriptedUpstream('b', ['one']);
    const { catalog, events } = catalogOf([member(a), member(b)]);
    for (const name of catalog.views()) catalog.view(name);
    const told: [string, readonly string[]][] = [];
    const stop = catalog.onChange((name, kinds) => told.push([name, kinds]));
    a.list({ tools: [toolOf('one'), toolOf('two')] });
    a.list({ tools: [toolOf('one'), toolOf('two'), toolOf('three')] });
    b.list({ prompts: [{ name: 'hi' }] });
    await waitFor(() => told.length === 3);
    expect(told).toEqual([
      ['passthrough', ['tools', 'prompts']],
      ['a', ['tools']],
      ['b', ['prompts']],
    ]);
    const { revision } = view(catalog);
    b.become({ state: 'degraded', since: 1, cause: 'x' });
    a.list({ tools: [...a.lists.tools] });
    await waitFor(() => view(catalog).revision !== revision);
    a.list({ resourceTemplates: [{ uriTemplate: 'x://{y}', name: 'y' }] });
    await waitFor(() => told.length === 5);
    expect(told.slice(3)).toEqual([
      ['passthrough', ['resourceTemplates']],
      ['a', ['resourceTemplates']],
    ]);
    expect(events.filter(({ type }) => type === 'catalog.changed').at(-1)).toMatchObject({ kinds: ['resources'] });
    stop();
    catalog.close();
    expect([a.listeners.changes, b.listeners.changes]).toEqual([0, 0]);
  });

  it('sees a change on the second page of a long list', async () => {
    const tools = Array.from({ length: 1_500 }, (_, index) => toolOf(`t${index}`));
    const upstream = new ScriptedUpstream('u', tools);
    const { catalog } = catalogOf([member(upstream)]);
    catalog.view('u');
    const told: string[] = [];
    catalog.onChange((name) => told.push(name));
    upstream.list({ tools: [...tools.slice(0, -1), toolOf('other')] });
    await waitFor(() => told.includes('u'));
    catalog.close();
  });

  it('takes another set of servers and tells the views that stay', async () => {
    const a = new ScriptedUpstream('a', ['one']);
    const { catalog } = catalogOf([member(a)]);
    catalog.view('passthrough');
    const told: string[] = [];
    catalog.onChange((name) => told.push(name));
    catalog.reshape({ members: [member(a), member(new ScriptedUpstream('b', ['two']))], prefix: 'always' });
    await waitFor(() => told.includes('passthrough'));
    expect([...view(catalog).tools.keys()]).toEqual(['a__one', 'b__two']);
    expect(a.listeners.changes).toBe(1);
    catalog.reshape({ members: [], prefix: 'always' });
    expect(catalog.view('a')).toBeUndefined();
    expect(a.listeners.changes).toBe(0);
    catalog.close();
  });
});
