import { callers, pause } from '../harness/outage.mjs';
import { childrenOf } from '../harness/processes.mjs';
import { always, atMost, measure, ms, number } from '../harness/report.mjs';
import { Session } from '../harness/session.mjs';
import { median } from '../harness/statistics.mjs';

export const row = 16;
export const title = 'stdio upstream SIGKILLed under 8 callers';

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in does not recover' };
  const config = { command: process.execPath, args: bench.upstreamArgs({ transport: 'stdio' }) };
  const gateway = await bench.startGateway({ bench: config }, { wait: 1 });
  const witness = await new Session(gateway.url).open();
  const childStart = await startOf(bench, config);
  const kills = bench.quick ? 3 : 10;
  const reads = [];
  const writes = [];
  const recoveries = [];
  for (let kill = 0; kill < kills; kill++) {
    const load = await callers(gateway.url);
    await pause(500);
    const [child] = childrenOf(gateway.pid);
    process.kill(child, 'SIGKILL');
    const killedAt = performance.now();
    await pause(1_500);
    const calls = await load.finish();
    const failed = calls.filter(({ ok }) => !ok);
    reads.push(failed.filter(({ tool }) => tool === 'echo').length);
    writes.push(failed.filter(({ tool }) => tool === 'write').length);
    // Only calls sent after the kill: an answer that was on its way already proves nothing.
    const good = calls.filter(({ ok, at }) => ok && at >= killedAt).map(({ end }) => end);
    recoveries.push(Math.min(...good) - killedAt);
  }
  const { result } = await witness.call('bench__echo', { nonce: 'alive' });
  witness.close();
  const lives = result?.content?.[0]?.text === 'alive';
  return [
    measure('read-only calls failed, worst of all kills', Math.max(...reads), always(atMost(0)), `${kills} kills`),
    measure(
      'other calls failed, worst',
      Math.max(...writes),
      always(atMost(8)),
      `in all ${number(writes.reduce((a, b) => a + b, 0))}`,
    ),
    measure(
      'first good answer, beyond the start of the child',
      median(recoveries) - childStart,
      atMost(50),
      `${ms(median(recoveries))}, child ${ms(childStart)}`,
    ),
    measure('the session lives', lives ? 'yes' : 'no', always({ text: 'yes', met: (value) => value === 'yes' })),
  ];
}

/** From a child's spawn to its first answer, without anything between. */
async function startOf(bench, { command, args }) {
  const took = [];
  for (let turn = 0; turn < 5; turn++) {
    const begin = performance.now();
    await bench.load.prepare('start', { kind: 'stdio', command, args0: args, callers: 1, tool: 'echo' });
    took.push(performance.now() - begin);
    await bench.load.closeTarget('start');
  }
  return median(took);
}
