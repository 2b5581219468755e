import { callers, pause } from '../harness/outage.mjs';
import { always, atMost, measure, ms, number } from '../harness/report.mjs';
import { Session } from '../harness/session.mjs';
import { median } from '../harness/statistics.mjs';

export const row = 17;
export const title = 'HTTP upstream down 1 s, its sessions lost';

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in does not recover' };
  let upstream = await bench.startUpstream();
  const port = new URL(upstream.url).port;
  const gateway = await bench.startGateway({ bench: { url: upstream.url, transport: 'streamable-http' } }, { wait: 1 });
  const witness = await new Session(gateway.url).open();
  const outages = bench.quick ? 2 : 5;
  const reads = [];
  const writes = [];
  const recoveries = [];
  for (let outage = 0; outage < outages; outage++) {
    const load = await callers(gateway.url);
    await pause(500);
    await upstream.stop('SIGKILL');
    // The next one is loaded while this one is away, so that what is measured is an outage of one second.
    upstream = await bench.startUpstream({ port, delay: 900 });
    const listensAt = performance.now();
    await pause(1_500);
    const calls = await load.finish();
    const failed = calls.filter(({ ok }) => !ok);
    reads.push(failed.filter(({ tool }) => tool === 'echo').length);
    writes.push(failed.filter(({ tool }) => tool === 'write').length);
    recoveries.push(
      Math.min(...calls.filter(({ ok, end }) => ok && end > listensAt).map(({ end }) => end)) - listensAt,
    );
  }
  const { result } = await witness.call('bench__echo', { nonce: 'alive' });
  witness.close();
  return [
    measure(
      'read-only calls failed, worst of all outages',
      Math.max(...reads),
      always(atMost(0)),
      `${outages} outages`,
    ),
    measure(
      'other calls failed, worst',
      Math.max(...writes),
      always(atMost(8)),
      `in all ${number(writes.reduce((a, b) => a + b, 0))}`,
    ),
    measure('first good answer after it listens, ms', median(recoveries), atMost(50), recoveries.map(ms).join(', ')),
    measure(
      'the session lives',
      result?.content?.[0]?.text === 'alive' ? 'yes' : 'no',
      always({
        text: 'yes',
        met: (value) => value === 'yes',
      }),
    ),
  ];
}
