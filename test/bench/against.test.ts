// The bench's comparison of two builds: which targets a row measures, and what it prints of them.
import { afterEach, expect, test } from 'vitest';

const { Bench } = await import(new URL('../../bench/harness/bench.mjs', import.meta.url).href);
const { againstOther } = await import(new URL('../../bench/harness/rates.mjs', import.meta.url).href);

let bench: InstanceType<typeof Bench> | undefined;
afterEach(async () => {
  await bench?.end();
  bench?.dispose();
});

test('a ratio is the median of those inside a round', () => {
  const rounds = {
    gateway: [
      { rate: 100, p50: 2, cpu: 30 },
      { rate: 300, p50: 2, cpu: 30 },
      { rate: 200, p50: 1, cpu: 30 },
    ],
    other: [
      { rate: 50, p50: 1, cpu: 40 },
      { rate: 300, p50: 1, cpu: 60 },
      { rate: 250, p50: 1, cpu: 10 },
    ],
  };
  expect(againstOther(rounds, 8)).toMatchObject([
    { measure: 'throughput, gateway / other, callers: 8', value: 1, note: 'gateway 200/s, other 250/s' },
    { measure: 'p50, gateway / other, callers: 8', value: 2 },
    { measure: 'CPU of a call, gateway / other, callers: 8', value: 0.75 },
  ]);
});

test('only what was measured of both is compared', () => {
  const rounds = { gateway: [{ rate: 1 }], other: [{ rate: 2 }] };
  expect(againstOther(rounds, 1)).toMatchObject([{ value: 0.5 }]);
  expect(againstOther({ gateway: rounds.gateway }, 1)).toEqual([]);
});

test('the other build takes its turns beside the gateway', async () => {
  const short = { rounds: 1, seconds: 0.05, warmup: 0.05, standIn: 'minimal' };
  bench = new Bench({ ...short, against: 'another/main.js' });
  for (const targets of [await bench.overHttp(), await bench.overStdio()]) {
    expect(Object.keys(targets).slice(-2)).toEqual(['gateway', 'other']);
    expect(targets.other.url).not.toBe(targets.gateway.url);
  }
  await bench.measure(await bench.overHttp(), 2);
  expect(bench.takeCompared()).toHaveLength(3);
  expect(bench.takeCompared()).toEqual([]);
});
