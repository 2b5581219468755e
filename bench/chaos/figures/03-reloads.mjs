// The configuration is replaced again and again under load: no accepted call is lost, and what did not change stays.
import { callers, pause, until } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { processesUnder } from '../harness/proc.mjs';
import { atLeast, exactly, measure } from '../harness/report.mjs';

export const row = 3;
export const title = 'Accepted calls lost on hot reload';
export const scaled = '10 reloads in place of 100';

export async function run(house) {
  const reloads = house.scale(10, 100);
  const least = house.scale(500, 5_000);
  // `changes` is another process with every reload, `comes` is there every second time, `settings` only takes new ones.
  const config = (version) => ({
    upstreams: {
      stays: faulty('healthy'),
      settings: { ...faulty('slow-start', { set: { ms: 0 } }), timeouts: { call: `${30 + version}s` } },
      changes: { ...faulty('slow-tool', { set: { ms: 100 } }), env: { VERSION: String(version) } },
      ...(version % 2 === 1 && { comes: faulty('healthy', { set: { version } }) }),
    },
  });
  const gateway = await house.gateway(config(0));
  const pidOf = (part) => processesUnder(gateway.pid).find(({ command }) => command.includes(part))?.pid;
  const before = [pidOf('healthy.mjs'), pidOf('slow-start.mjs')];
  const names = ['stays', 'settings', 'changes'];
  const load = callers(9, (index, turn) =>
    house.client.call(gateway, names[index % 3], 'write', {
      nonce: `${index}-${turn}`,
      fault: index % 3 === 2,
      always: true,
    }),
  );
  for (let version = 1; version <= reloads; version++) {
    gateway.write(config(version));
    await until(async () => (await gateway.health()).config.version > version, `version ${version + 1}`, 10_000, 50);
    await pause(150);
  }
  await until(() => load.records.length >= least, `${least} calls`, 120_000);
  await pause(500);
  const records = await load.stop();
  const lost = records.filter(({ ok }) => !ok);
  const same = before.every((pid, index) => pid === [pidOf('healthy.mjs'), pidOf('slow-start.mjs')][index]);
  return [
    measure('calls lost', lost.length, exactly(0), {
      note: lost.length > 0 ? JSON.stringify(lost[0]).slice(0, 200) : `${reloads} reloads`,
    }),
    measure('calls meanwhile', records.length, atLeast(least)),
    measure('unchanged upstreams keep their process', same ? 'yes' : 'no', exactly('yes')),
  ];
}
