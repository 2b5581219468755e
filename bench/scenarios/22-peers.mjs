// What a user would pick instead, as far as npm brings it: only with --peers, installed into the run's own folder.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../harness/nginx.mjs';
import { startNode } from '../harness/processes.mjs';
import { absolute } from '../harness/rates.mjs';
import { atLeast, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 22;
export const title = 'peers, stdio upstream, 100 B echo';
export const optional = (bench) => !bench.peers;

const PEERS = {
  'mcp-proxy': {
    install: 'mcp-proxy@6.7.19',
    bin: 'mcp-proxy/dist/bin/mcp-proxy.mjs',
    args: (port, command) => ['--host', '127.0.0.1', '--port', String(port), '--server', 'stream', '--', ...command],
  },
  supergateway: {
    install: 'supergateway@4.0.0',
    bin: 'supergateway/dist/index.js',
    args: (port, command) => [
      ...['--stdio', command.join(' '), '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--port', String(port), '--logLevel', 'none'],
    ],
  },
};

export async function run(bench) {
  const folder = bench.path('peers');
  mkdirSync(folder);
  const packages = Object.values(PEERS).map(({ install }) => install);
  execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
    stdio: 'ignore',
  });
  const { direct, gateway } = await bench.overStdio({}, { args: { text: 'x'.repeat(100) } });
  const targets = { gateway };
  for (const [name, { bin, args }] of Object.entries(PEERS)) {
    const port = await freePort();
    const command = [direct.command, ...direct.args0];
    const program = bench.own(await startNode([join(folder, 'node_modules', bin), ...args(port, command)], { port }));
    targets[name] = {
      kind: 'http',
      url: `http://127.0.0.1:${port}/mcp`,
      pid: program.pid,
      tool: 'echo',
      args: direct.args,
    };
  }
  const found = [];
  for (const callers of [1, 32]) {
    const rounds = await bench.measure(targets, callers);
    for (const name of Object.keys(PEERS)) {
      const value = ratio(rounds, 'gateway', name, 'rate');
      found.push(measure(`throughput against ${name}, ${callers} callers`, value, atLeast(1), absolute(rounds)));
    }
  }
  return found;
}
