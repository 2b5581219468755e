// Endpoints as people write them: one text, several, objects; what is no address is told and left out (D-05, 10.2).
import { describe, expect, it } from 'vitest';
import { type Built, buildConfig } from './build.ts';
import { applyEnvironment } from './environment.ts';
import type { Layer } from './layers.ts';
import { secretsOf } from './secrets.ts';

const TOKEN = 'wss://api.xiaozhi.me/mcp/?token=eyJhbGciOiJ.eyJhZ2VudElkIjoxfQ.c2lnbmF0dXJl';

function build(input: Layer['input'], more: Layer[] = [], env: Record<string, string> = {}): Built {
  return buildConfig({
    file: 'holdfast.json',
    layers: [{ origin: { source: 'file' }, input }, ...more],
    references: {
      env,
      directory: '/',
      readText: () => {
        throw new Error('none');
      },
    },
    transports: ['stdio'],
    invalid: new Map(),
    place: () => ({ line: 1, column: 1 }),
  });
}

function endpoints(input: Layer['input'], more?: Layer[], env?: Record<string, string>) {
  const built = build(input, more, env);
  if (!built.ok) throw new Error(built.problems.map(({ message }) => message).join('; '));
  return {
    list: built.config.endpoints,
    config: built.config,
    warned: built.warnings.map(({ path, message }) => `${path}: ${message}`),
  };
}

describe('endpoints', () => {
  it('one text, a list, objects; defaults laid under (requirements 8.2)', () => {
    expect(endpoints({ endpoints: TOKEN }).list).toMatchObject([{ url: TOKEN, role: 'active', view: 'passthrough' }]);
    const { list } = endpoints({
      endpointDefaults: { timeouts: { dial: 3 }, maxTools: 25 },
      endpoints: [TOKEN, { url: 'ws://relay.lan:8004/x', name: 'home', timeouts: { drain: '1s' }, maxTools: 5 }],
    });
    expect(list).toMatchObject([
      { maxTools: 25, timeouts: { dial: 3_000, drain: 15_000 }, reconnect: { maxDelay: 60_000, stableAfter: 60_000 } },
      { name: 'home', maxTools: 5, timeouts: { dial: 3_000, drain: 1_000 }, longTool: { after: 8_000, keep: 300_000 } },
    ]);
    expect(endpoints({}).list).toEqual([]);
    expect(endpoints({ endpoints: [] }).list).toEqual([]);
  });

  it('empty, placeholder, unresolved and repeated addresses are told and ignored (D-05, 12.1)', () => {
    const { list, warned } = endpoints({
      endpoints: ['', ' ', '<请填写你的接入点地址>', '${env:NOWHERE}', TOKEN, TOKEN],
    });
    expect(list.map(({ url }) => url)).toEqual([TOKEN]);
    expect(warned).toEqual([
      'endpoints[3]: ${env:NOWHERE} has no value',
      'endpoints[0]: there is no address yet; this endpoint is ignored',
      'endpoints[1]: there is no address yet; this endpoint is ignored',
      'endpoints[2]: the address is still a placeholder; this endpoint is ignored',
      'endpoints[3]: the address names something that has no value; this endpoint is ignored',
      'endpoints[5]: this address stands here twice; this endpoint is ignored',
    ]);
  });

  it('a standby that shares its token is cold, another one warm, unless the file says (10.2)', () => {
    const { list } = endpoints({
      endpoints: [
        { url: TOKEN, group: 'g' },
        { url: TOKEN, group: 'g', role: 'standby' },
        { url: 'wss://other.example/?token=x', group: 'g', role: 'standby' },
        { url: 'wss://third.example/?token=y', group: 'g', role: 'standby', standby: 'cold' },
      ],
    });
    expect(list.map(({ standby }) => standby)).toEqual(['cold', 'cold', 'warm', 'cold']);
  });

  it.each([
    ['no URL', { endpoints: ['nonsense'] }, 'expected a URL that starts with ws:// or wss://'],
    ['an unknown key', { endpoints: [{ url: TOKEN, tokenn: 1 }] }, 'unknown key'],
    [
      'a name twice',
      {
        endpoints: [
          { url: TOKEN, name: 'a' },
          { url: 'ws://h/', name: 'a' },
        ],
      },
      'the name "a" is used twice',
    ],
    [
      'a filter that the view would go round',
      { endpoints: [{ url: TOKEN, view: 'converged', tools: { disabled: ['rm'] } }] },
      'tools behind a converged view cannot be filtered here',
    ],
    [
      'a filter that a view of that style would go round',
      { views: { v: { style: 'converged' } }, endpoints: [{ url: TOKEN, view: 'v', tools: { allow: ['rm'] } }] },
      'tools behind a converged view cannot be filtered here',
    ],
  ])('refuses %s', (_, input, message) => {
    const built = build(input);
    expect(built.ok ? [] : built.problems.map((problem) => problem.message)).toContain(message);
  });

  it('warns of an unknown view and of a standby without a group', () => {
    const { warned } = endpoints({ endpoints: [{ url: TOKEN, view: 'nope', role: 'standby' }] });
    expect(warned).toHaveLength(2);
  });

  it('MCP_ENDPOINT adds one endpoint to those of the file (requirements 8.2)', () => {
    const { above } = applyEnvironment({ MCP_ENDPOINT: 'ws://added.example/' });
    const urls = (input: Layer['input']) => endpoints(input, above).list.map(({ url }) => url);
    expect(urls({ endpoints: [TOKEN] })).toEqual([TOKEN, 'ws://added.example/']);
    expect(urls({ endpoints: TOKEN })).toEqual([TOKEN, 'ws://added.example/']);
    expect(urls({})).toEqual(['ws://added.example/']);
  });

  it('the token is a secret wherever it is written (X-67)', () => {
    const { config } = endpoints({ endpoints: [TOKEN, 'ws://relay.lan/?token=ab%2Bcdefghijkl'] });
    const secrets = secretsOf(config);
    expect(secrets).toContain(new URL(TOKEN).searchParams.get('token'));
    expect(secrets).toEqual(expect.arrayContaining(['ab+cdefghijkl', 'ab%2Bcdefghijkl']));
  });
});
