// A gateway follows its configuration from the state that it was started with.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Config } from './config/schema.ts';
import { EventStream } from './core/events.ts';
import { LiveConfig } from './live-config.ts';
import { type LiveConfigSource, readLive } from './live-source.ts';

it('what was changed between the reading of a start and the watch is applied (F-K4)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-live-'));
  const file = join(folder, 'holdfast.json');
  const write = (name: string) =>
    writeFileSync(file, JSON.stringify({ version: 1, upstreams: { [name]: { command: 'node' } } }));
  write('before');
  const source: LiveConfigSource = { file, env: {} };
  const first = await readLive(source, folder);
  if (!first.result.ok) throw new Error('refused');
  write('meanwhile');
  const apply = vi.fn((_: Config) => undefined);
  const gateway = {
    config: first.result.config,
    events: new EventStream(),
    dataDir: { path: folder, writable: false, failed: () => false, well: () => undefined },
    fleet: { plan: () => ({ added: [], removed: [], restarted: [], updated: [] }) },
    apply,
    reject: () => undefined,
  };
  const following: LiveConfigSource = { ...source, first };
  const live = await LiveConfig.open(gateway, following);
  try {
    // The next reading is one of the file.
    expect(following.first).toBeUndefined();
    await live.watch();
    await vi.waitFor(() => expect(apply).toHaveBeenCalledOnce(), 30_000);
    expect(Object.keys(apply.mock.calls[0]?.[0].upstreams ?? {})).toEqual(['meanwhile']);
  } finally {
    live.close();
    rmSync(folder, { recursive: true });
  }
});
