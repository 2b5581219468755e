// Each misbehaving server really misbehaves as its file says: chaos tests stand on them.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startUpstream } from '../../support/upstream.ts';
import { networkChecks } from './checks/network.ts';
import { stdioChecks } from './checks/stdio.ts';

const checks = { ...stdioChecks, ...networkChecks };

describe('misbehaving servers', () => {
  it.each(Object.entries(checks))('%s', async (_, check) => {
    await check();
  });

  it('has a check for every file', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.mjs') && file !== 'scaffold.mjs');
    expect(files.map((file) => file.replace('.mjs', '')).sort()).toEqual(Object.keys(checks).sort());
  });

  it.each([
    ['http', 'modern'],
    ['sse', 'legacy'],
    ['ws', 'dual'],
  ] as const)('serves over %s in the %s era', async (transport, era) => {
    await using upstream = await startUpstream('healthy', { transport, era });
    expect(upstream.url).toMatch(transport === 'ws' ? /^ws:/ : /^http:/);
  });
});
