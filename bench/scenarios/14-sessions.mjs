import { HttpCaller } from '../harness/http-caller.mjs';
import { heapMiB, inspectArgs } from '../harness/inspect.mjs';
import { initialize, initialized } from '../harness/messages.mjs';
import { cpuMs, rssMiB } from '../harness/processes.mjs';
import { absolute } from '../harness/rates.mjs';
import { atLeast, atMost, measure, number } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 14;
export const title = '1,000 legacy sessions opened';

/** Opens `count` sessions over eight connections, as clients that come and go; sessions a second. */
async function open(url, count) {
  const begin = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const caller = new HttpCaller(url);
      await caller.open();
      const post = (body, extra) =>
        new Promise((resolve, reject) => caller.send(body, (...answer) => resolve(answer), reject, extra));
      while (left-- > 0) {
        const [status, head] = await post(initialize, '');
        if (status !== 200) throw new Error(`initialize: ${status}`);
        const session = /\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
        await post(initialized, `mcp-session-id: ${session}\r\nmcp-protocol-version: 2025-11-25\r\n`);
      }
      caller.close();
    }),
  );
  return (count * 1000) / (performance.now() - begin);
}

export async function run(bench) {
  const upstream = await bench.startUpstream();
  const upstreams = { bench: { url: upstream.url, transport: 'streamable-http' } };
  const minimal = await bench.startMinimal(upstreams);
  const more = { limits: { sessions: 1_000_000 } };
  await bench.ready(minimal);
  const targets = { minimal, ...(await bench.startBuilds(upstreams, {}, { nodeArgs: inspectArgs, more })) };
  const { gateway } = targets;
  // As warm as the callers of the other rows are.
  for (const { url } of Object.values(targets)) await open(url, 5_000);
  const rss = rssMiB(gateway.pid);
  const rounds = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (let round = 0; round < bench.rounds; round++) {
    for (const [name, { url, pid }] of Object.entries(targets)) {
      const before = cpuMs(pid);
      const rate = await open(url, 1_000);
      rounds[name].push({ rate, cpu: cpuMs(pid) - before }); // of a thousand in ms, so of one in µs
    }
  }
  bench.compare(rounds, 8);
  const grown = (rssMiB(gateway.pid) - rss) / bench.rounds;
  const found = [
    measure(
      'rate against minimal',
      ratio(rounds, 'gateway', 'minimal', 'rate'),
      atLeast(0.8),
      `${absolute(rounds)}, RSS +${number(grown)} MiB per 1,000`,
    ),
  ];
  if (bench.standIn !== undefined) return found;
  const thousands = bench.quick ? 3 : 10;
  const before = await heapMiB(gateway.program);
  await open(gateway.url, thousands * 1_000);
  const after = await heapMiB(gateway.program);
  found.push(
    measure(
      'heap per 1,000, MiB',
      (after - before) / thousands,
      atMost(0.2),
      `${number(before)} → ${number(after)} MiB after a collection`,
    ),
  );
  return found;
}
