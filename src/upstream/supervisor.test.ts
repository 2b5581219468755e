// The state machine on random event orders, with fake time, fake links and a server that obeys the test.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayFault } from '../core/fault.ts';
import type { UpstreamIdentity, UpstreamState } from '../core/upstream.ts';
import { DeadlineWheel } from '../resilience/deadline.ts';
import type { Link } from './link.ts';
import { type Ready, Supervisor } from './supervisor.ts';

class FakeLink {
  ended: GatewayFault | undefined;
  answered = 0;
  inFlight = 0;
  closed = false;
  close(fault: GatewayFault): Promise<void> {
    this.ended ??= fault;
    this.inFlight = 0;
    return new Promise((resolve) => {
      setTimeout(() => {
        this.closed = true;
        resolve();
      }, 5);
    });
  }
  get link(): Link {
    return this as unknown as Link;
  }
}

interface Attempt {
  succeed(): FakeLink;
  fail(fault: GatewayFault): void;
}

class World {
  readonly links: FakeLink[] = [];
  readonly attempts: Attempt[] = [];
  /** Connects under way. */
  open = 0;
  mostOpen = 0;
  connects = 0;
  waiting = 0;
  readonly states: string[] = [];
  /** Whether a suspected link answers: undefined = nobody there. */
  revives: boolean | undefined = true;
  /** Those who want to hear that the server listens again. */
  readonly watching = new Set<{ wanted(): boolean; listens(): void }>();
  /** Starts that began before the process of an earlier life was gone. */
  overlaps = 0;
  readonly wheel = new DeadlineWheel();
  readonly supervisor: Supervisor;

  constructor(process: boolean) {
    this.supervisor = new Supervisor(
      {
        name: 'u',
        process,
        timeouts: { start: 60_000, ready: 10_000 },
        cooldown: { base: 60_000, cap: 900_000 },
        stableAfter: 60_000,
        dial: { maxDelay: 30_000, minInterval: 0, quickAttempts: 5 },
        waits: true,
        wheel: this.wheel,
        connect: (signal, phase) => this.#connect(signal, phase),
        watch: (_, wanted, listens) => {
          const watcher = { wanted, listens };
          this.watching.add(watcher);
          return () => void this.watching.delete(watcher);
        },
        revive: () => {
          if (this.revives === undefined) throw fault('UPSTREAM_UNREACHABLE');
          return Promise.resolve(this.revives);
        },
        changed: (_, to) => this.states.push(to.state),
        log: () => undefined,
        random: () => 0.5,
      },
      'never-started',
    );
  }

