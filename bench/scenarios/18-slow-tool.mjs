import { absolute } from '../harness/rates.mjs';
import { atLeast, measure } from '../harness/report.mjs';
import { ratio } from '../harness/statistics.mjs';

export const row = 18;
export const title = '100 ms tool, 32 sessions on one stdio upstream';

const MS = 100;
const SESSIONS = 32;

export async function run(bench) {
  const targets = await bench.overStdio({}, { tool: 'sleep', args: { ms: MS } });
  const all = (change) => Object.fromEntries(Object.entries(targets).map(([name, spec]) => [name, change(spec)]));
  // 320 calls a second are too few for Node to compile what handles them before it is measured.
  const quick = all((spec) => ({ ...spec, tool: spec.tool.replace('sleep', 'echo'), args: { text: 'x' } }));
  await bench.measure(quick, SESSIONS, { turns: 0 });
  const inStep = await bench.measure(targets, SESSIONS, { who: `${SESSIONS} in step` });
  const apart = all((spec) => ({ ...spec, spread: MS }));
  const spread = await bench.measure(apart, SESSIONS, { who: `${SESSIONS} spread` });
  return [
    againstIdeal('sessions that began spread over 100 ms', spread),
    // All 32 call at one instant and are answered at one instant: what 32 calls at once cost, ten times a second.
    againstIdeal('sessions in step', inStep),
  ];
}

/** Ideal is the upstream itself under 32 calls at once: its timers are late by half a millisecond or two. */
function againstIdeal(who, rounds) {
  const floor = ratio(rounds, 'minimal', 'direct', 'rate').toFixed(3);
  const note = `minimal ${floor}; ${absolute(rounds)}; 32 every 100 ms would be ${(SESSIONS * 1000) / MS}/s`;
  return measure(`throughput against ideal, ${who}`, ratio(rounds, 'gateway', 'direct', 'rate'), atLeast(0.99), note);
}
