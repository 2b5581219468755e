// S2's scenario over REST (reliability §6, row 8): ten calls a second, half of them read-only; outages of 0.5–2 s, five
// a minute, in which every request gets a 502; against the same gateway with `recovery.enabled: false`. Scaled down
// here; OUTAGE_SECONDS=1800 runs it whole.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type ListeningUpstream, startUpstream } from '../support/upstream.ts';

const SECONDS = Number(process.env.OUTAGE_SECONDS ?? 24);
const EVERY = 12_000;

interface Call {
  tool: 'read' | 'write';
  at: number;
  took: number;
  status: number;
  /** What its caller was told about a call that failed. */
  delivery?: string | undefined;
}
interface Outage {
  from: number;
  to: number;
}
interface Side {
  gateway: Gateway;
  upstream: ListeningUpstream;
  calls: Call[];
  memory: number;
}

/** A fixed sequence of numbers in [0, 1), so that a run can be repeated. */
function* numbers(): Generator<number, never> {
  for (let state = 20_250_610; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state / 2 ** 32;
  }
}

async function side(recovery: boolean): Promise<Side> {
  const upstream = await startUpstream('outage');
  const config = { upstreams: { remote: { url: upstream.url, recovery: { enabled: recovery } } } };
  const gateway = await startGateway({ config });
  await gateway.upstreamsIn();
  return { gateway, upstream, calls: [], memory: memoryOf(gateway.pid) };
}

function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

async function call({ gateway, calls }: Side, index: number): Promise<void> {
  const tool = index % 2 === 0 ? 'read' : 'write';
  const at = performance.now();
  const response = await fetch(`${gateway.url}/remote/${tool}`, {
    method: 'POST',
    body: JSON.stringify({ nonce: `n${index}` }),
    headers: { 'content-type': 'application/json' },
  });
  const { detail } = (await response.json()) as { detail?: { delivery?: string } };
  calls.push({ tool, at, took: performance.now() - at, status: response.status, delivery: detail?.delivery });
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const share = <T>(all: readonly T[], good: (one: T) => boolean) =>
  all.length === 0 ? 1 : all.filter(good).length / all.length;

function figures({ calls, gateway, memory }: Side, outages: readonly Outage[]) {
  const within = ({ at }: Call) => outages.some(({ from, to }) => at >= from && at <= to);
  const hit = calls.filter((one) => one.tool === 'read' && within(one) && one.status === 200);
  const next = outages.map(({ to }) => calls.filter(({ at }) => at > to).sort((a, b) => a.at - b.at)[0]);
  return {
    reads: share(
      calls.filter(({ tool }) => tool === 'read'),
      ({ status }) => status === 200,
    ),
    writes: share(
      calls.filter(({ tool }) => tool === 'write'),
      ({ status, delivery }) => status === 200 || delivery !== undefined,
    ),
    next: share(next, (one) => one?.status === 200),
    interruptions: calls.filter(({ status }) => status !== 200).length,
    delay: hit.reduce((sum, { took }) => sum + took, 0) / Math.max(1, hit.length),
    healthy: median(calls.filter((one) => !within(one)).map(({ took }) => took)),
    memory: memoryOf(gateway.pid) - memory,
  };
}

it('answers through outages what a gateway without recovery does not (B-01, X-80)', {
  timeout: (SECONDS + 60) * 1000,
}, async () => {
  const [on, off] = await Promise.all([side(true), side(false)]);
  try {
    const random = numbers();
    const began = performance.now();
    const outages: Outage[] = [];
    for (let at = 0; at + EVERY <= SECONDS * 1000; at += EVERY) {
      const length = 500 + 1500 * random.next().value;
      const from = began + at + 1000 + (EVERY - length - 3000) * random.next().value;
      outages.push({ from, to: from + length });
    }
    const breaking = (async () => {
      for (const { from, to } of outages) {
        await delay(Math.max(0, from - performance.now()));
        await Promise.all(
          [on, off].map(({ upstream }) => upstream.control({ status: 502, ms: to - performance.now() })),
        );
      }
    })();
    const open: Promise<unknown>[] = [];
    for (let index = 0; performance.now() - began < SECONDS * 1000; index++) {
      open.push(call(on, index), call(off, index));
      await delay(Math.max(0, began + (index + 1) * 100 - performance.now()));
    }
    await breaking;
    await Promise.all(open);
    // Writes of the same nonce never ran twice.
    const executed = (await on.upstream.ledger()).filter(({ event, tool }) => event === 'executed' && tool === 'write');
    expect(new Set(executed.map(({ nonce }) => nonce)).size).toBe(executed.length);

    const [with_, without] = [figures(on, outages), figures(off, outages)];
    process.stderr.write(`${JSON.stringify({ outages: outages.length, with: with_, without }, null, 1)}\n`);
    expect(with_.reads).toBeGreaterThanOrEqual(0.999);
    expect(with_.writes).toBe(1);
    expect(with_.next).toBeGreaterThanOrEqual(0.985);
    expect(with_.delay).toBeLessThanOrEqual(3200);
    expect(with_.interruptions).toBeLessThan(without.interruptions);
  } finally {
    await Promise.all([on, off].map(async ({ gateway, upstream }) => [await gateway.stop(), await upstream.stop()]));
  }
});
