// Nothing that is not idempotent runs twice: the ledger of every misbehaving server says what really ran.
import { executions, faulty, readLedger } from '../harness/house.mjs';
import { atLeast, exactly, measure } from '../harness/report.mjs';

export const row = 1;
export const title = 'Duplicate executions of non-idempotent calls';
export const scaled = '600 faulted calls in place of 10,000';

const HTTP = [
  'answers-500',
  'resets-mid-request',
  'truncated-body',
  'sse-ends-early',
  'loses-sessions',
  'refuses-unprocessed',
];
const STDIO = ['exits-after-executing', 'exits-before-executing', 'exits-with-signal', 'cut-line'];
/** An exit of a process takes its time to come back from; the network faults cost nothing. */
const SHARE_OF_STDIO = 0.1;

export async function run(house) {
  const total = house.scale(600, 10_000);
  const patient = { recovery: { breaker: { failures: 1_000, ratio: 1 } } };
  const upstreams = {};
  const listening = {};
  const ledgers = {};
  for (const name of HTTP) {
    ledgers[name] = house.file(`${name}.ledger`);
    listening[name] = await house.upstream(name, { ledger: ledgers[name], set: { after: 0, ms: 50 } });
    upstreams[name] = { url: listening[name].url, transport: 'streamable-http', ...patient };
  }
  for (const name of STDIO) {
    ledgers[name] = house.file(`${name}.ledger`);
    const supervisor = { stableAfter: '0s' };
    upstreams[name] = { ...faulty(name, { ledger: ledgers[name] }), ...patient, supervisor, timeouts: { call: '3s' } };
  }
  const gateway = await house.gateway({ upstreams });
  const records = [];
  const drive = async (name, count) => {
    for (let done = 0; done < count; ) {
      // Healthy calls between keep the child's record clean; the faulty ones come four at a time.
      records.push(await house.client.call(gateway, name, 'write', { nonce: `${name} healthy ${done}` }));
      if (name === 'loses-sessions') await listening[name].control({});
      const batch = Math.min(4, count - done);
      records.push(
        ...(await Promise.all(
          Array.from({ length: batch }, (_, index) =>
            house.client.call(gateway, name, 'write', {
              nonce: `${name} ${done + index}`,
              fault: true,
              ...(name !== 'refuses-unprocessed' && { always: true }),
            }),
          ),
        )),
      );
      done += batch;
    }
  };
  const each = (names, part) => names.map((name) => [name, Math.ceil((total * part) / names.length)]);
  const work = [...each(HTTP, 1 - SHARE_OF_STDIO), ...each(STDIO, SHARE_OF_STDIO)];
  await Promise.all(work.map(([name, count]) => drive(name, count)));
  const counts = new Map(Object.values(ledgers).flatMap((file) => [...executions(readLedger(file))]));
  const twice = [...counts].filter(([, count]) => count > 1);
  const faulted = records.filter(({ nonce }) => !nonce.includes('healthy'));
  const untold = faulted.filter(({ ok, delivery, nonce }) => !ok && delivery !== 'maybe-sent' && counts.has(nonce));
  return [
    measure('ran more than once', twice.length, exactly(0), {
      note: twice.length > 0 ? twice.slice(0, 3).join('; ') : `${faulted.length} faulted calls, ${counts.size} ran`,
    }),
    measure('ran, failed, and not told "outcome unknown"', untold.length, exactly(0), {
      note:
        untold.length > 0
          ? JSON.stringify(untold.slice(0, 2).map(({ nonce, fault, delivery }) => [nonce, fault, delivery]))
          : '',
    }),
    measure('calls through faults', faulted.length, atLeast(total)),
  ];
}
