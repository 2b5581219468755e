// One result of 20 MB: what it costs while it passes, and that it is given back; after the first as after the third, for
// which an allocator may have other ways.
import { inspect, inspectArgs } from '../../harness/inspect.mjs';
import { pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { rssBytes } from '../harness/proc.mjs';
import { atMost, exactly, measure } from '../harness/report.mjs';

export const row = 13;
export const title = 'Memory for one result of 20 MB';

const SIZE = 20 * 2 ** 20;

export async function run(house) {
  const remote = await house.upstream('big-message', { set: { mb: 20 } });
  const upstreams = {
    stdio: faulty('big-message', { set: { mb: 20 } }),
    http: { url: remote.url, transport: 'streamable-http' },
  };
  const measures = [];
  for (const name of Object.keys(upstreams)) {
    const gateway = await house.gateway({ upstreams }, { nodeArgs: inspectArgs });
    await house.client.call(gateway, name, 'read', { nonce: 'small' });
    const session = await inspect(gateway);
    const before = await settled(gateway, session);
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, rssBytes(gateway.pid));
    }, 2);
    const { ok } = await house.client.call(gateway, name, 'read', { nonce: 'large', fault: true });
    clearInterval(watch);
    let kept = (await settled(gateway, session)) - before;
    for (const nonce of ['second', 'third']) await house.client.call(gateway, name, 'read', { nonce, fault: true });
    kept = Math.max(kept, (await settled(gateway, session)) - before);
    session.close();
    measures.push(
      measure(`${name}: arrives whole`, ok ? 'yes' : 'no', exactly('yes')),
      measure(`${name}: peak, in its size`, (peak - before) / SIZE, atMost(5), {
        note: `${((peak - before) / 2 ** 20).toFixed(0)} MiB`,
      }),
      measure(`${name}: not given back, in its size`, kept / SIZE, atMost(0.5, 1), {
        note: `${(kept / 2 ** 20).toFixed(1)} MiB`,
      }),
    );
  }
  return measures;
}

/** Resident memory once what is garbage has been given back: what the start left behind would hide what a result costs. */
async function settled(gateway, session) {
  let least = Number.POSITIVE_INFINITY;
  for (let calm = 0; calm < 3; ) {
    await session.ask('HeapProfiler.collectGarbage');
    await pause(500);
    const now = rssBytes(gateway.pid);
    calm = now < least - 2 ** 20 ? 0 : calm + 1;
    least = Math.min(least, now);
  }
  return least;
}
