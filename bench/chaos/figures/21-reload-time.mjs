// From the moment a changed file has settled to the moment the change is in force, the start of upstreams aside: fifty
// upstreams, one of which gets other settings each time.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { pause, until } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 21;
export const title = 'A changed file in force after it has settled';
export const scaled = '10 reloads in place of 100';

/** How long the gateway leaves a file alone before it reads it (requirements 12.1), in milliseconds. */
const SETTLE = 500;

export async function run(house) {
  const reloads = house.scale(10, 100);
  const remote = await house.upstream('healthy');
  const config = (round) => ({
    upstreams: {
      live: { ...faulty('healthy'), timeouts: { call: `${30 + round}s` } },
      ...Object.fromEntries(
        Array.from({ length: 49 }, (_, at) => [
          `u${at}`,
          { url: remote.url, transport: 'streamable-http', tools: { disabled: ['a', 'b'] } },
        ]),
      ),
    },
  });
  const gateway = await house.gateway(config(0));
  const token = readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim();
  const applied = [];
  const stream = request(`${gateway.url}/api/v1/events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  stream.on('error', () => {});
  stream.on('response', (response) => {
    response.on('error', () => {});
    // Each event is one write of the gateway, and small.
    response.setEncoding('utf8').on('data', (text) => {
      if (text.includes('event: config.applied')) applied.push(performance.now());
    });
  });
  stream.end();
  await pause(300);
  applied.length = 0;
  const times = [];
  const draft = `${gateway.configPath}.next`;
  for (let round = 1; round <= reloads; round++) {
    const inPlace = round % 2 === 0;
    writeFileSync(inPlace ? gateway.configPath : draft, JSON.stringify(config(round), null, 2));
    if (!inPlace) renameSync(draft, gateway.configPath);
    const settled = performance.now() + SETTLE;
    const seen = await until(() => applied.shift(), `reload ${round}`, 15_000, 1);
    times.push(seen - settled);
    const { version } = (await gateway.health()).config;
    if (version !== round + 1) throw new Error(`version ${version} after reload ${round}`);
    applied.length = 0;
  }
  stream.destroy();
  const early = times.filter((time) => time < -5).length;
  return [
    measure('p95 after it has settled', quantile(times, 0.95), atMost(100, house.scale(1_000, 100)), {
      unit: 'ms',
      note: `${reloads} reloads of 50 upstreams, median ${quantile(times, 0.5).toFixed(0)} ms`,
    }),
    measure('longest', Math.max(...times), undefined, { unit: 'ms' }),
    measure('taken before it had settled', early, exactly(0)),
  ];
}
