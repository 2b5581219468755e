// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in a configuration are written so
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LoadInput, loadConfig } from '../load.ts';
import { secretsOf } from '../secrets.ts';
import { FORMATS } from './formats.ts';

const SAMPLES = join(import.meta.dirname, '../../../test/config');

async function sample(name: string, more: Partial<LoadInput> = {}) {
  const file = join(SAMPLES, name);
  return accept({ text: readFileSync(file, 'utf8'), file, env: {}, ...more });
}

const inline = (value: unknown, more: Partial<LoadInput> = {}) =>
  accept({ text: JSON.stringify(value), file: '/etc/some.json', env: {}, ...more });

async function accept(load: LoadInput) {
  const result = await loadConfig(load);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 1));
  const { config, format, warnings } = result;
  return { config, format, upstreams: config.upstreams, warned: warnings.map(({ path }) => path), warnings };
}

describe('files of other programs (8.2, E-01 … E-04)', () => {
  it('Claude Desktop, whole', async () => {
    const { format, upstreams, config, warned } = await sample('claude-desktop.json');
    expect(format).toBe('mcp-servers');
    expect(upstreams.filesystem).toMatchObject({
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-filesystem', '/home/ann/Documents'],
      transport: 'stdio',
    });
    expect(upstreams.github?.env).toEqual({ GITHUB_PERSONAL_ACCESS_TOKEN: 'ghp_exampleexampleexample' });
    expect(secretsOf(config)).toContain('ghp_exampleexampleexample');
    expect(config.extensions).toEqual({ 'mcp-servers': { globalShortcut: 'Ctrl+Space' } });
    expect(warned).toEqual([]);
  });

  it('Cursor, with its variables; a URL without a type is `auto` (12.2)', async () => {
    const { upstreams } = await sample('cursor.json', { file: '/w/.cursor/mcp.json', env: { CURSOR_API_KEY: 'ck' } });
    expect(upstreams.local).toMatchObject({ args: ['/w/tools/server.py'], env: { API_KEY: 'ck' } });
    expect(upstreams.remote).toMatchObject({ transport: 'auto', headers: { 'X-Team': homedir() } });
  });

  it('a bare map (A-63)', async () => {
    const { format, upstreams } = await sample('bare-map.json');
    expect(format).toBe('map');
    expect(upstreams.memory?.command).toBe('npx');
    expect(upstreams.guide?.transport).toBe('streamable-http');
  });

  it('VS Code; an input without a stored secret fails that server only', async () => {
    const { format, upstreams, config } = await sample('vscode.json');
    expect(format).toBe('vscode');
    expect(upstreams.github?.unresolved).toEqual(['${secret:gh-token}']);
    expect(upstreams.playwright).toMatchObject({ command: 'npx', unresolved: [] });
    expect(config.extensions).toMatchObject({
      vscode: { inputs: [{ id: 'gh-token' }], servers: { playwright: { dev: { watch: 'src/**' } } } },
    });
    const again = await sample('vscode.json', { secret: (name) => (name === 'gh-token' ? 'gh-secret' : undefined) });
    expect(again.upstreams.github?.headers).toEqual({ Authorization: 'Bearer gh-secret' });
    expect(secretsOf(again.config)).toContain('gh-secret');
  });

  it('VS Code settings, where servers lie under `mcp`', async () => {
    const { format, upstreams } = await inline({ 'editor.tabSize': 2, mcp: { servers: { a: { command: 'x' } } } });
    expect([format, upstreams.a?.command]).toEqual(['vscode', 'x']);
  });

  it('mcpo, with connection settings (B-60); 12.2 decides over U-02 for a URL without a type', async () => {
    const { format, upstreams, config, warned } = await sample('mcpo.json');
    expect(format).toBe('mcpo');
    expect(upstreams.memory).toMatchObject({
      tools: { disabled: ['delete_entities'] },
      recovery: { connect: { quickAttempts: 4, minInterval: 1500 } },
      timeouts: { connect: 25_000, call: 60_000 },
      health: { enabled: false },
    });
    expect(upstreams.time).toMatchObject({
      recovery: { connect: { quickAttempts: 7, minInterval: 2000 } },
      timeouts: { connect: 20_000, call: 900_000 },
      health: { interval: 45_000 },
    });
    expect(upstreams.legacy?.transport).toBe('auto');
    expect(upstreams.stream).toMatchObject({ transport: 'streamable-http' });
    expect(upstreams.stream?.forwardHeaders).toEqual({ enabled: true, allow: ['X-User-*'], deny: [], debug: false });
    expect(upstreams.memory?.forwardHeaders.enabled).toBe(false);
    expect(warned).toEqual([]);
    expect(upstreams.stream?.oauth).toMatchObject({ allowLoopback: true, storage: 'file' });
    expect(config.extensions).toMatchObject({
      mcpo: {
        mcpServers: { stream: { oauth: { server_url: 'http://127.0.0.1:8002' } } },
        global_connection_settings: { enable_connection_logging: true },
      },
    });
  });

  it('mcpo and others, who the gateway is at an authorization server (U-02, U-11)', async () => {
    const oauth = {
      server_url: 'https://mcp.example',
      storage_type: 'memory',
      callback_port: 3030,
      use_loopback: true,
      client_metadata: {
        client_name: 'My tools',
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_post',
        scope: 'read write',
      },
    };
    const servers = {
      papers: { type: 'streamable-http', url: 'https://mcp.example/mcp', oauth },
      cursor: { url: 'https://c.example/mcp', auth: { CLIENT_ID: 'me', CLIENT_SECRET: 's3cret-of-me', scopes: ['a'] } },
      code: { type: 'http', url: 'https://v.example/mcp', oauth: { clientId: 'vs' } },
      gemini: { httpUrl: 'https://g.example/mcp', oauth: { enabled: false, tokenUrl: 'https://g.example/token' } },
      plain: { url: 'https://p.example/mcp', auth: 'oauth' },
    };
    const { upstreams, config } = await inline({
      mcpServers: servers,
      client_header_forwarding: { enabled: false },
    });
    expect(upstreams.papers?.oauth).toMatchObject({
      storage: 'memory',
      clientName: 'My tools',
      tokenEndpointAuthMethod: 'client_secret_post',
      scopes: ['read', 'write'],
      redirectUrl: 'http://127.0.0.1:3030/callback',
      allowLoopback: false,
    });
    expect(upstreams.cursor?.oauth).toMatchObject({ clientId: 'me', clientSecret: 's3cret-of-me', scopes: ['a'] });
    expect(upstreams.code?.oauth.clientId).toBe('vs');
    expect(upstreams.gemini?.oauth.enabled).toBe(false);
    expect(config.extensions).toMatchObject({
      mcpo: {
        mcpServers: {
          papers: {
            oauth: { server_url: 'https://mcp.example', client_metadata: { grant_types: ['authorization_code'] } },
          },
          gemini: { oauth: { tokenUrl: 'https://g.example/token' } },
          plain: { auth: 'oauth' },
        },
      },
    });
  });

  it('mcpo, headers to forward: of one server, of all, and a command that cannot get any (U-02)', async () => {
    const whole = {
      enabled: true,
      whitelist: ['X-User-*'],
      blacklist: ['X-User-Secret'],
      debug_headers: true,
      other: 1,
    };
    const { upstreams, warned, config } = await inline({
      mcpServers: {
        a: { url: 'http://127.0.0.1:1/mcp' },
        b: { url: 'http://127.0.0.1:1/mcp', client_header_forwarding: { enabled: false } },
        c: { command: 'x', client_header_forwarding: { enabled: true } },
      },
      client_header_forwarding: whole,
    });
    const native = { enabled: true, allow: ['X-User-*'], deny: ['X-User-Secret'], debug: true };
    expect(upstreams.a?.forwardHeaders).toEqual(native);
    expect(upstreams.b?.forwardHeaders.enabled).toBe(false);
    expect(warned).toEqual(['mcpServers.c.client_header_forwarding']);
    expect(config.extensions).toMatchObject({ mcpo: { client_header_forwarding: { other: 1 } } });
  });

  it('MCPX, first generation', async () => {
    const { format, upstreams, config, warned } = await sample('mcpx-gen1.json');
    expect(format).toBe('mcpx');
    expect(upstreams.fs?.tools.disabled).toEqual(['read.all']);
    expect(upstreams['fs.deep']).toMatchObject({ transport: 'sse', tools: { disabled: ['write'] } });
    expect(upstreams.web).toMatchObject({ transport: 'streamable-http', health: { interval: 12_000 } });
    expect(config.compression).toEqual({
      toon: { enabled: false, minSize: 3, indent: 1 },
      schema: { enabled: true, maxDescription: 120 },
    });
    expect(warned).toEqual(['disabled_tools']);
  });

  it('MCPX, third generation (1.8)', async () => {
    const { format, upstreams, config } = await sample('mcpx-gen3.json');
    expect(format).toBe('mcpx');
    expect(upstreams.fs).toMatchObject({ enabled: false, env: {} });
    expect(upstreams.web).toMatchObject({
      tools: { disabled: ['search'] },
      health: { enabled: true, interval: 30_000, timeout: 4000, failureThreshold: 3 },
    });
    expect(config.converged.structuredContent).toBe(true);
  });

  it('xiaozhi.config.json (4.4, E-03, E-06)', async () => {
    const { format, upstreams, config, warned } = await sample('xiaozhi.config.json');
    expect(format).toBe('xiaozhi');
    expect(upstreams.calculator).toMatchObject({
      cwd: SAMPLES,
      tools: { disabled: ['history'], overrides: { calculator: { description: '数学计算' } } },
    });
    expect(upstreams.天气).toMatchObject({
      transport: 'sse',
      headers: { Authorization: 'Bearer ms-api-key' },
      health: { interval: 45_000 },
    });
    expect(upstreams.maps).toMatchObject({ transport: 'sse', headers: { Authorization: 'Bearer maps-api-key' } });
    expect(config.server.port).toBe(9998);
    expect(config.extensions.xiaozhi).toMatchObject({ tts: { appid: '1' } });
    expect(config.customTools.tools).toEqual([]);
    expect(config.endpoints).toMatchObject([
      { url: 'wss://api.xiaozhi.me/mcp/?token=example', health: { interval: 30_000 }, reconnect: { baseDelay: 5_000 } },
    ]);
    expect(warned).toEqual(['mcpEndpoint[1]']);
  });

  it('the reference bridge: `disabled` and `transportType` (E-04)', async () => {
    const { upstreams } = await sample('mcp_config.json');
    expect(upstreams['local-calculator']).toMatchObject({ transport: 'stdio', enabled: true });
    expect(upstreams['remote-sse']).toMatchObject({ transport: 'sse', enabled: false });
    expect(upstreams['remote-http']?.transport).toBe('streamable-http');
  });

  it('the process manager (C-22, C-70)', async () => {
    const { format, upstreams, config, warned } = await sample('mcp_servers.json', { env: { PAPER_TOKEN: 'pt-1' } });
    expect(format).toBe('echo');
    expect(upstreams.paper).toMatchObject({
      description: 'Searches papers',
      env: { LOG_STYLE: 'plain', TOKEN: 'pt-1', MODE: 'fast' },
      inheritEnv: ['PAPER_KEY', 'CACHE'],
      requiredEnv: ['PAPER_KEY'],
      cwd: '/srv/paper',
      timeouts: { call: 90_000, connect: 30_000 },
      recovery: { call: { retries: 1 }, connect: { quickAttempts: 3, minInterval: 2000 } },
      supervisor: { readyPatterns: ['running on stdio'] },
    });
    expect(upstreams.evm).toMatchObject({ enabled: false, inheritEnv: ['SHARED_KEY'], requiredEnv: ['SHARED_KEY'] });
    expect(warned).toEqual(['mcpServers.evm.timeout']);
    expect(config.extensions).toMatchObject({ echo: { defaultServer: 'paper', templates: {} } });
  });

  it('an export of the process manager (C-61)', async () => {
    const { format, upstreams } = await sample('echo-export.json');
    expect([format, upstreams.paper?.timeouts.call]).toEqual(['echo-export', 90_000]);
  });

  it('mcphub: groups become views, its key a key, its users nothing', async () => {
    const { format, upstreams, config, warned } = await sample('mcp_settings.json');
    expect(format).toBe('mcphub');
    expect(upstreams.amap?.unresolved).toEqual(['${env:AMAP_KEY}']);
    expect(upstreams.fetch?.tools).toMatchObject({
      disabled: ['raw'],
      overrides: { fetch: { description: 'Gets a page' } },
    });
    expect(config.views.maps).toMatchObject({ upstreams: ['amap'], tools: { allow: ['amap/*'] } });
    expect(config.views['status-1']).toMatchObject({ upstreams: ['fetch'], tools: { allow: ['fetch/fetch'] } });
    expect(config.keys).toEqual([{ name: 'mcphub', key: 'mcphub-bearer-key-0001', roles: ['read', 'call'] }]);
    expect(warned).toEqual(['groups[1]', 'groups[1]']);
    expect(JSON.stringify(config)).not.toContain('$2b$10$');
  });

  it('Claude Code: equal servers of projects once, others renamed, nothing else kept', async () => {
    const { format, upstreams, config, warned } = await sample('claude-code.json');
    expect(format).toBe('claude-code');
    expect(Object.keys(upstreams)).toEqual(['memory', 'db', 'db-1']);
    expect(upstreams['db-1']?.url).toBe('https://other.example/mcp');
    expect(warned).toEqual(['projects["/home/ann/two"].mcpServers.db']);
    expect(JSON.stringify(config)).not.toMatch(/ann@example|private/);
  });

  it('Codex, in TOML', async () => {
    const { format, upstreams } = await sample('codex.toml', { env: { REMOTE_TOKEN: 'rt-12345' } });
    expect(format).toBe('codex');
    expect(upstreams.files).toMatchObject({
      timeouts: { start: 20_000, call: 45_000 },
      env: { MODE: 'safe' },
      inheritEnv: ['HTTPS_PROXY'],
    });
    expect(upstreams.remote).toMatchObject({
      headers: { Authorization: 'Bearer rt-12345' },
      tools: { allow: ['search'] },
      transport: 'auto',
    });
  });

  it('Gemini CLI: httpUrl is streamable HTTP, its timeout counts milliseconds', async () => {
    const { format, upstreams } = await sample('gemini.json');
    expect(format).toBe('gemini');
    expect(upstreams.stream).toMatchObject({
      transport: 'streamable-http',
      timeouts: { call: 30_000 },
      tools: { disabled: ['drop'] },
    });
    expect(upstreams.old?.tools.allow).toEqual(['a', 'b']);
  });

  it('Windsurf: serverUrl', async () => {
    const { upstreams } = await sample('windsurf.json');
    expect(upstreams.figma).toMatchObject({ url: 'https://figma.example/mcp', tools: { disabled: ['export'] } });
    expect(upstreams.offline?.enabled).toBe(false);
  });

  it('keep the order of the file', async () => {
    const { upstreams } = await inline({
      mcpServers: { z: { command: 'x' }, a: { command: 'x' }, m: { command: 'x' } },
    });
    expect(Object.keys(upstreams)).toEqual(['z', 'a', 'm']);
  });
});

