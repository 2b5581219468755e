// How long starting takes, what a look at the state costs, and what watching costs the gateway.
import { callers, pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { cpuMs } from '../harness/proc.mjs';
import { atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 19;
export const title = 'Start, status, cost of watching';
export const scaled = '10 servers in place of 20; idle for 5 s in place of 60 s';

export async function run(house) {
  const count = house.scale(10, 20);
  const upstreams = {};
  for (let index = 0; index < count; index++) upstreams[`u${index}`] = faulty('healthy', { set: { index } });
  const began = performance.now();
  const gateway = await house.gateway({ upstreams }, { wait: false });
  const listening = performance.now() - began;
  await gateway.reached();
  const ready = performance.now() - began;
  const looks = [];
  for (let turn = 0; turn < 50; turn++) {
    const at = performance.now();
    await gateway.health();
    looks.push(performance.now() - at);
  }
  await pause(500);
  const before = cpuMs(gateway.pid);
  const idle = house.scale(5_000, 60_000);
  await pause(idle);
  const watching = (cpuMs(gateway.pid) - before) / idle;
  const load = callers(4, (index, turn) =>
    house.client.call(gateway, `u${index}`, 'read', { nonce: `${index}-${turn}` }),
  );
  await pause(house.scale(1_000, 5_000));
  const calls = await load.stop();
  const reference = await import('node:fs').then(({ readFileSync }) =>
    readFileSync(new URL('../../../docs/reference/config.md', import.meta.url), 'utf8'),
  );
  const interval =
    /`?health\.interval`?[^\n]*?(30\s?s)/.exec(reference)?.[1] ?? /interval[^\n]*?(30\s?s)/.exec(reference)?.[1];
  return [
    measure('to the ready line', listening, atMost(1_000, house.scale(3_000, 1_000)), { unit: 'ms', claim: 28 }),
    measure(`to ${count} servers ready`, ready / 1000, atMost(16), {
      unit: 's',
      claim: 28,
      note: 'at most 4 start at once',
    }),
    measure('a look at the state, p99', quantile(looks, 0.99), atMost(1_000), { unit: 'ms', claim: 29 }),
    measure('CPU of an idle gateway, watching', watching, atMost(0.05), {
      unit: '%',
      claim: 14,
      note: `of one core, ${count} servers`,
    }),
    measure('interval of checks by default', interval ?? 'unknown', exactly('30s'), { claim: 15 }),
    measure('calls failed meanwhile', calls.filter(({ ok }) => !ok).length, exactly(0), {
      note: `${calls.length} calls`,
    }),
  ];
}