  #connect(signal: AbortSignal, phase: (phase: 'handshake') => void): Promise<Ready> {
    const nth = ++this.connects;
    if (this.links.some((link) => !link.closed)) this.overlaps++;
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    phase('handshake');
    return new Promise((resolve, reject) => {
      const done = (): void => {
        const at = this.attempts.indexOf(attempt);
        if (at < 0) return;
        this.open--;
        this.attempts.splice(at, 1);
      };
      const attempt: Attempt = {
        succeed: () => {
          done();
          const link = new FakeLink();
          this.links.push(link);
          resolve({ link: link.link, identity: {} as UpstreamIdentity });
          return link;
        },
        fail: (reason) => {
          done();
          reject(reason);
        },
      };
      this.attempts.push(attempt);
      // A start that is given up takes a moment to clear away, or turns out to have succeeded just then.
      const giveUp = (): unknown =>
        setTimeout(() => {
          if (!this.attempts.includes(attempt)) return;
          if (nth % 2 === 0) attempt.succeed();
          else attempt.fail(fault('CANCELLED'));
        }, 3);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  call(deadline = 30_000): void {
    this.waiting++;
    const settled = (): void => {
      this.waiting--;
    };
    try {
      const link = this.supervisor.link(performance.now() + deadline);
      if (link instanceof Promise) link.then(settled, settled);
      else settled();
    } catch {
      settled();
    }
  }

  current(): FakeLink | undefined {
    const link = this.supervisor.current?.link;
    return this.links.find((one) => one.link === link);
  }
}

const fault = (
  name: 'UPSTREAM_EXITED' | 'UPSTREAM_UNREACHABLE' | 'UPSTREAM_UNAUTHORIZED' | 'CANCELLED',
): GatewayFault => new GatewayFault(name, name, { upstream: 'u' });
const permanent = (): GatewayFault => new GatewayFault('UPSTREAM_START_FAILED', 'no such program', { upstream: 'u' });

type Step = (world: World) => void | Promise<void>;
const STEPS: Record<string, Step> = {
  start: ({ supervisor }) => supervisor.start(),
  call: (world) => world.call(),
  'impatient call': (world) => world.call(50),
  'listens again': ({ watching }) => {
    for (const { wanted, listens } of [...watching]) if (wanted()) listens();
  },
  succeed: ({ attempts }) => void attempts[0]?.succeed(),
  fail: ({ attempts }) => attempts[0]?.fail(fault('UPSTREAM_EXITED')),
  refuse: ({ attempts }) => attempts[0]?.fail(fault('UPSTREAM_UNAUTHORIZED')),
  'fail for good': ({ attempts }) => attempts[0]?.fail(permanent()),
  exit: (world) => {
    const link = world.current();
    if (link === undefined) return;
    link.ended = fault('UPSTREAM_EXITED');
    link.closed = true;
    world.supervisor.lost(link.link, link.ended);
  },
  'late news': (world) => {
    const old = world.links[0];
    if (old !== undefined) world.supervisor.lost(old.link, fault('UPSTREAM_EXITED'));
  },
  suspect: (world) => {
    const link = world.current();
    if (link !== undefined) world.supervisor.suspect(link.link, fault('UPSTREAM_UNREACHABLE'));
  },
  'gone away': (world) => {
    world.revives = undefined;
  },
  'came back': (world) => {
    world.revives = true;
  },
  'came back another': (world) => {
    world.revives = false;
  },
  renew: (world) => {
    const link = world.current();
    if (link !== undefined) world.supervisor.renew(link.link, fault('UPSTREAM_EXITED'));
  },
  answer: (world) => {
    const link = world.current();
    if (link !== undefined) link.answered++;
  },
  restart: ({ supervisor }) => supervisor.restart(false),
  force: ({ supervisor }) => supervisor.restart(true),
  rest: ({ supervisor }) => supervisor.rest(),
  disable: ({ supervisor }) => void supervisor.stop({ drain: 0, reason: 'disabled' }),
  'a moment': async () => {
    await vi.advanceTimersByTimeAsync(60);
  },
  'a minute': async () => {
    await vi.advanceTimersByTimeAsync(61_000);
  },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the state machine', () => {
  test.each([true, false])(
    'holds its word on random event orders (process: %s; A-13, C-06, X-42, X-45)',
    async (process) => {
      // Sessions and suspicion are a matter of HTTP; a process that is lost has ended.
      const remote = ['suspect', 'renew', 'gone away', 'came back', 'came back another'];
      const steps = Object.keys(STEPS).filter((name) => !process || !remote.includes(name));
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...steps), { maxLength: 40 }), async (names) => {
          const world = new World(process);
          const { supervisor } = world;
          for (const name of names) {
            await STEPS[name]?.(world);
            await vi.advanceTimersByTimeAsync(1);
            const { state } = supervisor.state;
            const up = state === 'ready' || state === 'degraded';
            expect(supervisor.current !== undefined, `a link and ${state}`).toBe(up);
            if (up) expect(world.current()?.ended).toBeUndefined();
            if (state === 'failed' || state === 'disabled' || state === 'cooling_down') expect(world.waiting).toBe(0);
          }
          // One start at a time, whatever happened.
          expect(world.mostOpen).toBeLessThanOrEqual(1);
          if (process) expect(world.overlaps).toBe(0);
          // Every call gets its answer in bounded time.
          await vi.advanceTimersByTimeAsync(31_000);
          expect(world.waiting).toBe(0);
          // A stop leaves nothing: no link, no attempt, no timer, no revival.
          void supervisor.stop({ drain: 0, reason: 'removed' });
          await vi.advanceTimersByTimeAsync(20_000);
          expect(supervisor.state).toMatchObject({ state: 'stopped', reason: 'removed' });
          expect(world.links.filter((link) => link.ended === undefined)).toEqual([]);
          expect(world.open).toBe(0);
          const { connects } = world;
          world.call();
          await vi.advanceTimersByTimeAsync(4_000_000);
          expect(world.connects).toBe(connects);
          expect(world.waiting).toBe(0);
          world.wheel.close();
          expect(world.watching.size).toBe(0);
          expect(vi.getTimerCount()).toBe(0);
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe('single paths', () => {
  const settle = (milliseconds = 1) => vi.advanceTimersByTimeAsync(milliseconds);
  const stateOf = (world: World): UpstreamState => world.supervisor.state;

  test('10.3 four failed starts: fast, fast, fast, cooling_down; a call then is refused with the time left', async () => {
    const world = new World(true);
    world.supervisor.start();
    await settle();
    for (const wait of [0, 250, 500]) {
      world.attempts[0]?.fail(fault('UPSTREAM_EXITED'));
      await settle(wait + 2);
    }
    expect(world.connects).toBe(4);
    world.attempts[0]?.fail(fault('UPSTREAM_EXITED'));
    await settle();
    expect(stateOf(world)).toMatchObject({ state: 'cooling_down', attempt: 4 });
    expect(() => world.supervisor.link(performance.now() + 1_000)).toThrow(/next try in 63 s/);
    await settle(63_000);
    expect(world.connects).toBe(5);
  });

  test('10.3 force skips the wait; the count goes only when the start succeeds', async () => {
    const world = new World(true);
    world.supervisor.start();
    await settle();
    for (let n = 0; n < 4; n++) {
      world.attempts[0]?.fail(fault('UPSTREAM_EXITED'));
      await settle(1_100);
    }
    world.supervisor.restart(true);
    await settle();
    world.attempts[0]?.fail(fault('UPSTREAM_EXITED'));
    await settle();
    expect(stateOf(world)).toMatchObject({ state: 'cooling_down', attempt: 5 });
    world.supervisor.restart(true);
    await settle();
    world.attempts[0]?.succeed();
    await settle();
    const link = world.current() as FakeLink;
    link.ended = fault('UPSTREAM_EXITED');
    world.supervisor.lost(link.link, link.ended);
    expect(stateOf(world)).toMatchObject({ state: 'backoff', attempt: 1 });
  });

  test('F-H24 needs_auth is tried again once an hour, and at once by force', async () => {
    const world = new World(false);
    world.supervisor.start();
    await settle();
    world.attempts[0]?.fail(fault('UPSTREAM_UNAUTHORIZED'));
    await settle();
    expect(stateOf(world).state).toBe('needs_auth');
    await settle(3_599_000);
    expect(world.connects).toBe(1);
    await settle(2_000);
    expect(world.connects).toBe(2);
    world.attempts[0]?.fail(fault('UPSTREAM_UNAUTHORIZED'));
    await settle();
    world.supervisor.restart(true);
    await settle();
    expect(world.connects).toBe(3);
  });

  test('10.15 a call waits through starting to its own deadline, in backoff for timeouts.ready', async () => {
    const world = new World(false);
    world.supervisor.start();
    await settle();
    world.call(25_000);
    await settle(20_000);
    expect(world.waiting).toBe(1);
    world.attempts[0]?.fail(fault('UPSTREAM_UNREACHABLE'));
    await settle();
    expect(stateOf(world).state).toBe('backoff');
    await settle(5_100);
    expect(world.waiting).toBe(0);
    world.call(60_000);
    await settle(9_900);
    expect(world.waiting).toBe(1);
    await settle(200);
    expect(world.waiting).toBe(0);
  });

  test('a suspected link that answers goes on; one that does not know us is replaced', async () => {
    const world = new World(false);
    world.supervisor.start();
    await settle();
    const first = world.attempts[0]?.succeed() as FakeLink;
    await settle();
    world.revives = undefined;
    world.supervisor.suspect(first.link, fault('UPSTREAM_UNREACHABLE'));
    world.call();
    await settle(500);
    expect(world.waiting).toBe(1);
    world.revives = true;
    await settle(60);
    expect(world.waiting).toBe(0);
    expect(world.current()).toBe(first);
    world.revives = false;
    world.supervisor.suspect(first.link, fault('UPSTREAM_UNREACHABLE'));
    await settle();
    world.attempts[0]?.succeed();
    await settle();
    expect(world.current()).not.toBe(first);
    await settle(10_100);
    expect(first.closed).toBe(true);
  });
});
