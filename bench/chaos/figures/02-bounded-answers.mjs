// Servers that never answer, in every way there is: each call ends by its deadline. The sum over all figures is told too.
import { faulty } from '../harness/house.mjs';
import { atMost, exactly, measure } from '../harness/report.mjs';

export const row = 2;
export const title = 'Calls without an answer';
export const scaled = 'deadline 2 s in place of 10 s';
export const background = true;

const STDIO = [
  'hangs',
  'hangs-entirely',
  'freezes',
  'wrong-id',
  'null-id',
  'progress-forever',
  'cut-line',
  'never-reads-stdin',
];
const HTTP = ['hangs', 'headers-then-silence', 'slow-bytes', 'sse-keep-alive-only', 'accepts-in-silence'];

export async function run(house) {
  const deadline = house.scale(2_000, 10_000);
  const timeouts = { call: `${deadline}ms`, ready: `${deadline}ms`, connect: '60s' };
  const upstreams = {};
  for (const name of STDIO) upstreams[name] = { ...faulty(name), timeouts };
  for (const name of HTTP) {
    const { url } = await house.upstream(name, { set: { ms: 200 } });
    upstreams[`http-${name}`] = { url, transport: 'streamable-http', timeouts };
  }
  const gateway = await house.gateway({ upstreams }, { wait: false });
  const silent = 'http-accepts-in-silence';
  await gateway.reached(
    'ready',
    Object.keys(upstreams).filter((name) => name !== silent),
  );
  const records = (
    await Promise.all(
      Object.keys(upstreams).flatMap((name) =>
        ['read', 'put', 'write'].map((tool) =>
          house.client.call(gateway, name, tool, { nonce: `${name} ${tool}`, fault: true, always: true }, { deadline }),
        ),
      ),
    )
  ).flat();
  const worst = records.reduce((a, b) => (a.took > b.took ? a : b));
  const pages = records.filter(({ message = '' }) => /<html|at .*\.js:/i.test(message));
  return [
    measure('worst answer behind its deadline', worst.took - deadline, atMost(1_000, house.scale(3_000, 1_000)), {
      unit: 'ms',
      note: `${worst.upstream} ${worst.tool}; ${records.length} calls to ${Object.keys(upstreams).length} servers`,
    }),
    measure('answers that hold HTML or a stack', pages.length, exactly(0)),
  ];
}
