// The gateway is told to stop with 200 calls in flight: every one is answered.
import { pause, until } from '../harness/client.mjs';
import { faulty, readLedger } from '../harness/house.mjs';
import { atMost, exactly, measure } from '../harness/report.mjs';

export const row = 4;
export const title = 'Accepted calls lost on SIGTERM, 200 in flight';

export async function run(house) {
  const files = [0, 1].map((index) => house.file(`sigterm-${index}.ledger`));
  const limits = { inFlight: 200 };
  const upstreams = {
    a: { ...faulty('slow-tool', { ledger: files[0], set: { ms: 3_000 } }), limits },
    b: { ...faulty('slow-tool', { ledger: files[1], set: { ms: 3_000 } }), limits },
  };
  const gateway = await house.gateway({ upstreams });
  const calls = Array.from({ length: 200 }, (_, index) =>
    house.client.call(gateway, index % 2 === 0 ? 'a' : 'b', 'write', { nonce: `n${index}`, fault: true, always: true }),
  );
  const running = () => files.flatMap(readLedger).filter(({ event }) => event === 'executed').length;
  await until(() => running() === 200, '200 calls in flight', 10_000, 20);
  const began = performance.now();
  const stopped = gateway.stop();
  await pause(100);
  const ready = await fetch(`${gateway.url}/health/ready`).then(
    ({ status }) => status,
    () => 'refused',
  );
  const records = await Promise.all(calls);
  const exit = await stopped;
  return [
    measure('calls lost', records.filter(({ ok }) => !ok).length, exactly(0), { note: `${records.length} in flight` }),
    measure('exit code', exit.code, exactly(0)),
    measure('stopped within', performance.now() - began, atMost(25_000), { unit: 'ms' }),
    measure('ready while it drains', ready === 200 ? 'yes' : 'no', exactly('no')),
    measure('processes left', exit.left.length, exactly(0)),
  ];
}
