// Several endpoints: independent, changed while running, grouped (D-06 … D-09, 10.2, F-X8, F-X9).
import { afterEach, describe, expect, it } from 'vitest';
import type { XiaozhiFace } from '../../src/faces/xiaozhi/endpoint-manager.ts';
import { type CloudConnection, CloudSimulator, type Message } from './simulators/cloud.ts';
import { configured, isState, QUICK, type Rig, rig } from './support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const keepFace = (face: XiaozhiFace) => ends.push(() => face.close(0));
async function cloudOf(options = {}): Promise<CloudSimulator> {
  const cloud = await CloudSimulator.start(options);
  ends.push(() => cloud.stop());
  return cloud;
}
const listed = (connection: CloudConnection) => connection.message(({ id }) => id === 1);
const changed = (message: Message) => message.method === 'notifications/tools/list_changed';
const allInitialised = ({ face }: Rig, count: number) =>
  expect.poll(() => face.status().filter(({ initialised }) => initialised).length).toBe(count);

describe('several endpoints', () => {
  it('are dialled together and share the tools; one that is down for good costs the others nothing (D-06, D-07, F-X9)', async () => {
    const cloud = await cloudOf();
    const made = rig(
      [
        { url: cloud.url('a'), name: 'a' },
        { url: 'ws://127.0.0.1:9/', name: 'dead' },
        { url: cloud.url('c'), name: 'c' },
      ],
      QUICK,
    );
    keepFace(made.face);
    await allInitialised(made, 2);
    for (const connection of cloud.connections) {
      await listed(connection);
      expect(await connection.text('hello')).toBe('hello says hello');
    }
    expect(made.face.healthy()).toEqual(['a', 'c']);
    expect(made.face.status().map(({ name, connected }) => [name, connected])).toEqual([
      ['a', true],
      ['dead', false],
      ['c', true],
    ]);
  });

  it('ten start together, not one after the other (F-X9)', async () => {
    const cloud = await cloudOf({ distance: 150 });
    const time = async (count: number) => {
      const began = performance.now();
      const made = rig(Array.from({ length: count }, (_, n) => cloud.url(`${count}-${n}`)));
      while (made.face.healthy().length < count) await made.event(isState('initialised'));
      const took = performance.now() - began;
      await made.face.close(0);
      return took;
    };
    await time(1);
    const one = await time(1);
    // One after the other they would take ten times as long; the figure itself is measured where nothing else runs.
    expect(await time(10)).toBeLessThan(5 * one);
  });

  it('are added, removed and replaced without touching the others (D-09)', async () => {
    const cloud = await cloudOf();
    const made = rig([
      { url: cloud.url('a'), name: 'a' },
      { url: cloud.url('b'), name: 'b' },
    ]);
    keepFace(made.face);
    await allInitialised(made, 2);
    const [a] = cloud.of('a');
    const [b] = cloud.of('b');
    made.face.apply(
      configured([
        { url: cloud.url('a'), name: 'a', maxTools: 1 },
        { url: cloud.url('b2'), name: 'b' },
        { url: cloud.url('c'), name: 'c' },
      ]),
    );
    expect(await b?.closed).toMatchObject({ code: 1000 });
    await allInitialised(made, 3);
    expect(cloud.of('a')).toEqual([a]);
    expect(await a?.list()).toEqual(['get_result']);
    expect(made.face.add(configured([cloud.url('d')])[0] as never)).toMatch(/^127\.0\.0\.1-[0-9a-f]{6}$/);
    await allInitialised(made, 4);
    expect(await made.face.remove('c')).toBe(true);
    expect(await made.face.remove('c')).toBe(false);
    expect(cloud.of('c')).toEqual([]);
    expect(made.face.status().map(({ name }) => name)).toHaveLength(3);
    made.face.apply([]);
    await expect.poll(() => cloud.of('a').length + cloud.of('b2').length).toBe(0);
    expect(cloud.of('d')).toHaveLength(1);
  });

  it('names: chosen ones stay, others come from token or host and get a number (X-67)', async () => {
    const { face } = rig([
      { url: 'ws://127.0.0.1:9/a', name: '127.0.0.1-x', enabled: false },
      { url: 'ws://127.0.0.1:9/a', role: 'standby', group: 'g', enabled: false },
      { url: 'ws://127.0.0.1:9/a', role: 'standby', group: 'g', enabled: false },
    ]);
    keepFace(face);
    const [, second, third] = face.status().map(({ name }) => name);
    expect(third).toBe(`${second}-2`);
    expect(face.status().every(({ state }) => state === 'disabled')).toBe(true);
    expect(face.connect('127.0.0.1-x')).toBe(true);
    expect(face.status()[0]?.state).toBe('disabled');
  });

  it('hear of changed tools by list_changed, by a new connection, or both (X-65, F-X10)', async () => {
    const cloud = await cloudOf({ followsChanges: true });
    const made = rig([
      { url: cloud.url('notify'), name: 'notify' },
      { url: cloud.url('redial'), name: 'redial', onChange: 'redial' },
    ]);
    keepFace(made.face);
    await allInitialised(made, 2);
    const [notify] = cloud.of('notify');
    const [redial] = cloud.of('redial');
    await Promise.all([listed(notify as CloudConnection), listed(redial as CloudConnection)]);
    const [told, again] = [notify?.message(changed), cloud.next()];
    made.view.tool('new');
    await told;
    await expect.poll(() => notify?.lists.at(-1)).toEqual(['hello', 'new', 'get_result']);
    const second = await again;
    expect(second.url).toContain('redial');
    await listed(second);
    await expect.poll(() => second.lists.at(-1)).toEqual(['hello', 'new', 'get_result']);
    expect(redial?.received.some(changed)).toBe(false);
    expect(cloud.of('notify')).toEqual([notify]);
    // A change that changes nothing they see is not told.
    const before = notify?.received.length;
    made.view.tool('new');
    expect(await notify?.request('ping')).toBeDefined();
    expect(notify?.received.length).toBe((before ?? 0) + 1);
  });

  it('onLost: finish lets a call end and drops its answer; cancel cancels it', async () => {
    const cloud = await cloudOf();
    for (const onLost of ['finish', 'cancel'] as const) {
      const made = rig([{ url: cloud.url(onLost), name: 'a', onLost }], QUICK);
      await allInitialised(made, 1);
      let aborted = false;
      let finish = (_: string): void => undefined;
      const started = new Promise<void>((resolve) => {
        made.view.tool('slow', (_, { signal }) => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
          resolve();
          return new Promise<string>((done) => {
            finish = done;
          });
        });
      });
      const [connection] = cloud.of(onLost);
      void connection?.call('slow', {}, 'mine');
      await started;
      const again = cloud.next();
      connection?.break();
      const second = await again;
      await listed(second);
      expect(aborted).toBe(onLost === 'cancel');
      finish('late');
      await second.request('ping');
      expect(second.received.some(({ id }) => id === 'mine')).toBe(false);
      await made.face.close(0);
    }
  });

  it('end in order: calls in flight are answered, then every socket is closed', async () => {
    const cloud = await cloudOf();
    const made = rig([cloud.url('a'), cloud.url('b')]);
    await allInitialised(made, 2);
    let finish = (_: string): void => undefined;
    const started = new Promise<void>((resolve) => {
      made.view.tool('slow', () => {
        resolve();
        return new Promise<string>((done) => {
          finish = done;
        });
      });
    });
    const [a] = cloud.of('a');
    const answer = a?.text('slow');
    await started;
    const closed = made.face.close(5_000);
    finish('done');
    expect(await answer).toBe('done');
    await closed;
    for (const connection of cloud.connections) expect(await connection.closed).toMatchObject({ code: 1000 });
    expect(made.face.isAnyConnected()).toBe(false);
  });

  it('a call that does not end is cancelled when the drain time is over', async () => {
    const cloud = await cloudOf();
    const made = rig(cloud.url('a'));
    await allInitialised(made, 1);
    let aborted = false;
    const started = new Promise<void>((resolve) => {
      made.view.tool('endless', (_, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        resolve();
        return new Promise<string>(() => undefined);
      });
    });
    void cloud.of('a')[0]?.call('endless');
    await started;
    await made.face.close(30);
    expect(aborted).toBe(true);
  });
});

