import { rateAgainst } from '../harness/rates.mjs';
import { atLeast, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 7;
export const title = 'REST call against our own MCP figure';

export async function run(bench) {
  const { gateway: mcp, other } = await bench.overHttp({}, { args: { text: 'x'.repeat(100) } });
  const rest = (target) => ({ ...target, url: `${target.origin}/bench/echo`, rest: true });
  const gateway = rest(mcp);
  const targets = { mcp, gateway, ...(other !== undefined && { other: rest(other) }) };
  const reply = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ nonce: 'first' }),
  }).catch((error) => error);
  if (reply.status !== 200) return { skipped: `POST /bench/echo answers ${reply.status}: the REST face is not there` };
  const one = await bench.measure(targets, 1);
  const many = await bench.measure(targets, 32);
  return [
    measure('p50, 1 caller, MCP against REST', ratio(one, 'mcp', 'gateway', 'p50'), atLeast(0.8)),
    rateAgainst(many, 'mcp', atLeast(0.8), 'throughput, 32 callers,'),
  ];
}
