import { describe, expect, it } from 'vitest';
import { createScope, type ScopeRule } from './scope.ts';

/** Which of these exist under a rule: `u` for an upstream, `u/t` for a tool. */
function seen(rule: ScopeRule, views?: ScopeRule[]): string[] {
  const scope = createScope(rule, views);
  return ['files', 'files/read', 'files/write', 'web', 'web/read'].filter((one) => {
    const [upstream = '', tool] = one.split('/');
    if (scope === undefined) return true;
    return tool === undefined ? scope.upstream(upstream) : scope.tool(upstream, tool);
  });
}

describe('scope of a principal (reliability §4)', () => {
  it('allows everything where nothing is said, nothing where the list is empty', () => {
    expect(createScope({})).toBeUndefined();
    expect(seen({ upstreams: [] })).toEqual([]);
    expect(seen({ tools: { allow: [] } })).toEqual([]);
  });

  it('takes globs over upstreams and over tools; what is denied wins', () => {
    expect(seen({ upstreams: ['f*'] })).toEqual(['files', 'files/read', 'files/write']);
    expect(seen({ tools: { allow: ['read'] } })).toEqual(['files', 'files/read', 'web', 'web/read']);
    expect(seen({ tools: { allow: ['files/*'], deny: ['write'] } })).toEqual(['files', 'files/read']);
    expect(seen({ upstreams: ['web'], tools: { allow: ['files/*'] } })).toEqual([]);
  });

  it('shows what its views show together, less what the rule takes away (10.29)', () => {
    const views = [{ upstreams: ['web'] }, { tools: { allow: ['files/read'] } }];
    expect(seen({}, views)).toEqual(['files', 'files/read', 'web', 'web/read']);
    expect(seen({ tools: { deny: ['web/*'] } }, views)).toEqual(['files', 'files/read', 'web']);
    expect(seen({}, [])).toEqual([]);
  });

  it('is known by what it says', () => {
    expect(createScope({ upstreams: ['a'] })?.id).toBe(createScope({ upstreams: ['a'] })?.id);
    expect(createScope({ upstreams: ['a'] })?.id).not.toBe(createScope({ tools: { allow: ['a'] } })?.id);
  });
});
