// What costs a little each time is found by many times: descriptors, zombies, leftovers (F-P26).
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allProcesses } from '../../../test/support/processes.ts';
import type { UpstreamConfig } from '../../config/schema.ts';
import { createStdioTransport } from '../transports/stdio.ts';
import { gatewayInstance, TAG_VARIABLE } from './tag.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Starts a child and ends it: killed from outside, or closed, with a grandchild each. */
async function cycle(killed: boolean): Promise<void> {
  const config = { command: 'sh', args: ['-c', 'sleep 300 & exec cat'] };
  const transport = createStdioTransport({
    upstream: 'cycle',
    config: config as unknown as UpstreamConfig,
    log: () => undefined,
  });
  let ended: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const sink = { message: () => undefined, failed: () => undefined, noise: () => undefined, closed: () => ended() };
  await transport.open(sink, new AbortController().signal);
  if (killed) {
    process.kill(transport.pid as number, 'SIGKILL');
    await closed;
  }
  await transport.close();
}

const cycles = (count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, at) => cycle(at % 2 === 0)));

describe('200 cycles of start and end (F-P26)', () => {
  it('leave no process, no zombie and no descriptor (C-32)', async () => {
    await cycles(10);
    const before = descriptors();
    for (let round = 0; round < 10; round++) await cycles(20);
    const mine = allProcesses().filter((info) => info.ppid === process.pid && /cat|sleep|^sh\b|^$/.test(info.command));
    expect(mine).toEqual([]);
    const tagged = allProcesses().filter((info) => info.command === 'sleep 300' && info.sid !== process.pid);
    expect(tagged.filter((info) => info.state !== 'Z')).toEqual([]);
    expect(Math.abs(descriptors() - before)).toBeLessThanOrEqual(2);
    expect(`${TAG_VARIABLE}=${gatewayInstance()}`).toMatch(/=\d+-\d+$/);
  });
});