describe('one server of a foreign file', () => {
  it.each([
    ['http', 'streamable-http'],
    ['streamableHttp', 'streamable-http'],
    ['streamable_http', 'streamable-http'],
    ['streamablehttp', 'streamable-http'],
    ['streamable-http', 'streamable-http'],
    ['sse', 'sse'],
    ['websocket', 'websocket'],
  ])('of type %s has the transport %s', async (type, transport) => {
    const { upstreams } = await inline({ mcpServers: { a: { type, url: 'http://h/x' } } });
    expect(upstreams.a?.transport).toBe(transport);
  });

  it.each([
    [{ type: 'grpc', command: 'x' }],
    [{}],
    [{ type: 'http' }],
    [{ type: 'sse', command: 'x' }],
    [{ url: 'not a url' }],
  ])('that cannot be started (%j) concerns itself only', async (server) => {
    const { upstreams, warned } = await inline({ mcpServers: { a: server, b: { command: 'x' } } });
    expect(upstreams.a?.invalid).toHaveLength(1);
    expect(upstreams.b?.invalid).toEqual([]);
    expect(warned.every((path) => path.startsWith('mcpServers.a'))).toBe(true);
  });

  it.each([
    [{ command: 1 }, 'mcpServers.a.command'],
    [{ command: 'x', args: '-v' }, 'mcpServers.a.args'],
    [{ command: 'x', args: [null] }, 'mcpServers.a.args[0]'],
    [{ command: 'x', env: ['A=1'] }, 'mcpServers.a.env'],
    [{ url: 'http://h/', headers: { A: {} } }, 'mcpServers.a.headers.A'],
    [7, 'mcpServers.a'],
  ])('of a wrong shape (%j) refuses the file, with its place (12.1)', async (server, path) => {
    const text = JSON.stringify({ mcpServers: { b: { command: 'x' }, a: server } }, null, 2);
    const result = await loadConfig({ text, file: 'f.json', env: {} });
    if (result.ok) throw new Error('accepted');
    expect(result.problems.map((problem) => problem.path)).toEqual([path]);
    expect(result.problems[0]?.line).toBeGreaterThan(4);
  });

  it('with command and URL goes by its type, else by the command', async () => {
    const { upstreams } = await inline({
      mcpServers: {
        a: { command: 'x', url: 'http://h/' },
        b: { type: 'http', command: 'x', url: 'http://h/' },
      },
    });
    expect(upstreams.a).toMatchObject({ command: 'x' });
    expect(upstreams.a).not.toHaveProperty('url');
    expect(upstreams.b).toMatchObject({ url: 'http://h/', transport: 'streamable-http' });
    expect(upstreams.b).not.toHaveProperty('command');
  });

  it('with a reserved id or the id of another is renamed, with a warning (10.12, F-K11)', async () => {
    const text = '{"mcpServers":{"docs":{"command":"x"},"a":{"command":"1"},"a":{"command":"2"}}}';
    const { upstreams, warned } = await accept({ text, file: 'f.json', env: {} });
    expect(Object.keys(upstreams)).toEqual(['docs-1', 'a', 'a-1']);
    expect(upstreams['a-1']?.command).toBe('2');
    expect(warned).toEqual(['mcpServers.a', 'mcpServers.docs']);
  });

  it('has its variables resolved in every notation', async () => {
    const { upstreams, config } = await inline(
      {
        mcpServers: {
          a: {
            command: '${BIN:-node}',
            args: ['${workspaceFolder}/x', '${env:A}', '${A}', '${B:-none}', '${unknown.thing}'],
            env: { C: '${GONE}' },
          },
        },
      },
      { env: { A: 'value-of-a' } },
    );
    expect(upstreams.a).toMatchObject({
      command: 'node',
      args: [`${dirname('/etc/some.json')}/x`, 'value-of-a', 'value-of-a', 'none', '${unknown.thing}'],
      unresolved: ['${env:GONE}'],
    });
    expect(secretsOf(config)).toContain('value-of-a');
  });
});

