// What the gateway says of its upstreams against what the system says of their processes, at random moments in which
// they are killed, frozen, crash at every start, or were never started.
import { pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { processesUnder } from '../harness/proc.mjs';
import { atLeast, exactly, measure } from '../harness/report.mjs';

export const row = 17;
export const title = 'Reported state against /proc and handshake';
export const scaled = '100 checks in place of 1,000';
export const background = true;

const STANDS_STILL = ['failed', 'cooling_down', 'disabled', 'stopped'];

export async function run(house) {
  const checks = house.scale(100, 1_000);
  const marked = (name, options) => faulty(name, { set: { mark: `mark-${name}`, ...options } });
  const upstreams = {
    healthy: marked('healthy'),
    'grandchild-in-group': marked('grandchild-in-group'),
    'slow-start': marked('slow-start', { ms: 300 }),
    'never-handshakes': { ...marked('never-handshakes'), timeouts: { start: '3s' } },
    'crashes-at-every-start': marked('crashes-at-every-start'),
    'unknown-version': marked('unknown-version'),
    'slow-tool': { ...marked('slow-tool'), enabled: false },
  };
  const gateway = await house.gateway({ upstreams }, { wait: false });
  let compared = 0;
  const wrong = [];
  for (let turn = 0; compared < checks && turn < checks * 20; turn++) {
    await pause(Math.random() * 60);
    if (turn % 25 === 0) killOne(gateway);
    const before = await gateway.health();
    const processes = processesUnder(gateway.pid).filter(({ ppid }) => ppid === gateway.pid);
    const after = await gateway.health();
    for (const [name, { state, since }] of Object.entries(before.upstreams)) {
      const then = after.upstreams[name];
      // Only what did not change while it was looked at can be compared.
      if (then.state !== state || then.since !== since) continue;
      const own = processes.filter(
        ({ command }) => command.includes(`mark=mark-${name} `) || command.endsWith(`mark=mark-${name}`),
      );
      const living = own.filter((one) => one.state !== 'Z').length;
      if (state === 'ready' && living !== 1) wrong.push(`${name} ready with ${living} processes`);
      if (STANDS_STILL.includes(state) && living !== 0) wrong.push(`${name} ${state} with ${living} processes`);
      if (state === 'ready' && ['never-handshakes', 'crashes-at-every-start', 'unknown-version'].includes(name)) {
        wrong.push(`${name} ready without a handshake`);
      }
      if (state === 'ready' || STANDS_STILL.includes(state)) compared++;
    }
  }
  return [
    measure('states that were wrong', wrong.length, exactly(0), { note: wrong.slice(0, 2).join('; ') }),
    measure('accuracy', 1 - wrong.length / compared, exactly(1), { unit: '%', claim: 26, note: `${compared} checks` }),
    measure('checks', compared, atLeast(checks)),
  ];
}

function killOne(gateway) {
  const victims = processesUnder(gateway.pid).filter(
    ({ ppid, command }) => ppid === gateway.pid && /healthy|grandchild|slow-start/.test(command),
  );
  const victim = victims[Math.floor(Math.random() * victims.length)];
  if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
}
