// A frozen server is found out; one that is only busy never is.
import { callers, pause, until } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { processesUnder } from '../harness/proc.mjs';
import { atMost, exactly, measure } from '../harness/report.mjs';

export const row = 9;
export const title = 'Frozen upstreams, and busy ones';
export const scaled = 'busy for 12 s with probes every second, in place of 50 s';
export const background = true;

export async function run(house) {
  return (await Promise.all([idle(house), inCall(house), deaf(house), busy(house)])).flat();
}

const childOf = (gateway, part) => processesUnder(gateway.pid).find(({ command }) => command.includes(part));

/** Stopped while nobody calls: the defaults, all of them. */
async function idle(house) {
  const gateway = await house.gateway({ upstreams: { u: faulty('healthy') } });
  const { pid } = childOf(gateway, 'healthy.mjs');
  process.kill(pid, 'SIGSTOP');
  const stopped = performance.now();
  await until(() => ![undefined, pid].includes(childOf(gateway, 'healthy.mjs')?.pid), 'a new process', 60_000, 50);
  const took = performance.now() - stopped;
  const { ok } = await house.client.call(gateway, 'u', 'read', { nonce: 'back' });
  return [
    measure('frozen while idle, replaced after', took / 1000, atMost(45), { unit: 's' }),
    measure('answers afterwards', ok ? 'yes' : 'no', exactly('yes')),
  ];
}

/** Stopped in the middle of a call, others waiting. */
async function inCall(house) {
  const gateway = await house.gateway({ upstreams: { u: { ...faulty('freezes'), timeouts: { call: '5s' } } } });
  const stopped = performance.now();
  const records = await Promise.all([
    house.client.call(gateway, 'u', 'write', { nonce: 'freezes', fault: true }, { deadline: 5_000 }),
    pause(100).then(() => house.client.call(gateway, 'u', 'read', { nonce: 'waits' }, { deadline: 5_000 })),
  ]);
  await until(
    async () => (await house.client.call(gateway, 'u', 'read', { nonce: 'back' }, { deadline: 10_000 })).ok,
    'an answer',
    45_000,
    100,
  );
  return [
    measure('frozen in a call, answering again after', (performance.now() - stopped) / 1000, atMost(30), {
      unit: 's',
      note: `the call: ${records[0].fault} after ${(records[0].took / 1000).toFixed(1)} s; one beside it: ${records[1].fault ?? 'answered'}`,
    }),
  ];
}

/** Runs, and answers nothing any more, pings neither (F-I27). */
async function deaf(house) {
  const gateway = await house.gateway({ upstreams: { u: { ...faulty('hangs-entirely'), timeouts: { call: '5s' } } } });
  const began = performance.now();
  await house.client.call(gateway, 'u', 'write', { nonce: 'deaf', fault: true }, { deadline: 5_000 });
  await until(
    async () => (await house.client.call(gateway, 'u', 'read', { nonce: 'back' }, { deadline: 5_000 })).ok,
    'an answer',
    60_000,
    100,
  );
  return [
    measure('answers nothing any more, replaced after', (performance.now() - began) / 1000, atMost(45), { unit: 's' }),
  ];
}

/** One that blocks its loop in a call, and one that is slow: neither can answer a ping, both work. */
async function busy(house) {
  const length = house.scale(12_000, 50_000);
  const health = house.quick ? { interval: '1s', timeout: '1s' } : {};
  const timeouts = { call: `${length + 20_000}ms` };
  const gateway = await house.gateway({
    upstreams: {
      blocks: { ...faulty('blocks-its-loop', { set: { ms: length } }), health, timeouts },
      slow: { ...faulty('slow-tool', { set: { ms: 1_000 } }), health, timeouts },
    },
  });
  const pids = () => ['blocks-its-loop', 'slow-tool'].map((part) => childOf(gateway, part)?.pid);
  const before = pids();
  const slow = callers(4, (index, turn) =>
    house.client.call(gateway, 'slow', 'write', { nonce: `${index}-${turn}`, fault: true, always: true }),
  );
  const blocked = await house.client.call(
    gateway,
    'blocks',
    'write',
    { nonce: 'long', fault: true },
    { deadline: length + 20_000 },
  );
  const failed = (await slow.stop()).filter(({ ok }) => !ok).length + (blocked.ok ? 0 : 1);
  const killed = pids().filter((pid, index) => pid !== before[index]).length;
  return [
    measure('busy servers killed', killed, exactly(0)),
    measure('calls of busy servers failed', failed, exactly(0), {
      note: blocked.ok ? '' : `${blocked.fault} ${blocked.message}`,
    }),
  ];
}
