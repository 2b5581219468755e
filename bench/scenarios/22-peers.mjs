// The gateway beside what a user would pick instead; only with --peers. A peer that speaks HTTP+SSE to clients is held
// against the gateway over HTTP+SSE.
import { findNginx, startNginx } from '../harness/nginx.mjs';
import { installPeer, PEERS, startPeer } from '../harness/peers.mjs';
import { absolute } from '../harness/rates.mjs';
import { atLeast, measure } from '../harness/report.mjs';
import { median, ratio } from '../harness/statistics.mjs';

export const row = 22;
export const title = 'peers, 100 B echo';
/** What each target reached is of one run. */
export const once = true;
export const optional = (bench) => !bench.peers;

const SPEC = { args: { text: 'x'.repeat(100) } };
const GATEWAY = { http: 'gateway', sse: 'gateway, HTTP+SSE' };
const FRONTS = [
  { upstream: 'stdio', callers: [1, 32] },
  { upstream: 'http', callers: [32] },
];

export async function run(bench) {
  const programs = {};
  const skipped = {};
  for (const name of Object.keys(PEERS)) {
    try {
      programs[name] = await installPeer(bench, name);
    } catch (error) {
      skipped[name] = error.message;
    }
  }
  const found = [];
  const figures = [];
  for (const { upstream, callers } of FRONTS) {
    const targets = await targetsBefore(bench, upstream, programs, skipped);
    for (const many of callers) {
      const where = `${upstream} upstream, ${many === 1 ? '1 caller' : `${many} callers`}`;
      const rounds = await bench.measure(targets, many, {
        lost: (name, reason) => {
          if (PEERS[name] === undefined) return false;
          skipped[`${name}, ${where}`] = reason.message;
          return true;
        },
      });
      found.push(...measuresOf(rounds, where));
      for (const [name, own] of Object.entries(rounds)) figures.push({ where, ...figuresOf(name, own) });
    }
    // So that peers in front of one upstream are gone before those in front of the next are started.
    await bench.end();
  }
  for (const [name, reason] of Object.entries(skipped))
    found.push(measure(name, 'skipped', undefined, firstLine(reason)));
  return { measures: found, figures };
}

/** The floors, the gateway both ways, and every peer that starts, in front of one upstream. */
async function targetsBefore(bench, upstream, programs, skipped) {
  const targets = upstream === 'stdio' ? await bench.overStdio({}, SPEC) : await bench.overHttp({}, SPEC);
  const { direct, gateway } = targets;
  const nginx = upstream === 'http' ? findNginx() : undefined;
  if (nginx !== undefined) {
    const { pid, url } = await startNginx(bench, nginx, [direct.url]);
    targets.nginx = { ...direct, pid, url: `${url}/mcp` };
  }
  if (gateway.origin !== undefined)
    targets[GATEWAY.sse] = { ...gateway, kind: 'sse', url: `${gateway.origin}/sse/passthrough` };
  const server = upstream === 'stdio' ? { command: direct.command, args: direct.args0 } : { url: direct.url };
  for (const [name, program] of Object.entries(programs)) {
    if (PEERS[name][upstream] === undefined) continue;
    try {
      targets[name] = { ...SPEC, ...(await startPeer(bench, name, program, server)) };
    } catch (error) {
      skipped[`${name}, ${upstream} upstream`] = error.message;
    }
  }
  return targets;
}

/** What the gateway gets through, against each peer by the same transport. */
function measuresOf(rounds, where) {
  const peers = Object.keys(rounds).filter((name) => PEERS[name] !== undefined);
  return peers.map((name) => {
    const own = GATEWAY[PEERS[name].kind ?? 'http'];
    const value = ratio(rounds, own, name, 'rate');
    return measure(`${where}: ${own} against ${name}`, value, atLeast(1), absolute(pick(rounds, own, name)));
  });
}

function figuresOf(name, own) {
  const middle = (figure) => Number(median(own.map((round) => round[figure])).toPrecision(4));
  const version = PEERS[name]?.version;
  return {
    target: version === undefined ? name : `${name} ${version}`,
    rate: middle('rate'),
    p50: middle('p50'),
    p99: middle('p99'),
    ...(own[0].cpu !== undefined && { cpu: middle('cpu') }),
  };
}

const pick = (object, ...names) => Object.fromEntries(names.map((name) => [name, object[name]]));
const firstLine = (text) => text.split('\n')[0].slice(0, 200);
