// A day of endpoints that come and go, in seconds: peers that drop their connections at random while they call tools.
import { type CloudConnection, CloudSimulator } from './simulators/cloud.ts';
import { rig } from './support.ts';

export interface Flapped {
  drops: number;
  calls: number;
  answered: number;
  /** Calls whose connection was gone before their answer: nobody could have answered them. */
  unanswerable: number;
  /** Calls on open connections that were never answered. */
  lost: number;
  /** What was left when all was over: calls in flight, listeners on the catalogue, timers, open sockets. */
  left: { inFlight: number; listeners: number; timers: number; sockets: number };
  heapBefore: number;
  heapAfter: number;
}

const CODES = [1001, 1006, 1011, 1012, 4004];

/** Runs for `time` milliseconds with `count` endpoints in a group of two actives, the rest standbys. */
export async function flap(time: number, count = 4): Promise<Flapped> {
  const before = resources();
  const cloud = await CloudSimulator.start();
  const made = rig(
    Array.from({ length: count }, (_, n) => ({
      url: cloud.url(`flapping-${n}`),
      name: `e${n}`,
      group: 'g',
      role: n < 2 ? 'active' : 'standby',
      standby: n % 2 === 0 ? 'warm' : 'cold',
    })),
    { reconnect: { baseDelay: '10ms', maxDelay: '50ms', stableAfter: '1s' }, standDownAfter: '30ms' },
    // Peers that go together would keep each other away for seconds.
    { random: () => Math.random() / 20 },
  );
  made.view.tool('echo', async ({ n, wait }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(wait)));
    return String(n);
  });
  const result: Flapped = {
    drops: 0,
    calls: 0,
    answered: 0,
    unanswerable: 0,
    lost: 0,
    left: { inFlight: 0, listeners: 0, timers: 0, sockets: 0 },
    heapBefore: heap(),
    heapAfter: 0,
  };
  const pending = new Set<Promise<void>>();
  const call = (connection: CloudConnection) => {
    const n = result.calls++;
    const answer = connection.text('echo', { n, wait: Math.random() * 20 }).then((text) => {
      if (text === String(n) || text.includes('备用')) result.answered++;
      else result.lost++;
      return 'answered';
    });
    const one = Promise.race([answer, connection.closed.then(() => 'gone'), late()]).then((how) => {
      if (how === 'gone') result.unanswerable++;
      if (how === 'late') result.lost++;
      pending.delete(one);
    });
    pending.add(one);
  };
  const end = performance.now() + time;
  while (performance.now() < end) {
    const open = cloud.connections.filter(
      ({ socket, initialised }) => initialised && socket.readyState === socket.OPEN,
    );
    for (const connection of open) if (Math.random() < 0.5) call(connection);
    const victim = open[Math.floor(Math.random() * open.length)];
    if (victim !== undefined && Math.random() < 0.4) {
      result.drops++;
      const code = CODES[Math.floor(Math.random() * CODES.length)] as number;
      if (code === 1006) victim.break();
      else victim.close(code);
    }
    forget(cloud);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(pending);
  // Calls whose connection is gone come to their end as well.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const inFlight = made.face.status().reduce((sum, status) => sum + status.inFlight, 0);
  await made.face.close(1_000);
  await cloud.stop();
  made.events.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const after = resources();
  result.left = {
    inFlight,
    listeners: made.view.listeners,
    timers: Math.max(0, after.timers - before.timers),
    sockets: Math.max(0, after.sockets - before.sockets),
  };
  if (globalThis.gc !== undefined) await new Promise((resolve) => setTimeout(resolve, 3_100));
  result.heapAfter = heap();
  return result;
}

function late(): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, 30_000, 'late').unref());
}

/** The simulator must not be what grows. */
function forget(cloud: CloudSimulator): void {
  if (cloud.connections.length < 50) return;
  const open = cloud.connections.filter(({ socket }) => socket.readyState !== socket.CLOSED);
  cloud.connections.splice(0, cloud.connections.length, ...open);
  cloud.dialTimes.length = 0;
}

function resources(): { timers: number; sockets: number } {
  const all = process.getActiveResourcesInfo();
  return {
    timers: all.filter((one) => one === 'Timeout').length,
    sockets: all.filter((one) => one === 'TCPSocketWrap').length,
  };
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
