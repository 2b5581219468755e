import { describe, expect, it } from 'vitest';
import { loadConfig } from '../load.ts';
import { secretsOf } from '../secrets.ts';

const schema = { type: 'object', properties: { q: { type: 'string' } } };
const tool = (name: string, handler: unknown, more: object = {}) => ({
  name,
  description: name,
  inputSchema: schema,
  handler,
  ...more,
});

function load(tools: unknown[], more: object = {}) {
  const servers = { calc: { command: 'node' }, docs: { command: 'node' } };
  const value = { mcpEndpoint: '', mcpServers: servers, customMCP: { tools }, ...more };
  return loadConfig({ text: JSON.stringify(value), file: '/etc/xiaozhi.config.json', env: {} });
}

async function accept(tools: unknown[], more: object = {}) {
  const result = await load(tools, more);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return {
    ...result,
    custom: result.config.customTools,
    told: result.warnings
      .filter(({ path }) => path.startsWith('custom'))
      .map(({ path, message }) => `${path}: ${message}`),
  };
}

describe('custom tools of xiaozhi-client (4.4, D-40)', () => {
  it('reads handlers, milliseconds and the token of Coze', async () => {
    const coze = { type: 'proxy', platform: 'coze', config: { workflow_id: '7', timeout: 30_000, retry_delay: 250 } };
    const http = { type: 'http', url: 'https://a.example/{q}', timeout: 1500 };
    const { custom, config, told } = await accept(
      [tool('flow', coze, { stats: { usageCount: 3 } }), tool('get', http)],
      {
        platforms: { coze: { token: 'pat_planted' } },
      },
    );
    expect(custom.platforms.coze).toEqual({ token: 'pat_planted' });
    expect(custom.tools[0]?.handler).toMatchObject({ config: { workflow_id: '7', timeout: 30_000, retry_delay: 250 } });
    expect(custom.tools[1]?.handler).toMatchObject({ type: 'http', timeout: 1500 });
    expect(secretsOf(config)).toContain('pat_planted');
    expect(JSON.stringify(config.extensions)).toContain('usageCount');
    expect(told).toEqual([]);
  });

  it('finds the servers of aliases and chains by table', async () => {
    const { custom } = await accept([
      tool('alias', { type: 'mcp', config: { serviceName: 'docs', toolName: 'search' } }),
      tool('both', { type: 'chain', tools: ['calc__add__all', 'alias'], mode: 'parallel', error_handling: 'continue' }),
    ]);
    // `docs` is reserved here, so the server is called docs-1.
    expect(custom.tools[0]?.handler).toMatchObject({ config: { serviceName: 'docs-1', toolName: 'search' } });
    expect(custom.tools[1]?.handler).toMatchObject({ tools: [{ upstream: 'calc', tool: 'add__all' }, 'alias'] });
  });

  it('leaves out what runs code, and serves the rest', async () => {
    const { custom, told, config } = await accept([
      tool('danger', { type: 'script', script: 'rm.sh' }),
      tool('get', { type: 'http', url: 'https://a.example/' }),
    ]);
    expect(custom.tools.map(({ name }) => name)).toEqual(['get']);
    expect(told).toEqual(['customMCP.tools[0].handler: script handlers run code on this machine; left out']);
    expect(JSON.stringify(config.extensions)).toContain('rm.sh');
  });

  it('tells what is wrong at its place in the file, also behind one that was left out', async () => {
    const result = await load([
      tool('f', { type: 'function', module: 'a.js' }),
      tool('get', { type: 'http', url: 'ftp://a' }),
    ]);
    expect(result.ok).toBe(false);
    expect(!result.ok && result.problems.map(({ path }) => path)).toEqual(['customMCP.tools[1].handler.url']);
  });
});
