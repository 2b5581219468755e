// Children are killed, gateways are stopped and killed: nothing stays, and every cycle comes back.
import { pause, until } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { descriptors, processesUnder, stillAlive, stillThere, zombiesUnder } from '../harness/proc.mjs';
import { atLeast, atMost, exactly, measure } from '../harness/report.mjs';

export const row = 5;
export const title = 'Orphans and zombies';
export const scaled = '60 kill cycles in place of 1,000; 5 stops in place of 100';
export const background = true;

const UPSTREAMS = 6;

export async function run(house) {
  return [...(await killCycles(house)), ...(await stops(house)), ...(await gatewayKilled(house))];
}

/** Every child has a grandchild in its group, which has to go with it. */
function config() {
  const upstreams = {};
  for (let index = 0; index < UPSTREAMS; index++) upstreams[`u${index}`] = faulty('grandchild-in-group');
  return { upstreams };
}

/** Descriptors that stay: an idle connection to the health page lasts four seconds, and pipes of the dead some instants. */
async function kept(pid) {
  let least = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 6_000; performance.now() < end; await pause(100)) {
    least = Math.min(least, descriptors(pid));
  }
  return least;
}

async function killCycles(house) {
  const cycles = house.scale(60, 1_000);
  const gateway = await house.gateway(config());
  const names = Object.keys(config().upstreams);
  await Promise.all(names.map((name) => house.client.call(gateway, name, 'read', { nonce: name })));
  // The first cycle opens what stays for good.
  await oneRound(house, gateway, names, 'warm');
  const before = await kept(gateway.pid);
  const killed = [];
  let recovered = 0;
  for (let done = 0; done < cycles; done += names.length) {
    const round = await oneRound(house, gateway, names, done);
    killed.push(...round.killed);
    recovered += round.recovered;
  }
  await until(
    () => stillAlive(killed).length === 0 && zombiesUnder(gateway.pid).length === 0,
    'the dead to be gone',
    3_000,
  ).catch(() => {});
  const orphans = stillAlive(killed);
  const zombies = zombiesUnder(gateway.pid);
  const after = await kept(gateway.pid);
  await gateway.stop();
  return [
    measure('orphans after kill cycles', orphans.length, exactly(0), {
      note: `${killed.length} processes of ${cycles} cycles`,
    }),
    measure('zombies', zombies.length, exactly(0)),
    measure('descriptors more or less', Math.abs(after - before), atMost(2), { note: `${before} → ${after}` }),
    measure('cycles that came back', recovered / cycles, atLeast(1), {
      unit: '%',
      claim: 25,
      note: `${recovered} starts`,
    }),
  ];
}

async function oneRound(house, gateway, names, round) {
  const children = processesUnder(gateway.pid);
  const direct = children.filter(({ ppid }) => ppid === gateway.pid);
  for (const { pid } of direct) process.kill(pid, 'SIGKILL');
  // A call that was on its way to the dead child is a matter of the retry budget, which a kill before every call uses
  // up; what every cycle owes is that the next call is answered. A child that is reaped is known to be gone.
  await until(() => stillThere(direct).length === 0, 'the killed to be reaped', 20_000);
  const answers = await Promise.all(
    names.map((name) => house.client.call(gateway, name, 'read', { nonce: `${name} ${round}` }, { deadline: 20_000 })),
  );
  return { killed: children, recovered: answers.filter(({ ok }) => ok).length };
}

async function stops(house) {
  const count = house.scale(5, 100);
  let left = 0;
  let bad = 0;
  for (let turn = 0; turn < count; turn++) {
    // Some are stopped while their upstreams still start.
    const gateway = await house.gateway(config(), { wait: turn % 2 === 0 });
    const exit = await gateway.stop();
    left += exit.left.length;
    if (exit.code !== 0) bad++;
  }
  return [
    measure('left behind by stops of the gateway', left, exactly(0), { note: `${count} stops` }),
    measure('stops that did not exit with 0', bad, exactly(0)),
  ];
}

async function gatewayKilled(house) {
  const dataDir = house.file('killed');
  const upstreams = {
    honours: faulty('healthy'),
    group: faulty('grandchild-in-group'),
    ignores: faulty('ignores-term'),
  };
  const gateway = await house.gateway({ upstreams }, { dataDir });
  const under = processesUnder(gateway.pid);
  const direct = under.filter(({ ppid }) => ppid === gateway.pid);
  await gateway.kill();
  await until(() => stillAlive(direct).length === 0, 'direct children to end', 5_000).catch(() => {});
  const children = stillAlive(direct).filter(({ command }) => !command.includes('ignores-term'));
  const next = await house.gateway({ upstreams }, { dataDir });
  await until(() => stillAlive(under).length === 0, 'leftovers to be reaped', 10_000).catch(() => {});
  const leftovers = stillAlive(under);
  await next.stop();
  const note = (processes) => processes.map(({ command }) => command.split(' ').slice(-6).join(' ')).join('; ');
  return [
    measure('direct children alive 5 s after SIGKILL of the gateway', children.length, exactly(0), {
      note: note(children) || `of ${direct.length}; one that ignores SIGTERM and EOF not counted`,
    }),
    measure('leftovers alive after the next start', leftovers.length, exactly(0), {
      note: note(leftovers) || `of ${under.length}`,
    }),
  ];
}
