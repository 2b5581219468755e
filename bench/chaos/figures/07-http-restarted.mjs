// An HTTP upstream goes away and comes back without its sessions; and one that only loses its sessions.
import { Session } from '../../harness/session.mjs';
import { callers, pause } from '../harness/client.mjs';
import { atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 7;
export const title = 'HTTP upstream restarted, its sessions lost';
export const scaled = '4 outages in place of 20';

export async function run(house) {
  return [...(await restarted(house)), ...(await lost(house))];
}

async function restarted(house) {
  const upstream = await house.upstream('refuses-connections');
  const gateway = await house.gateway({ upstreams: { u: { url: upstream.url, transport: 'streamable-http' } } });
  const witness = await new Session(`${gateway.url}/mcp/u`).open();
  const outages = house.scale(4, 20);
  const recoveries = [];
  let reads = 0;
  let afterwards = 0;
  for (let outage = 0; outage < outages; outage++) {
    const load = callers(8, (index, turn) =>
      house.client.call(gateway, 'u', index % 2 === 0 ? 'read' : 'write', { nonce: `${outage}-${index}-${turn}` }),
    );
    await pause(300);
    const listening = listens(upstream);
    // Every second outage is longer than the second in which the connect loop hurries most.
    await upstream.control({ ms: outage % 2 === 0 ? 1_000 : 3_000, lose: true });
    const listensAt = await listening;
    await pause(700);
    const records = await load.stop();
    reads += records.filter(({ ok, tool }) => !ok && tool === 'read').length;
    afterwards += records.filter(({ ok, at }) => !ok && at > listensAt).length;
    recoveries.push(
      Math.min(...records.filter(({ ok, end }) => ok && end > listensAt - 20).map(({ end }) => end)) - listensAt,
    );
  }
  const alive = await witness.call('read', { nonce: 'alive' });
  witness.close();
  return [
    measure('first good answer after it listens', quantile(recoveries, 0.5), atMost(50, house.scale(150, 50)), {
      unit: 'ms',
      claim: 13,
      note: `${recoveries.map((ms) => ms.toFixed(0)).join(', ')}; looked for every 2 ms`,
    }),
    measure('read-only calls failed', reads, exactly(0)),
    measure('calls failed that were sent after it listened', afterwards, exactly(0)),
    measure('client session lives', alive.result?.content?.[0]?.text === 'alive' ? 'yes' : 'no', exactly('yes')),
  ];
}

/** Resolves with the time when the port takes connections again, having been closed. */
async function listens({ port }) {
  const { connect } = await import('node:net');
  const open = () =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  while (await open()) await pause(5);
  while (!(await open())) await pause(2);
  return performance.now();
}

/** Every way in which servers refuse a session they do not know: the refused call itself succeeds. */
async function lost(house) {
  const forms = [404, 400, 401, 200, 422];
  const upstreams = {};
  const servers = [];
  for (const form of forms) {
    const server = await house.upstream('loses-sessions', { set: { form } });
    servers.push(server);
    upstreams[`u${form}`] = { url: server.url, transport: 'streamable-http' };
  }
  const gateway = await house.gateway({ upstreams });
  const records = [];
  const turns = house.scale(5, 50);
  for (let turn = 0; turn < turns; turn++) {
    await Promise.all(servers.map((server) => server.control({})));
    for (const tool of ['write', 'read']) {
      records.push(
        ...(await Promise.all(
          forms.map((form) => house.client.call(gateway, `u${form}`, tool, { nonce: `${form} ${turn}` })),
        )),
      );
    }
  }
  const failed = records.filter(({ ok }) => !ok);
  const ran = (await Promise.all(servers.map((server) => server.ledger())))
    .flat()
    .filter(({ event }) => event === 'executed');
  return [
    measure('calls that a lost session cost', failed.length, exactly(0), {
      note: failed.length > 0 ? JSON.stringify(failed[0]) : `${records.length} calls, refused as ${forms.join(', ')}`,
    }),
    measure('of them run twice', ran.length - records.length + failed.length, atMost(0)),
  ];
}
