import { always, atLeast, atMost, measure, number } from '../harness/report.mjs';
import { Session } from '../harness/session.mjs';
import { median } from '../harness/statistics.mjs';

export const row = 19;
export const title = '64 hung calls on a neighbour';

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in has no deadlines' };
  const upstream = await bench.startUpstream();
  const deadline = bench.seconds + 1;
  const config = { url: upstream.url, transport: 'streamable-http' };
  const hung = await bench.startUpstream();
  const gateway = await bench.startGateway(
    { bench: config, hung: { ...config, url: hung.url, timeouts: { call: deadline } } },
    { wait: 12 },
  );
  const spec = {
    kind: 'http',
    url: gateway.url,
    pid: gateway.pid,
    tool: 'bench__echo',
    args: { text: 'x'.repeat(100) },
  };
  const late = [];
  /** 64 calls that hang for the time of this round; they end by their own deadline. */
  const around = async (name) => {
    if (name !== 'gateway') return undefined;
    const sessions = await Promise.all(Array.from({ length: 64 }, () => new Session(gateway.url).open()));
    const ends = sessions.map(async (session, index) => {
      const begin = performance.now();
      const answer = await session.call('hung__hang', { nonce: `hung-${index}` });
      if (answer.error === undefined && answer.result?.isError !== true) throw new Error('a hung call was answered');
      late.push(performance.now() - begin - deadline * 1000);
      session.close();
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    return () => Promise.all(ends);
  };
  const rounds = await bench.measure({ alone: spec, gateway: spec }, 16, { around });
  const of = (figure) => median(rounds.gateway.map((value, round) => value[figure] / rounds.alone[round][figure]));
  return [
    measure(
      'throughput against without them',
      of('rate'),
      atLeast(0.98),
      `${number(median(rounds.gateway.map(({ rate }) => rate)))}/s`,
    ),
    measure('p99 against without them', of('p99'), atMost(1.2)),
    measure(
      'hung calls end after their deadline by, ms (worst)',
      Math.max(...late),
      always(atMost(1_000)),
      `${late.length} calls`,
    ),
  ];
}
