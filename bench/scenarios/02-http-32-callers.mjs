import { findNginx, startNginx } from '../harness/nginx.mjs';
import { rateAgainst } from '../harness/rates.mjs';
import { atLeast } from '../harness/report.mjs';

export const row = 2;
export const title = 'HTTP upstream, 100 B echo, 32 callers';

export async function run(bench) {
  const targets = await bench.overHttp({}, { args: { text: 'x'.repeat(100) } });
  const nginx = findNginx();
  if (nginx !== undefined) {
    const { pid, url } = await startNginx(bench, nginx, [targets.direct.url]);
    targets.nginx = { ...targets.direct, pid, url: `${url}/mcp` };
  }
  const rounds = await bench.measure(targets, 32);
  const found = [rateAgainst(rounds, 'pass', atLeast(1))];
  if (nginx !== undefined) found.push(rateAgainst(rounds, 'nginx', undefined));
  return found;
}
