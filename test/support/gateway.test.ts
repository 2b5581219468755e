// The gateway fixture itself: that it starts what a test asks for and that a survivor fails the stop.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.ts';
import { LegacyHttpClient } from './legacy-http-client.ts';
import { ModernHttpClient } from './modern-http-client.ts';
import { processesUnder, stillThere } from './processes.ts';
import { textOf } from './rpc.ts';
import { withTempDir } from './temp-dir.ts';
import { executionsOf, faulty, readLedger, startUpstream } from './upstream.ts';

describe('startGateway', () => {
  it('serves both eras from a stdio and an HTTP upstream and leaves no process', async () => {
    await withTempDir(async (folder) => {
      const ledger = join(folder, 'ledger');
      await using web = await startUpstream('healthy', { era: 'modern' });
      const gateway = await startGateway({
        config: { version: 1, upstreams: { child: faulty('healthy', { ledger }), web: { url: web.url } } },
      });
      await gateway.upstreamsIn(['child', 'web']);
      await using legacy = new LegacyHttpClient(`${gateway.url}/mcp/passthrough`);
      await legacy.initialize();
      expect((await legacy.toolNames()).sort()).toEqual(
        ['child__put', 'child__read', 'child__write', 'web__put', 'web__read', 'web__write'].sort(),
      );
      expect(textOf(await legacy.call('child__write', { nonce: 'a' }))).toBe('a');
      await using modern = new ModernHttpClient(`${gateway.url}/mcp/web`);
      expect(textOf(await modern.call('write', { nonce: 'b' }))).toBe('b');
      expect([executionsOf(readLedger(ledger), 'a'), await web.executions('b')]).toEqual([1, 1]);
      const children = processesUnder(gateway.pid);
      expect(children.length).toBeGreaterThan(0);
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
      expect(stillThere(children)).toEqual([]);
    });
  });
});
