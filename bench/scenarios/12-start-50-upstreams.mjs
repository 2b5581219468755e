import { atMost, measure, ms } from '../harness/report.mjs';
import { Session } from '../harness/session.mjs';
import { median } from '../harness/statistics.mjs';

export const row = 12;
export const title = 'start with 50 stdio upstreams';

const until = async (attempt) => {
  for (;;) {
    const found = await attempt().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Milliseconds from the spawn to: `initialize` answered, first call of one tool answered, all upstreams answered. */
async function once(start, names) {
  const target = await start();
  const since = () => performance.now() - target.startedAt;
  const session = await until(() => new Session(target.url).open());
  const opened = since();
  const call = (name) =>
    until(async () => {
      const { result } = await session.call(`${name}__echo`, { nonce: name });
      return result?.content?.[0]?.text === name ? since() : undefined;
    });
  const first = await call(names[0]);
  for (const name of names) await call(name);
  const all = since();
  session.close();
  await target.program.stop();
  return { opened, first, all };
}

export async function run(bench) {
  const names = Array.from({ length: 50 }, (_, index) => `server${String(index).padStart(2, '0')}`);
  const config = { command: process.execPath, args: bench.upstreamArgs({ transport: 'stdio' }) };
  const upstreams = Object.fromEntries(names.map((name) => [name, config]));
  const rounds = { minimal: [], gateway: [] };
  for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
    rounds.minimal.push(await once(() => bench.startMinimal(upstreams), names));
    rounds.gateway.push(await once(() => bench.startGateway(upstreams), names));
  }
  const figure = (what) => median(rounds.gateway.map((value, round) => value[what] / rounds.minimal[round][what]));
  const behind = (what) =>
    ['minimal', 'gateway'].map((name) => `${name} ${ms(median(rounds[name].map((value) => value[what])))}`).join(', ');
  return [
    measure('initialize answered, against minimal', figure('opened'), atMost(0.25), behind('opened')),
    measure('first call of one tool', figure('first'), atMost(0.3), behind('first')),
    measure('all answered', figure('all'), atMost(1.2), behind('all')),
    ...(await secondStart(bench, upstreams)),
  ];
}

/** A start on a data directory that knows the lists: tools are there before the upstreams are. */
async function secondStart(bench, upstreams) {
  if (bench.standIn !== undefined) return [];
  const dataDir = bench.path('kept');
  const first = await bench.startGateway(upstreams, { dataDir, wait: 300 });
  await first.program.stop();
  const second = await bench.startGateway(upstreams, { dataDir });
  const session = await until(() => new Session(second.url).open());
  const { result } = await session.request('tools/list');
  const at = performance.now() - second.startedAt;
  session.close();
  return [
    measure(
      'second start: tools in the first list',
      result.tools.length,
      { text: '= 300', met: (value) => value === 300 },
      `after ${ms(at)}`,
    ),
  ];
}
