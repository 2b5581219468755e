import { describe, expect, it } from 'vitest';
import { GatewayFault } from './fault.ts';
import { part } from './part.ts';

describe('a part of the program that is read later', () => {
  it('is read once, however many ask for it', async () => {
    let reads = 0;
    const read = part('api', async () => ({ number: ++reads }));
    expect(reads).toBe(0);
    const [one, other] = await Promise.all([read(), read()]);
    expect(one).toBe(other);
    expect(await read()).toBe(one);
    expect(reads).toBe(1);
  });

  it('that cannot be read is a fault which says so and what to do, and is tried again', async () => {
    let there = false;
    const read = part('api', async () => {
      if (!there) throw new Error("Cannot find module '/gone.js'");
      return 'here';
    });
    const fault = await read().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(GatewayFault);
    expect(fault).toMatchObject({
      fault: 'INTERNAL',
      message: 'the part "api" of this program cannot be read: Cannot find module \'/gone.js\'',
      hint: expect.stringMatching(/restart it/) as unknown,
    });
    there = true;
    expect(await read()).toBe('here');
  });
});
