// A labelled set of failures: each is told by its own name, with its delivery.
import { pause } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { exactly, measure } from '../harness/report.mjs';

export const row = 18;
export const title = 'Classification of failures';
export const background = true;

/** What never came up lists no tool: a call of one is refused with the state of its server (10.15). */
const NEVER_UP = 'UPSTREAM_START_FAILED|UPSTREAM_NOT_READY|COOLING_DOWN';

/** Those of which nobody has ever seen a list. */
const NEVER_READY = new Set([
  'crashes-at-every-start',
  'unknown-version',
  'wrong-url',
  'meant-401',
  'html-login',
  'gzip-bomb',
]);

/** Server, how it is reached, and what its caller must be told: one of these. */
const LABELLED = [
  ['exits-after-executing', 'stdio', 'UPSTREAM_EXITED', 'maybe-sent'],
  ['exits-with-signal', 'stdio', 'UPSTREAM_EXITED', 'maybe-sent'],
  ['hangs', 'stdio', 'UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED', 'maybe-sent'],
  ['wrong-id', 'stdio', 'UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED', 'maybe-sent'],
  ['cut-line', 'stdio', 'UPSTREAM_PROTOCOL', 'maybe-sent'],
  ['bad-envelope', 'stdio', 'UPSTREAM_PROTOCOL', 'maybe-sent'],
  ['bad-result', 'stdio', 'UPSTREAM_PROTOCOL', 'maybe-sent'],
  ['crashes-at-every-start', 'stdio', NEVER_UP, 'not-sent'],
  ['unknown-version', 'stdio', NEVER_UP, 'not-sent'],
  ['answers-500', 'http', 'UPSTREAM_FAILED', 'maybe-sent'],
  ['resets-mid-request', 'http', 'UPSTREAM_DISCONNECTED', 'maybe-sent'],
  ['truncated-body', 'http', 'UPSTREAM_DISCONNECTED|UPSTREAM_PROTOCOL', 'maybe-sent'],
  ['sse-ends-early', 'http', 'UPSTREAM_DISCONNECTED', 'maybe-sent'],
  ['headers-then-silence', 'http', 'UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED', 'maybe-sent'],
  ['html-login', 'http', 'UPSTREAM_PROTOCOL', 'maybe-sent'],
  ['gzip-bomb', 'http', 'RESULT_TOO_LARGE', 'maybe-sent|answered'],
  ['meant-401', 'http', 'UPSTREAM_UNAUTHORIZED', 'rejected-unprocessed|not-sent'],
  ['rate-limited', 'http', 'UPSTREAM_RATE_LIMITED', 'rejected-unprocessed|not-sent'],
  ['wrong-url', 'http', NEVER_UP, 'not-sent|rejected-unprocessed'],
];

export async function run(house) {
  const upstreams = {};
  let limited;
  const timeouts = { call: '2s', ready: '2s' };
  for (const [name, how] of LABELLED) {
    if (how === 'stdio') upstreams[name] = { ...faulty(name), timeouts };
    else {
      const server = await house.upstream(name);
      upstreams[name] = { url: server.url, transport: 'streamable-http', timeouts };
      if (name === 'rate-limited') limited = server;
    }
  }
  upstreams.missing = { command: '/no/such/program' };
  const gone = await house.upstream('healthy');
  upstreams.unreachable = { url: gone.url, transport: 'streamable-http', timeouts };
  const set = [
    ...LABELLED,
    ['missing', 'stdio', NEVER_UP, 'not-sent'],
    ['unreachable', 'http', 'UPSTREAM_UNREACHABLE|UPSTREAM_NOT_READY|CIRCUIT_OPEN', 'not-sent'],
  ];
  const gateway = await house.gateway({ upstreams }, { wait: false });
  const up = LABELLED.map(([name]) => name).filter((name) => !NEVER_READY.has(name));
  await gateway.reached('ready', [...up, 'unreachable'], 60_000);
  await limited.control({ ms: 60_000 });
  await pause(1_000);
  await gone.stop('SIGKILL');
  const wrong = [];
  await Promise.all(
    set.map(async ([name, , faults, deliveries]) => {
      const args = { nonce: name, fault: true, always: true };
      const record = await house.client.call(gateway, name, 'write', args, { deadline: 20_000 });
      if (!faults.split('|').includes(record.fault) || !deliveries.split('|').includes(record.delivery ?? 'not-sent')) {
        wrong.push(`${name}: ${record.fault} ${record.delivery} ${String(record.message).slice(0, 60)}`);
      }
    }),
  );
  return [
    measure('failures told by their name', 1 - wrong.length / set.length, exactly(1), {
      unit: '%',
      claim: 27,
      note: wrong.length > 0 ? wrong.join('; ') : `${set.length} labelled failures`,
    }),
  ];
}
