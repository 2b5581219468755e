// The network between the gateway and a server is cut without a word, and heals (F-T8): callers are refused soon, the
// server is looked for without hammering, and found when it is there again.
import { callers, pause } from '../harness/client.mjs';
import { executions } from '../harness/house.mjs';
import { lineTo } from '../harness/line.mjs';
import { atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 22;
export const title = 'A partition, and its end';
export const scaled = 'cut for 6 s in place of 30 s';
export const background = true;

const CALLERS = 8;

export async function run(house) {
  const cut = house.scale(6_000, 30_000);
  const server = await house.upstream('healthy', { ledger: house.file('partition') });
  const line = await lineTo(server.port);
  try {
    const url = `http://127.0.0.1:${line.port}/mcp`;
    const timeouts = { call: '2s', ready: '2s', dial: '1s' };
    const gateway = await house.gateway({ upstreams: { u: { url, transport: 'streamable-http', timeouts } } });
    const load = callers(CALLERS, async (index, turn) => {
      const tool = index % 2 === 0 ? 'read' : 'write';
      const record = await house.client.call(gateway, 'u', tool, { nonce: `${index}-${turn}` }, { deadline: 4_000 });
      await pause(20); // a caller that does not give up
      return record;
    });
    await pause(500);
    const from = performance.now();
    line.cut();
    await pause(cut);
    const to = performance.now();
    line.heal();
    await pause(10_000);
    const records = await load.stop();
    const within = records.filter(({ at }) => at > from && at < to);
    const refused = within.filter(({ ok, delivery }) => !ok && delivery === 'not-sent');
    const first = Math.min(...records.filter(({ ok, end }) => ok && end > to).map(({ end }) => end));
    const after = records.filter(({ at, ok }) => at > first && !ok);
    const dials = line.made.filter((at) => at > from && at < to).length;
    const herd = line.made.filter((at) => at > to && at < first + 1_000).length;
    const ran = executions(await server.ledger());
    return [
      measure('calls refused unsent while it was cut', refused.length > 0 ? 'yes' : 'no', exactly('yes'), {
        note: `${refused.length} of ${within.length}, half of them within ${quantile(
          refused.map(({ took }) => took),
          0.5,
        ).toFixed(0)} ms`,
      }),
      measure('connections tried a second, while it was cut', dials / (cut / 1_000), atMost(10)),
      measure('first good answer after it healed', first - to, atMost(5_000), { unit: 'ms', claim: 13 }),
      measure('connections made in the second after it', herd, atMost(2 * CALLERS), { note: `${CALLERS} callers` }),
      measure('calls failed after that', after.length, exactly(0), { note: after[0]?.fault }),
      measure('calls that ran twice', [...ran.values()].filter((count) => count > 1).length, exactly(0)),
    ];
  } finally {
    line.close();
  }
}
