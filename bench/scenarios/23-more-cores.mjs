// More cores of one machine: gateways beside each other on one data directory (docs/how-to/reverse-proxy.md). The
// callers are spread as a balancer would spread them; the balancer's own cost is not in it.
import { availableParallelism } from 'node:os';
import { absolute } from '../harness/rates.mjs';
import { measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 23;
export const title = 'two gateways on one data directory, 32 callers';

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in keeps its sessions to itself' };
  const upstream = await bench.startUpstream();
  const upstreams = { bench: { url: upstream.url, transport: 'streamable-http' } };
  const dataDir = bench.path('data');
  const first = await bench.startGateway(upstreams, { dataDir, wait: 1 });
  const second = await bench.startGateway(upstreams, { dataDir, wait: 1 });
  const spec = { kind: 'http', url: first.url, tool: 'bench__echo', args: { text: 'x'.repeat(100) } };
  const rounds = await bench.measure({ one: spec, two: { ...spec, urls: [first.url, second.url] } }, 32);
  const cores = `${availableParallelism()} cores, of which load generator and upstream take their share`;
  return [
    measure('throughput against one', ratio(rounds, 'two', 'one', 'rate'), undefined, `${absolute(rounds)}; ${cores}`),
  ];
}
