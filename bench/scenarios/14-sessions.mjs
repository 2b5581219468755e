import { HttpCaller } from '../harness/http-caller.mjs';
import { heapMiB, inspectArgs } from '../harness/inspect.mjs';
import { initialize, initialized } from '../harness/messages.mjs';
import { rssMiB } from '../harness/processes.mjs';
import { atLeast, atMost, measure, number } from '../harness/report.mjs';
import { median } from '../harness/statistics.mjs';

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
  const gateway = await bench.startGateway(upstreams, { nodeArgs: inspectArgs, more });
  await bench.ready(minimal);
  await bench.ready(gateway);
  // As warm as the callers of the other rows are.
  await open(minimal.url, 5_000);
  await open(gateway.url, 5_000);
  const rss = rssMiB(gateway.pid);
  const rates = { minimal: [], gateway: [] };
  for (let round = 0; round < bench.rounds; round++) {
    rates.minimal.push(await open(minimal.url, 1_000));
    rates.gateway.push(await open(gateway.url, 1_000));
  }
  const grown = (rssMiB(gateway.pid) - rss) / bench.rounds;
  const found = [
    measure(
      'rate against minimal',
      median(rates.gateway.map((rate, round) => rate / rates.minimal[round])),
      atLeast(0.8),
      `minimal ${number(median(rates.minimal))}/s, gateway ${number(median(rates.gateway))}/s, RSS +${number(grown)} MiB per 1,000`,
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
