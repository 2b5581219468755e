import { absolute } from '../harness/rates.mjs';
import { atMost, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 11;
export const title = 'tools/list, 500 tools of 20 upstreams';

export async function run(bench) {
  const upstream = await bench.startUpstream({ tools: 25 });
  const names = Array.from({ length: 20 }, (_, index) => `server${String(index).padStart(2, '0')}`);
  const upstreams = Object.fromEntries(
    names.map((name) => [name, { url: upstream.url, transport: 'streamable-http' }]),
  );
  const minimal = await bench.startMinimal(upstreams);
  const gateway = await bench.startGateway(upstreams);
  await bench.ready(minimal, 500);
  await bench.ready(gateway, 500);
  const spec = { kind: 'http', method: 'tools/list', least: 500 };
  const rounds = await bench.measure(
    {
      minimal: { ...spec, url: minimal.url, pid: minimal.pid },
      gateway: { ...spec, url: gateway.url, pid: gateway.pid },
    },
    1,
  );
  return [
    measure(
      'p50 against minimal',
      ratio(rounds, 'gateway', 'minimal', 'p50'),
      atMost(0.7),
      absolute(rounds, 'p50', ' ms'),
    ),
  ];
}
