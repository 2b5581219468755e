// What a user would pick instead, as far as npm brings it: how each peer is installed and started, in its usual
// configuration. A peer is `usable` or has a reason why not; neither ends the run.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { initialize, initialized } from './messages.mjs';
import { freePort } from './nginx.mjs';
import { startNode } from './processes.mjs';
import { listTools } from './session.mjs';
import { SseCaller } from './sse-caller.mjs';

/** By name of the package. `kind` is what it speaks to clients; without `http` it cannot stand in front of a URL. */
export const PEERS = {
  'mcp-proxy': {
    version: '6.7.19',
    bin: 'dist/bin/mcp-proxy.mjs',
    stdio: ({ port, command, args }) => [
      ...['--host', '127.0.0.1', '--port', String(port), '--server', 'stream'],
      ...['--', command, ...args],
    ],
  },
  supergateway: {
    version: '4.0.0',
    bin: 'dist/index.js',
    stdio: ({ port, command, args }) => [
      ...['--stdio', [command, ...args].join(' '), '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--port', String(port), '--logLevel', 'none'],
    ],
  },
  'mcp-hub': {
    version: '4.2.1',
    bin: 'dist/cli.js',
    kind: 'sse',
    prepare: freshRegistry,
    stdio: ({ port, file, ...server }) => ['--port', String(port), '--config', file(server)],
    http: ({ port, file, ...server }) => ['--port', String(port), '--config', file(server)],
  },
  // Not tried where its package could not be had; written after the documentation of this version.
  '@1mcp/agent': {
    version: '0.28.0',
    bin: 'build/index.js',
    stdio: (server) => oneMcp({ ...server, type: 'stdio' }),
    http: (server) => oneMcp({ ...server, type: 'http' }),
  },
};

function oneMcp({ port, file, ...server }) {
  return ['serve', '--config', file(server), '--host', '127.0.0.1', '--port', String(port), '--log-level', 'error'];
}

/** mcp-hub asks for the list of a marketplace unless it has one that is younger than an hour. */
function freshRegistry(home) {
  const folder = join(home, 'mcp-hub/cache');
  mkdirSync(folder, { recursive: true });
  const cache = { registry: { servers: [] }, lastFetchedAt: Date.now(), serverDocumentation: {} };
  writeFileSync(join(folder, 'registry.json'), JSON.stringify(cache));
}

/** Installs a peer into a folder of its own; resolves with the path of its program. */
export async function installPeer(bench, name) {
  const { version, bin } = PEERS[name];
  const folder = bench.path('peer');
  mkdirSync(folder);
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`];
  await promisify(execFile)('npm', args, { timeout: 120_000 }).catch(({ stderr, killed }) => {
    const code = killed ? 'a timeout' : (/^npm error code (\S+)/m.exec(stderr)?.[1] ?? 'an error');
    throw new Error(`npm install ended with ${code}`);
  });
  return join(folder, 'node_modules', name, bin);
}

/** Starts an installed peer in front of one upstream, `{command, args}` or `{url}`; resolves with a target to measure. */
export async function startPeer(bench, name, program, upstream) {
  const { kind = 'http', prepare, ...peer } = PEERS[name];
  const home = bench.path('home');
  mkdirSync(home);
  prepare?.(home);
  const port = await freePort();
  const file = (server) => {
    const path = join(home, 'servers.json');
    writeFileSync(path, JSON.stringify({ mcpServers: { bench: server } }));
    return path;
  };
  const args = (upstream.url === undefined ? peer.stdio : peer.http)({ port, file, ...upstream });
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, XDG_STATE_HOME: home };
  const { pid } = bench.own(
    await startNode([program, ...args], { port, env, cwd: home, group: true, cores: bench.cores }),
  );
  const url = `http://127.0.0.1:${port}/mcp`;
  return { kind, url, pid, tool: await nameOfEcho(kind, url) };
}

/** What the peer calls the upstream's echo; it may take a while to connect to it. */
async function nameOfEcho(kind, url) {
  const list = kind === 'sse' ? listOverSse : listTools;
  let problem = 'lists no tools';
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    const tools = await list(url).catch((error) => {
      problem = error.message;
      return [];
    });
    const echo = tools.find(({ name }) => /(^|_)echo$/.test(name));
    if (echo !== undefined) return echo.name;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(problem);
}

async function listOverSse(url) {
  const caller = new SseCaller(url);
  const request = (body) => new Promise((resolve, reject) => caller.send(body, (...answer) => resolve(answer), reject));
  try {
    await caller.open();
    await request(initialize);
    await caller.notify(initialized);
    const [, , body] = await request('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}');
    return JSON.parse(body).result.tools;
  } finally {
    caller.close();
  }
}