describe('the reader', () => {
  it('can be forced', async () => {
    const { format, upstreams } = await inline(
      { mcpServers: { a: { command: 'x', timeout: 2000 } } },
      { format: 'echo' },
    );
    expect([format, upstreams.a?.timeouts.call]).toEqual(['echo', 2_000_000]);
    const wrong = await loadConfig({ text: '{"upstreams":{}}', file: 'f', env: {}, format: 'vscode' });
    expect(wrong).toMatchObject({ ok: false, problems: [{ line: 1, column: 1 }] });
  });

  it('must be one that exists', async () => {
    const result = await loadConfig({ text: '{}', file: 'f', env: {}, format: 'mcpoo' as 'mcpo' });
    expect(result).toMatchObject({ ok: false, problems: [{ hint: expect.stringContaining('"mcpo"') }] });
  });

  it('says when another one would have fitted', async () => {
    const { format, warnings } = await inline({ mcpServers: {}, defaultServer: 'a', groups: [] });
    expect(format).toBe('echo');
    expect(warnings[0]).toMatchObject({ hint: expect.stringContaining('--config-format') });
  });

  it('of every format survives files of every other', async () => {
    const names = [
      'holdfast.jsonc',
      'vscode.json',
      'mcpo.json',
      'mcpx-gen1.json',
      'mcp_settings.json',
      'bare-map.json',
    ];
    for (const format of FORMATS)
      for (const name of names) {
        const text = readFileSync(join(SAMPLES, name), 'utf8');
        const result = await loadConfig({ text, file: name, env: {}, format });
        if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
      }
  });

  it('tells a broken TOML file with its place and without its values', async () => {
    const text = 'model = "x"\n[mcp_servers.a]\nenv = { KEY = "top-secret", = } \n';
    const result = await loadConfig({ text, file: 'config.toml', env: {} });
    expect(result).toMatchObject({ ok: false, problems: [{ file: 'config.toml', line: 3 }] });
    expect(JSON.stringify(result)).not.toContain('top-secret');
  });

  it('points into a TOML file', async () => {
    const text = 'model = "x"\n[mcp_servers.ok]\ncommand = "y"\n[mcp_servers.a]\ncommand = 5\n';
    const result = await loadConfig({ text, file: 'config.toml', env: {} });
    expect(result).toMatchObject({ ok: false, problems: [{ line: 5, path: 'mcp_servers.a.command' }] });
  });

  it('gives native keys that read back as the same configuration, unknown keys included (E-05, 10.16)', async () => {
    const env = { AMAP_KEY: 'amap-key-1', PAPER_TOKEN: 'pt-1', REMOTE_TOKEN: 'rt-12345', CURSOR_API_KEY: 'ck-1' };
    const names = readdirSync(SAMPLES).filter((name) => /\.(json|toml)$/.test(name));
    expect(names.length).toBeGreaterThan(12);
    for (const name of names) {
      const file = join(SAMPLES, name);
      const first = await loadConfig({ text: readFileSync(file, 'utf8'), file, env });
      if (!first.ok) throw new Error(name);
      const again = await loadConfig({ text: JSON.stringify(first.input), file, env, format: 'native' });
      if (!again.ok) throw new Error(`${name}: ${JSON.stringify(again.problems)}`);
      expect(Object.keys(again.config.upstreams)).toEqual(Object.keys(first.config.upstreams));
      expect(again.config.upstreams).toEqual(first.config.upstreams);
      expect(again.config.extensions).toEqual(first.config.extensions);
      expect(again.config.views).toEqual(first.config.views);
    }
  });
});
