// Alerts on a gateway that is busy, stands still and fills the memory. It is the process of this test, so one at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { memoryOfMachine } from '../../src/operations/sampler.ts';
import { faulty } from '../support/upstream.ts';
import { startAdminHouse } from './support/admin-house.ts';
import { becomes, open, over, severityOf, told } from './support/real-faults.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('default rules on real faults of the gateway itself, with short windows (C-52, C-53, X-46, 10.22)', () => {
  it('gateway_cpu and event_loop_lag: a gateway that is kept busy, then in bursts', async () => {
    await using house = await startAdminHouse({
      upstreams: { a: faulty('healthy') },
      monitor: {
        rules: [
          { name: 'gateway_cpu', warning: 6, error: 9, window: '4s' },
          { name: 'event_loop_lag', warning: 100, error: 400, critical: 60_000, window: '6s' },
        ],
      },
    });
    await house.ready();
    const seen = new Set<string>();
    /** Blocks the loop again and again, and looks now and then. */
    const busyIn = async (block: number, until: () => boolean) => {
      for (let n = 1; !until() && n < 100; n++) {
        const stop = performance.now() + block;
        while (performance.now() < stop);
        await sleep(20);
        if (n % 4 === 0) for (const { rule, severity } of await open(house)) seen.add(`${rule} ${severity}`);
      }
    };
    await busyIn(250, () => seen.has('gateway_cpu error') && seen.has('event_loop_lag warning'));
    await busyIn(700, () => seen.has('event_loop_lag error'));
    expect([...seen]).toEqual(
      expect.arrayContaining(['gateway_cpu error', 'event_loop_lag warning', 'event_loop_lag error']),
    );
    await over(house, 'event_loop_lag');
    await over(house, 'gateway_cpu');
  });

  it('gateway_memory: a gateway that fills the memory, then gives it back', async () => {
    const used = () => (100 * process.memoryUsage.rss()) / memoryOfMachine();
    const share = (bytes: number) => (100 * bytes) / memoryOfMachine();
    // So much that nothing else in this process counts, and giving it back leaves it below 80 % of the threshold.
    const size = Math.ceil(2 * process.memoryUsage.rss());
    const critical = used() + 0.8 * share(size);
    await using house = await startAdminHouse({
      upstreams: { a: faulty('healthy') },
      monitor: { rules: [{ name: 'gateway_memory', warning: used() + 0.25 * share(size), critical, window: '300ms' }] },
    });
    await house.ready();
    const kept = [Buffer.alloc(size / 2, 1)];
    await becomes(house, 'gateway_memory', 'warning');
    kept.push(Buffer.alloc(0.75 * size, 1));
    await becomes(house, 'gateway_memory', 'critical');
    kept.length = 0;
    collectGarbage();
    await over(house, 'gateway_memory');
  });

  it('event_loop_stall: a gateway that stands still for longer and longer (F-G11)', async () => {
    await using house = await startAdminHouse({
      upstreams: { a: faulty('healthy') },
      monitor: { rules: [{ name: 'event_loop_stall', warning: 250, error: 700, critical: 1500, window: '3s' }] },
    });
    await house.ready();
    await house.operations.look();
    for (const [ms, severity] of [
      [400, 'warning'],
      [900, 'error'],
      [1900, 'critical'],
    ] as const) {
      const stall = async () => {
        // The clock of the loop counts from its first turn after a look.
        await sleep(100);
        const stop = performance.now() + ms;
        while (performance.now() < stop);
        // The clock of the loop has its turn before anybody looks, as it has when a timer does.
        await sleep(150);
        return await severityOf(house, 'event_loop_stall');
      };
      await expect.poll(stall, { timeout: 60_000, interval: 20 }).toBe(severity);
    }
    await over(house, 'event_loop_stall');
    // A machine that stands still by itself may bring other steps in between.
    expect(told(house, 'event_loop_stall')).toEqual(expect.arrayContaining(['changed error', 'changed critical']));
    expect(told(house, 'event_loop_stall').at(-1)).toMatch(/^resolved/);
  });
});
