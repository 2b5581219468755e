// More cores of one machine: gateways beside each other on one data directory (docs/how-to/reverse-proxy.md). The
// callers are spread as a balancer would spread them; where nginx is installed, also by nginx itself.
import { availableParallelism } from 'node:os';
import { findNginx, startNginx } from '../harness/nginx.mjs';
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
  const pids = [first.pid, second.pid];
  const targets = { one: { ...spec, pid: first.pid }, two: { ...spec, pids, urls: [first.url, second.url] } };
  const nginx = findNginx();
  if (nginx !== undefined) {
    const path = new URL(first.url).pathname;
    const behind = async (urls) => ({ ...spec, url: (await startNginx(bench, nginx, urls)).url + path });
    targets['nginx and one'] = await behind([first.url]);
    targets['nginx and two'] = await behind([first.url, second.url]);
  }
  const rounds = await bench.measure(targets, 32);
  const cores = `${availableParallelism()} cores, of which load generator and upstream take their share`;
  const found = [
    measure('throughput against one', ratio(rounds, 'two', 'one', 'rate'), undefined, `${absolute(rounds)}; ${cores}`),
  ];
  // What two share on the way of a call would be seen here, however many cores there are.
  found.push(measure('CPU of a call, both together, against one', ratio(rounds, 'two', 'one', 'cpu'), undefined));
  if (nginx !== undefined) {
    const value = ratio(rounds, 'nginx and two', 'nginx and one', 'rate');
    found.push(measure('behind nginx, against one behind it', value, undefined));
  }
  return found;
}