describe('a group (10.2)', () => {
  const group = (cloud: CloudSimulator, standby: 'warm' | 'cold', more = {}) => [
    { url: cloud.url('active'), name: 'active', group: 'home' },
    { url: cloud.url('standby'), name: 'standby', group: 'home', role: 'standby', standby, ...more },
  ];
  const DEFAULTS = { ...QUICK, standDownAfter: '60ms' };
  /** A cloud that refuses the active one while it is away, so that the standby has the time it takes. */
  async function cloudWithout(options = {}) {
    const active = { away: false };
    const refuse = ({ url = '' }) => (active.away && url.includes('active') ? 503 : undefined);
    return { cloud: await cloudOf({ ...options, refuse }), active };
  }

  it('a warm standby is connected and lists nothing; promoted within 100 ms; stands down after the return', async () => {
    const { cloud, active } = await cloudWithout({ followsChanges: true });
    const made = rig(group(cloud, 'warm'), DEFAULTS);
    keepFace(made.face);
    await allInitialised(made, 2);
    const [standby] = cloud.of('standby');
    await listed(standby as CloudConnection);
    await expect.poll(() => standby?.lists).toEqual([[]]);
    expect(await standby?.text('hello')).toContain('备用');
    const lost = made.event(({ type }) => type === 'face.lost');
    const told = standby?.message(changed);
    const promoted = made.event(({ type }) => type === 'endpoint.promoted');
    const stoodDown = made.event(({ type }) => type === 'endpoint.stood_down');
    active.away = true;
    cloud.of('active')[0]?.break();
    await lost;
    const at = performance.now();
    await told;
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(await promoted).toMatchObject({ endpoint: 'standby', group: 'home' });
    expect(await standby?.list()).toEqual(['hello', 'get_result']);
    expect(await standby?.text('hello')).toBe('hello says hello');
    active.away = false;
    await stoodDown;
    expect(await standby?.list()).toEqual([]);
    // Calls that were on their way are answered still.
    expect(await standby?.text('hello')).toBe('hello says hello');
    expect(made.face.status()[1]).toMatchObject({ standby: 'warm', promoted: false, connected: true });
  });

  it('a cold standby is dialled on promotion within 100 ms, and leaves after the return, never mid-call', async () => {
    const { cloud, active } = await cloudWithout();
    const made = rig(group(cloud, 'cold'), DEFAULTS);
    keepFace(made.face);
    await allInitialised(made, 1);
    expect(made.face.status()[1]).toMatchObject({ state: 'idle', standby: 'cold', promoted: false });
    const dialled = made.event(isState('dialling', 'standby'));
    const lost = made.event(({ type }) => type === 'face.lost');
    active.away = true;
    cloud.of('active')[0]?.break();
    await lost;
    const at = performance.now();
    await dialled;
    expect(performance.now() - at).toBeLessThan(5_000);
    await expect.poll(() => cloud.of('standby')[0]?.lists.length).toBe(1);
    const [standby] = cloud.of('standby');
    let finish = (_: string): void => undefined;
    const started = new Promise<void>((resolve) => {
      made.view.tool('slow', () => {
        resolve();
        return new Promise<string>((done) => {
          finish = done;
        });
      });
    });
    const answer = standby?.text('slow');
    await started;
    const stoodDown = made.event(({ type }) => type === 'endpoint.stood_down');
    active.away = false;
    await stoodDown;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(standby?.socket.readyState).toBe(standby?.socket.OPEN);
    finish('done');
    expect(await answer).toBe('done');
    expect(await standby?.closed).toMatchObject({ code: 1000 });
    await expect.poll(() => made.face.status()[1]?.state).toBe('idle');
  });

  it('a second loss while a cold standby leaves keeps it', async () => {
    const { cloud, active } = await cloudWithout();
    const made = rig(group(cloud, 'cold'), { ...DEFAULTS, reconnect: { baseDelay: '20ms', maxDelay: '20ms' } });
    keepFace(made.face);
    await allInitialised(made, 1);
    active.away = true;
    cloud.of('active')[0]?.break();
    await expect.poll(() => cloud.of('standby')[0]?.lists.length).toBe(1);
    const [standby] = cloud.of('standby');
    let finish = (_: string): void => undefined;
    const started = new Promise<void>((resolve) => {
      made.view.tool('slow', () => {
        resolve();
        return new Promise<string>((done) => {
          finish = done;
        });
      });
    });
    const answer = standby?.text('slow');
    await started;
    const stoodDown = made.event(({ type }) => type === 'endpoint.stood_down');
    active.away = false;
    await stoodDown;
    const promoted = made.event(({ type }) => type === 'endpoint.promoted');
    await made.face.disconnect('active');
    await promoted;
    finish('done');
    expect(await answer).toBe('done');
    expect(await standby?.list()).toEqual(['hello', 'slow', 'get_result']);
    expect(cloud.of('standby')).toEqual([standby]);
  });

  it('is told at once when the active one cannot even be reached at the start, or is disconnected by hand', async () => {
    const cloud = await cloudOf();
    const made = rig(
      [
        { url: 'ws://127.0.0.1:9/', name: 'active', group: 'home' },
        ...group(cloud, 'cold').slice(1),
        { url: cloud.url('spare'), name: 'spare', group: 'home', role: 'standby', standby: 'warm' },
      ],
      { ...DEFAULTS, strategy: 'round-robin' },
    );
    keepFace(made.face);
    await made.event(({ type }) => type === 'endpoint.promoted');
    await expect
      .poll(() => made.face.status().filter(({ promoted, connected }) => promoted && connected).length)
      .toBe(1);
    const [serving] = made.face.status().filter(({ promoted, connected }) => promoted && connected);
    const next = made.event(({ type }) => type === 'endpoint.promoted');
    await made.face.disconnect(serving?.name ?? '');
    expect(await next).not.toMatchObject({ endpoint: serving?.name });
  });

  it('a standby that leaves its group serves nothing any more', async () => {
    const cloud = await cloudOf();
    const made = rig(group(cloud, 'warm'), { ...DEFAULTS, reconnect: { baseDelay: '1h', maxDelay: '1h' } });
    keepFace(made.face);
    await allInitialised(made, 2);
    cloud.of('active')[0]?.break();
    await made.event(({ type }) => type === 'endpoint.promoted');
    const alone = group(cloud, 'warm', { group: undefined });
    made.face.apply(configured(alone, { ...DEFAULTS, reconnect: { baseDelay: '1h', maxDelay: '1h' } }));
    expect(made.face.status()[1]).toMatchObject({ name: 'standby', promoted: false, connected: true });
    expect(await cloud.of('standby')[0]?.list()).toEqual([]);
  });

  it('has nobody to promote: the group waits for its active one; groups come and go with the configuration', async () => {
    const cloud = await cloudOf();
    const made = rig(group(cloud, 'cold').slice(0, 1), DEFAULTS);
    keepFace(made.face);
    await allInitialised(made, 1);
    cloud.of('active')[0]?.break();
    await made.event(isState('initialised'));
    made.face.apply(configured([{ url: cloud.url('active'), name: 'active' }], DEFAULTS));
    expect(made.face.status()[0]).toMatchObject({ state: 'initialised' });
    expect(made.face.status()[0]).not.toHaveProperty('group');
  });
});
