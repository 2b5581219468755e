// Every transport with a server of either era that shares no code with the gateway.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { type UnderTest, upstreamUnderTest } from '../../test/support/upstream-under-test.ts';
import type { RpcNotification } from '../core/rpc.ts';

const SERVER = fileURLToPath(new URL('../../test/servers/conformance/main.mjs', import.meta.url));
const children: ChildProcess[] = [];
const running: UnderTest[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((made) => made.stop()));
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

async function serve(transport: string, era: string, port = 0): Promise<{ url: string; child: ChildProcess }> {
  const args = [SERVER, '--transport', transport, '--era', era, '--port', String(port)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(
    createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }),
    'line',
  )) as [string];
  return { url: (JSON.parse(line) as { url: string }).url, child };
}

async function start(transport: string, era: string, configured = 'auto'): Promise<UnderTest & { url?: string }> {
  const written =
    transport === 'stdio'
      ? { command: process.execPath, args: [SERVER, '--era', era] }
      : { url: (await serve(transport, era)).url, transport: configured };
  const made = upstreamUnderTest(written);
  running.push(made);
  made.upstream.start();
  return made;
}

describe.each([
  ['stdio', 'legacy'],
  ['stdio', 'modern'],
  ['stdio', 'dual'],
  ['http', 'legacy'],
  ['http', 'modern'],
  ['http', 'dual'],
  ['sse', 'legacy'],
  ['ws', 'legacy'],
  ['ws', 'modern'],
])('%s, %s', (transport, era) => {
  test('MP10 found by itself, listed, called; progress and logs come to their call', async () => {
    const { upstream, reached, tool, text } = await start(transport, era);
    await reached('ready', 'failed');
    expect(upstream.state.state).toBe('ready');
    expect(upstream.identity?.era).toBe(era === 'legacy' ? 'legacy' : 'modern');
    expect(upstream.lists.tools.length).toBeGreaterThan(5);
    expect(upstream.lists.prompts.length).toBeGreaterThan(0);
    expect(upstream.lists.resources.length).toBeGreaterThan(0);
    expect(await text('test_simple_text')).toContain('simple text');
    const told: RpcNotification[] = [];
    await tool('test_tool_with_progress', {}, { progressToken: 'mine', notify: (one) => told.push(one) });
    expect(told.map((one) => one.params?.progressToken)).toEqual(['mine', 'mine', 'mine']);
    told.length = 0;
    await tool('test_tool_with_logging', {}, { logLevel: 'debug', notify: (one) => told.push(one) });
    expect(told.map((one) => one.method)).toEqual(Array.from({ length: 3 }, () => 'notifications/message'));
  });

  test('MP4 a call that is aborted ends at once', async () => {
    const { reached, tool } = await start(transport, era);
    await reached('ready');
    const caller = new AbortController();
    const call = tool('test_tool_with_logging', {}, { signal: caller.signal });
    caller.abort();
    await expect(call).rejects.toMatchObject({ fault: 'CANCELLED' });
  });
});

describe('questions of a legacy server (10.6, F-I25)', () => {
  test.each(['stdio', 'http', 'sse', 'ws'])('over %s reach the caller behind the call', async (transport) => {
    const { reached, text } = await start(transport, 'legacy');
    await reached('ready');
    const answer = { action: 'accept', content: { username: 'Ada', email: 'ada@example.org' } };
    const asked = {
      client: { era: 'legacy' as const, revision: '2025-11-25', capabilities: { elicitation: {} }, info: {}, key: 'k' },
      ask: () => Promise.resolve({ result: answer }),
    };
    expect(await text('test_elicitation', { message: 'who?' }, asked)).toContain('accept');
    expect(await text('test_elicitation', { message: 'who?' })).toContain('decline');
  });
});

describe('a remote server that dies under its callers', () => {
  test.each(['http', 'sse', 'ws'])('over %s: told or answered, and back when it is back', async (transport) => {
    const { url, child } = await serve(transport, 'legacy');
    const made = upstreamUnderTest({ url });
    running.push(made);
    made.upstream.start();
    await made.reached('ready');
    child.kill('SIGKILL');
    await once(child, 'exit');
    children.splice(children.indexOf(child), 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const waiting = made.text('test_simple_text');
    await made.reached('backoff');
    await serve(transport, 'legacy', Number(new URL(url).port));
    expect(await waiting).toContain('simple text');
  });
});

describe('a process of ours that is reached by its URL (C-71)', () => {
  test.each(['http', 'ws'])(
    'over %s: started, called, back after it was killed, gone after the stop',
    async (carrier) => {
      const port = await freePort();
      const made = upstreamUnderTest({
        command: process.execPath,
        args: [SERVER, '--transport', carrier, '--port', port],
        url: carrier === 'ws' ? `ws://127.0.0.1:${port}/mcp` : `http://127.0.0.1:${port}/mcp`,
      });
      running.push(made);
      made.upstream.start();
      expect(await made.text('test_simple_text')).toContain('simple text');
      const pid = made.upstream.facts().pid as number;
      process.kill(pid, 'SIGKILL');
      await made.reached('starting');
      expect(await made.text('test_simple_text')).toContain('simple text');
      const second = made.upstream.facts().pid as number;
      expect(second).not.toBe(pid);
      await made.stop();
      expect(() => process.kill(second, 0)).toThrow();
    },
  );

  test('one that exits instead of listening is told as an exit', async () => {
    const made = upstreamUnderTest(
      { command: process.execPath, args: ['-e', 'process.exit(3)'], url: `http://127.0.0.1:${await freePort()}/mcp` },
      { random: () => 0 },
    );
    running.push(made);
    made.upstream.start();
    expect(await made.reached('cooling_down')).toMatchObject({ cause: { fault: 'UPSTREAM_EXITED' } });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
