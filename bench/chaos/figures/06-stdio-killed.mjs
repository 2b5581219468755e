// A stdio upstream is killed under eight callers: who was not in flight notices nothing.
import { Session } from '../../harness/session.mjs';
import { callers, pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { processesUnder } from '../harness/proc.mjs';
import { atMost, exactly, measure, quantile } from '../harness/report.mjs';

export const row = 6;
export const title = 'Recovery of a crashed stdio upstream, under 8 callers';
export const scaled = '4 kills in place of 20';

export async function run(house) {
  const gateway = await house.gateway({ upstreams: { u: faulty('healthy') } });
  const witness = await new Session(`${gateway.url}/mcp/u`).open();
  const starts = [];
  const recoveries = [];
  const told = [];
  const failures = { reads: 0, notInFlight: 0, inFlight: 0 };
  const kills = house.scale(4, 20);
  for (let kill = 0; kill < kills; kill++) {
    const load = callers(8, (index, turn) =>
      house.client.call(gateway, 'u', index % 2 === 0 ? 'read' : 'write', { nonce: `${kill}-${index}-${turn}` }),
    );
    await pause(400);
    process.kill(processesUnder(gateway.pid)[0].pid, 'SIGKILL');
    const killed = performance.now();
    await pause(1_200);
    const records = await load.stop();
    for (const { ok, tool, at, end } of records) {
      if (ok) continue;
      if (tool === 'read') failures.reads++;
      // The kill reaches the child some instants after the signal: what was sent by then was in flight.
      else if (at > killed + 20) failures.notInFlight++;
      else failures.inFlight++;
      told.push(end - Math.max(at, killed));
    }
    recoveries.push(Math.min(...records.filter(({ ok, at }) => ok && at > killed + 5).map(({ end }) => end)) - killed);
    starts.push(await startOf(house));
  }
  const alive = await witness.call('read', { nonce: 'alive' });
  witness.close();
  const [recovery, start] = [quantile(recoveries, 0.5), quantile(starts, 0.5)];
  return [
    measure('first good answer beyond the start of the child', recovery - start, atMost(50, house.scale(2_000, 50)), {
      unit: 'ms',
      claim: 13,
      note: `${recovery.toFixed(0)} ms, the child alone ${start.toFixed(0)} ms; ${kills} kills`,
    }),
    measure('read-only calls failed', failures.reads, exactly(0)),
    measure('other calls failed that were not in flight', failures.notInFlight, exactly(0), {
      note: `in flight: ${failures.inFlight}, told "outcome unknown"`,
    }),
    measure(
      'from the death to the classified error, worst',
      Math.max(0, ...told),
      atMost(100, house.scale(1_000, 100)),
      {
        unit: 'ms',
        claim: 30,
      },
    ),
    measure('client session lives', alive.result?.content?.[0]?.text === 'alive' ? 'yes' : 'no', exactly('yes')),
  ];
}

/** From the spawn of such a child to its first answer, with nothing between. */
async function startOf(house) {
  const { spawn } = await import('node:child_process');
  const { command, args } = faulty('healthy');
  const began = performance.now();
  const child = spawn(command, args, { cwd: house.folder, stdio: ['pipe', 'pipe', 'inherit'] });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'chaos', version: '1' } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const took = performance.now() - began;
  child.stdin.end();
  await new Promise((resolve) => child.once('exit', resolve));
  return took;
}
