// What is seen of real processes that open, connect and take more and more. The clock is the test's: between two looks
// half a minute passes, however long the machine takes.
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { faulty } from '../support/upstream.ts';
import { type AdminHouse, startAdminHouse } from './support/admin-house.ts';
import { admin, call } from './support/real-faults.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

async function look(house: AdminHouse): Promise<void> {
  vi.setSystemTime(Date.now() + 30_000);
  await house.operations.look();
}

describe('what is seen of processes (C-50, C-72)', () => {
  it('counts descriptors and TCP connections of a real server, and says when they only grow', async () => {
    const sockets = new Set<Socket>();
    const target = createTcpServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const { port } = target.address() as AddressInfo;
    const server = new URL('./support/connecting-server.mjs', import.meta.url).pathname;
    await using house = await startAdminHouse({
      upstreams: {
        a: { command: process.execPath, args: [server, '--transport', 'stdio', '--set', `port=${port}`] },
        b: faulty('healthy'),
      },
    });
    await house.ready();
    const newest = async (name: string) => {
      await look(house);
      const { samples } = (await house.get(`/api/v1/upstreams/${name}/samples?limit=1`, admin)).json as {
        samples: Record<string, number>[];
      };
      return samples[0];
    };
    const before = await newest('a');
    expect(before?.connections).toBe(0);
    for (let n = 1; n <= 30; n++) {
      await call(house, 'write', { nonce: `c${n}`, fault: true });
      await look(house);
    }
    expect(sockets.size).toBe(30);
    const after = await newest('a');
    expect(after?.connections).toBe(30);
    expect((after?.open_files ?? 0) - (before?.open_files ?? 0)).toBe(30);
    const { growth } = (await house.get('/api/v1/upstreams/a', admin)).json as {
      growth: { field: string; leak: boolean; perHour: number }[];
    };
    expect(growth.find(({ field }) => field === 'connections')).toMatchObject({ leak: true });
    const leaks = async () =>
      ((await house.get('/diagnostics')).json as { issues: { id: string; evidence: string }[] }).issues.filter(
        ({ id }) => id.startsWith('leak:'),
      );
    expect((await leaks()).map(({ id }) => id)).toEqual(['leak:a:open_files', 'leak:a:connections']);
    expect((await leaks())[1]?.evidence).toMatch(/^from [0-3] to (29|3\d) in /);
    // A process that was started anew has not grown.
    await house.send('POST', '/api/v1/upstreams/a/restart', undefined, admin);
    await house.ready();
    await look(house);
    expect(await leaks()).toEqual([]);
    expect((await newest('a'))?.connections).toBe(0);
    target.close();
    for (const socket of sockets) socket.destroy();
  });

  it('says that the memory of a real server only grows', async () => {
    await using house = await startAdminHouse({ upstreams: { a: faulty('grows', { set: { mb: 8 } }) } });
    await house.ready();
    for (let n = 1; n <= 25; n++) {
      await call(house, 'write', { nonce: `g${n}`, fault: true });
      await look(house);
    }
    const { issues } = (await house.get('/diagnostics')).json as { issues: { id: string; evidence: string }[] };
    expect(issues.find(({ id }) => id === 'leak:a:memory_bytes')?.evidence).toMatch(/MiB in \d+ min, \d+ MiB an hour/);
  });
});
