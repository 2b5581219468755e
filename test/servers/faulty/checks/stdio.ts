import { join } from 'node:path';
import { expect } from 'vitest';
import { processesUnder, processesWithEnvironment, processInfo, residentBytes } from '../../../support/processes.ts';
import { Program } from '../../../support/program.ts';
import { type Json, textOf } from '../../../support/rpc.ts';
import { StdioClient } from '../../../support/stdio-client.ts';
import { withTempDir } from '../../../support/temp-dir.ts';
import { executionsOf, faulty } from '../../../support/upstream.ts';
import { waitFor } from '../../../support/wait.ts';

import { onStdio } from './servers.ts';

/** What each server on stdio does, by file. */
export const stdioChecks: Record<string, () => Promise<void>> = {
  healthy: () => onStdio('healthy', {}, async ({ fault }) => expect(textOf(await fault())).toBe('n')),
  'exits-idle': () =>
    onStdio('exits-idle', { after: 50 }, async ({ client }) => {
      await expect(client.program.exited).resolves.toEqual({ code: 3, signal: null });
    }),
  'exits-before-executing': () =>
    onStdio('exits-before-executing', {}, async ({ fault, ledger }) => {
      await expect(fault()).rejects.toThrow(/ended: 1/);
      expect(executionsOf(ledger(), 'n')).toBe(0);
    }),
  'exits-after-executing': () =>
    onStdio('exits-after-executing', {}, async ({ fault, ledger }) => {
      await expect(fault()).rejects.toThrow(/ended: 1/);
      expect(executionsOf(ledger(), 'n')).toBe(1);
    }),
  'exits-with-signal': () =>
    onStdio('exits-with-signal', {}, async ({ fault }) => expect(fault()).rejects.toThrow(/SIGKILL/)),
  freezes: () =>
    onStdio('freezes', {}, async ({ client, fault }) => {
      void fault();
      await waitFor(() => processInfo(client.program.pid)?.state === 'T');
    }),
  'blocks-its-loop': () =>
    onStdio('blocks-its-loop', { ms: 300 }, async ({ client, fault }) => {
      const begin = performance.now();
      const call = fault();
      await client.request('ping');
      expect(performance.now() - begin).toBeGreaterThan(250);
      expect(textOf(await call)).toBe('n');
    }),
  'crashes-at-every-start': () =>
    onStdio(
      'crashes-at-every-start',
      {},
      async ({ client }) => {
        expect((await client.program.exited).code).toBe(1);
        expect(client.program.stderr).toContain('(line 30)');
      },
      true,
    ),
  'crashes-at-first-starts': () =>
    withTempDir(async (folder) => {
      const { command, args } = faulty('crashes-at-first-starts', { ledger: join(folder, 'ledger') });
      for (const code of [1, 1]) {
        await expect(new Program(command, { args }).exited).resolves.toMatchObject({ code });
      }
      const client = new StdioClient(command, { args });
      await client.initialize();
      await client.close();
    }),
  'never-handshakes': () =>
    onStdio(
      'never-handshakes',
      {},
      async ({ client }) => {
        await expect(client.request('initialize', {}, { within: 300 })).rejects.toThrow(/waited/);
        await waitFor(() => client.program.stderr.includes('Server started'));
      },
      true,
    ),
  'slow-start': () =>
    onStdio(
      'slow-start',
      { ms: 300 },
      async ({ client }) => {
        const begin = performance.now();
        await client.initialize();
        expect(performance.now() - begin).toBeGreaterThan(250);
      },
      true,
    ),
  'unknown-version': () =>
    onStdio(
      'unknown-version',
      {},
      async ({ client }) => {
        expect((await client.request('initialize', {})).protocolVersion).toBe('1999-12-31');
      },
      true,
    ),
  'ignores-term': () =>
    onStdio('ignores-term', {}, async ({ client }) => {
      client.program.child.stdin?.end();
      client.program.signal('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(client.program.running).toBe(true);
    }),
  'grandchild-in-group': () =>
    onStdio('grandchild-in-group', {}, async ({ client }) => {
      const found = await waitFor(() =>
        processesUnder(client.program.pid).find(({ command }) => command === 'sleep 86399'),
      );
      expect(found.pgid).toBe(processInfo(client.program.pid)?.pgid);
      process.kill(found.pid, 'SIGKILL');
    }),
  'grandchild-in-own-session': () =>
    withTempDir(async (folder) => {
      const { command, args } = faulty('grandchild-in-own-session');
      const client = new StdioClient(command, { args, env: { ...process.env, TEST_TAG: folder } });
      await client.initialize();
      const grandchild = () =>
        processesWithEnvironment('TEST_TAG', folder).find((info) => info.command === 'sleep 86398');
      const found = await waitFor(grandchild);
      expect(found.sid).toBe(found.pid);
      process.kill(found.pid, 'SIGKILL');
      await client.close();
    }),
  'floods-stderr': () =>
    onStdio('floods-stderr', { mb: 2 }, async ({ fault }) => expect(textOf(await fault())).toBe('n')),
  'never-reads-stdin': () =>
    onStdio('never-reads-stdin', {}, async ({ client, fault }) => {
      void fault();
      await new Promise((resolve) => setTimeout(resolve, 100));
      await expect(client.request('ping', {}, { within: 200 })).rejects.toThrow(/waited/);
    }),
  grows: () =>
    onStdio('grows', { mb: 30 }, async ({ client, fault }) => {
      const before = residentBytes(client.program.pid);
      await fault();
      expect(residentBytes(client.program.pid) - before).toBeGreaterThan(25 * 2 ** 20);
    }),
  spins: () =>
    onStdio('spins', {}, async ({ client, fault }) => {
      await fault();
      const before = processInfo(client.program.pid)?.cpuMs ?? 0;
      await waitFor(() => (processInfo(client.program.pid)?.cpuMs ?? 0) > before + 200, { within: 10_000 });
    }),
  'noise-lines': () =>
    onStdio('noise-lines', {}, async ({ client, fault }) => {
      expect(textOf(await fault())).toBe('n');
      expect(client.noise).toContain('{broken json');
    }),
  banner: () => onStdio('banner', {}, async ({ client }) => expect(client.noise[0]).toMatch(/Welcome/)),
  'cut-line': () =>
    onStdio('cut-line', {}, async ({ client, fault }) => {
      void fault();
      await waitFor(() => client.noise.some((line) => line.startsWith('{"jsonrpc"')));
    }),
  'invalid-utf8': () =>
    onStdio('invalid-utf8', {}, async ({ fault }) => expect(textOf(await fault())).toContain('\ufffd')),
  'split-multibyte': () =>
    onStdio('split-multibyte', {}, async ({ fault }) => expect(textOf(await fault())).toBe('n 敏捷的棕色狐狸 🦊 über')),
  'endless-line': () =>
    onStdio('endless-line', { mb: 3 }, async ({ client, fault }) => {
      let bytes = 0;
      client.program.child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      void fault();
      await waitFor(() => bytes > 3 * 2 ** 20);
      expect(client.noise).toEqual([]);
    }),
  'big-message': () =>
    onStdio('big-message', { mb: 4 }, async ({ fault }) =>
      expect(textOf(await fault()).length).toBeGreaterThan(4 * 2 ** 20),
    ),
  'wrong-id': () =>
    onStdio('wrong-id', {}, async ({ client }) =>
      expect(client.call('read', { fault: true }, { within: 200 })).rejects.toThrow(/waited/),
    ),
  'string-id': () =>
    onStdio('string-id', {}, async ({ client }) =>
      expect(client.call('read', { fault: true }, { within: 200 })).rejects.toThrow(/waited/),
    ),
  'null-id': () =>
    onStdio('null-id', {}, async ({ client }) =>
      expect(client.call('read', { fault: true }, { within: 200 })).rejects.toThrow(/waited/),
    ),
  'out-of-order': () =>
    onStdio('out-of-order', { n: 3 }, async ({ fault }) => {
      const order: string[] = [];
      await Promise.all(['a', 'b', 'c'].map(async (nonce) => order.push(textOf(await fault(nonce)))));
      expect(order).toEqual(['c', 'b', 'a']);
    }),
  'late-answer': () =>
    onStdio('late-answer', { ms: 300 }, async ({ fault }) => {
      const begin = performance.now();
      expect(textOf(await fault())).toBe('n');
      expect(performance.now() - begin).toBeGreaterThan(290);
    }),
  'bad-envelope': () =>
    onStdio('bad-envelope', { kind: 'neither' }, async ({ fault }) => expect(fault()).rejects.toThrow(/neither/)),
  'bad-result': () =>
    onStdio('bad-result', { kind: 'list' }, async ({ fault }) => expect(await fault()).toEqual([1, 2, 3])),
  'deep-json': () =>
    onStdio('deep-json', { depth: 20_000 }, async ({ fault }) => {
      let depth = 0;
      for (let at = (await fault()).structuredContent as Json; typeof at === 'object'; at = at.a as Json) depth++;
      expect(depth).toBe(20_000);
    }),
  'proto-keys': () =>
    onStdio('proto-keys', {}, async ({ fault }) => {
      expect(Object.hasOwn((await fault()).structuredContent as Json, '__proto__')).toBe(true);
    }),
  'progress-forever': () =>
    onStdio('progress-forever', { ms: 10 }, async ({ client }) => {
      const call = client.exchange(
        'tools/call',
        { name: 'read', arguments: { nonce: 'n', fault: true } },
        { id: 77, progressToken: 'p' },
      );
      call.catch(() => {});
      await client.notification('notifications/progress', ({ progress }) => progress === 3);
      await client.notify('notifications/cancelled', { requestId: 77 });
      await client.request('ping');
      const came = client.notifications.length;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(client.notifications.length).toBeLessThanOrEqual(came + 1);
    }),
  'asks-client': () =>
    onStdio('asks-client', { method: 'roots/list' }, async ({ client, fault }) => {
      client.responder = () => ({ roots: [] });
      expect(textOf(await fault())).toBe('n {"roots":[]}');
    }),
  hangs: () =>
    onStdio('hangs', {}, async ({ client, fault, ledger }) => {
      void fault();
      await client.request('ping');
      await client.notify('notifications/cancelled', { requestId: 2 });
      await waitFor(() => ledger().some(({ event }) => event === 'cancelled'));
      expect(executionsOf(ledger(), 'n')).toBe(1);
    }),
  'hangs-entirely': () =>
    onStdio('hangs-entirely', {}, async ({ client, fault }) => {
      void fault();
      await expect(client.request('ping', {}, { within: 200 })).rejects.toThrow(/waited/);
    }),
  'slow-tool': () => onStdio('slow-tool', { ms: 100 }, async ({ fault }) => expect(textOf(await fault())).toBe('n')),
  'many-tools': () =>
    onStdio('many-tools', { n: 250, page: 100 }, async ({ client }) => {
      expect(await client.list()).toHaveLength(250);
      expect((await client.request('tools/list')).nextCursor).toBe('100');
    }),
  'evil-names': () =>
    onStdio('evil-names', {}, async ({ client }) => expect(await client.toolNames()).toContain('a\r\nX-Injected: 1')),
  'duplicate-names': () =>
    onStdio('duplicate-names', {}, async ({ client }) =>
      expect(await client.toolNames()).toEqual(['twice', 'twice', 'once']),
    ),
  'bad-schemas': () => onStdio('bad-schemas', {}, async ({ client }) => expect(await client.list()).toHaveLength(10)),
  'recursive-ref': () =>
    onStdio('recursive-ref', {}, async ({ client }) => expect(await client.toolNames()).toContain('circle')),
  'network-ref': () =>
    onStdio('network-ref', { url: 'http://127.0.0.1:1/x' }, async ({ client }) =>
      expect(JSON.stringify(await client.list())).toContain('127.0.0.1:1/x'),
    ),
  'catastrophic-regex': () =>
    onStdio('catastrophic-regex', {}, async ({ client }) =>
      expect(JSON.stringify(await client.list())).toContain('(a+)+'),
    ),
  'poisoned-description': () =>
    onStdio('poisoned-description', {}, async ({ client }) =>
      expect(JSON.stringify(await client.list())).toContain('\u{e0069}'),
    ),
  'proto-schema': () =>
    onStdio('proto-schema', {}, async ({ client }) =>
      expect(Object.hasOwn((await client.list())[0]?.inputSchema as Json, '__proto__')).toBe(true),
    ),
  'bad-x-mcp-header': () =>
    onStdio('bad-x-mcp-header', {}, async ({ client }) => expect(await client.toolNames()).toContain('double')),
};
