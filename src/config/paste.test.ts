import { describe, expect, it } from 'vitest';
import { readPasted } from './paste.ts';
import { shellWords } from './shell-words.ts';

describe('shellWords', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [
      `npx -y server --name "two words" 'and $HOME' it\\'s`,
      ['npx', '-y', 'server', '--name', 'two words', 'and $HOME', "it's"],
    ],
    ['a"b c"d \'\' ""', ['ab cd', '', '']],
    ['a \\\n  b # why\nc', ['a', 'b', 'c']],
    ['"a \\" \\\\ \\n"', ['a " \\ \\n']],
    ['', []],
  ])('reads %j by the rules of a shell (X-14)', (line, words) => {
    expect(shellWords(line)).toEqual(words);
  });

  it.each(['a | b', 'a; b', 'a > b', 'a $(b)', 'a `b`', 'a "b', "a 'b"])(
    'refuses %j: only a shell knows what it means',
    (line) => {
      expect(() => shellWords(line)).toThrow(/shell|never closed/);
    },
  );
});

describe('readPasted (X-14)', () => {
  it.each([
    [
      'npx -y @modelcontextprotocol/server-memory@2026.8.31',
      { memory: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory@2026.8.31'] } },
    ],
    [
      '$ API_KEY="a b" uvx mcp-server-time --local-timezone Asia/Shanghai',
      {
        time: {
          command: 'uvx',
          args: ['mcp-server-time', '--local-timezone', 'Asia/Shanghai'],
          env: { API_KEY: 'a b' },
        },
      },
    ],
    ['node /opt/tools/weather.mjs', { weather: { command: 'node', args: ['/opt/tools/weather.mjs'] } }],
    ['https://mcp.example.com/mcp', { example: { url: 'https://mcp.example.com/mcp' } }],
    [
      'claude mcp add --transport http -H "Authorization: Bearer x" docs https://docs.example/mcp',
      { docs: { url: 'https://docs.example/mcp', headers: { Authorization: 'Bearer x' } } },
    ],
    [
      'claude mcp add -e A=1 files -- npx -y files-server /tmp',
      { files: { command: 'npx', args: ['-y', 'files-server', '/tmp'], env: { A: '1' } } },
    ],
    ['claude mcp add-json w \'{"command":"w","args":["-x"]}\'', { w: { command: 'w', args: ['-x'] } }],
  ])('reads the command %s', async (text, upstreams) => {
    expect(await readPasted(text)).toMatchObject({ ok: true, format: 'command', upstreams });
  });

  it.each([
    ['{"mcpServers": {"a": {"command": "x", "args": ["1"]}, "b": {"url": "http://h/mcp"}}}', 'mcp-servers', ['a', 'b']],
    ['"a": {"command": "x"},', 'map', ['a']],
    ['// mine\n{"servers": {"a": {"type": "http", "url": "http://h/mcp"}}}', 'vscode', ['a']],
    ['{"upstreams": {"a": {"command": "x"}}}', 'native', ['a']],
    ['{"command": "npx", "args": ["-y", "mcp-foo"]}', 'mcp-servers', ['foo']],
    ['[mcp_servers.a]\ncommand = "x"\n', 'codex', ['a']],
  ])('reads the document %s', async (text, format, names) => {
    const read = await readPasted(text);
    expect(read).toMatchObject({ ok: true, format });
    expect(Object.keys(read.ok ? read.upstreams : {})).toEqual(names);
  });

  it('keeps references to secrets as they are', async () => {
    const read = await readPasted('{"mcpServers": {"a": {"command": "x", "env": {"K": "${NOT_THERE}"}}}}');
    expect(read).toMatchObject({ ok: true, upstreams: { a: { env: { K: '${env:NOT_THERE}' } } } });
  });

  it.each(['{"mcpServers": {', '{}', '{"a": 1}', 'a | b', '   ', '{"mcpServers": {}}'])(
    'says of %j what is wrong',
    async (text) => {
      const read = await readPasted(text);
      expect(read.ok).toBe(false);
      expect(read.ok ? [] : read.problems[0]?.message).not.toBe('');
    },
  );
});
