import { afterEach, expect, it } from 'vitest';
import { type ListeningUpstream, startUpstream } from '../../test/support/upstream.ts';
import { callContext, type UnderTest, upstreamUnderTest } from '../../test/support/upstream-under-test.ts';
import { waitFor } from '../../test/support/wait.ts';
import { GatewayFault } from '../core/fault.ts';

const toStop: { stop(): Promise<unknown> }[] = [];

afterEach(async () => {
  await Promise.all(toStop.splice(0).map((one) => one.stop()));
});

async function replicated(names: string[], more: Record<string, unknown> = {}) {
  const servers = await Promise.all(names.map((name) => startUpstream(name, { set: { ms: 1_200 } })));
  const replicas = servers.map(({ url }) => ({ url }));
  const made = upstreamUnderTest({ transport: 'streamable-http', replicas, strategy: 'round-robin', ...more });
  toStop.push(made, ...servers);
  made.upstream.start();
  await waitFor(() => made.upstream.state.state === 'ready', { what: () => JSON.stringify(made.upstream.state) });
  return { made, servers };
}

/** A caller that keeps no state anywhere. */
const modern = () => {
  const { client } = callContext();
  return { client: { ...client, era: 'modern' as const, revision: '2026-07-28' } };
};
const call = (made: UnderTest, tool: string, nonce: string, fault = false, safety: 'read' | 'write' = 'write') =>
  made.upstream.call(
    { method: 'tools/call', params: { name: tool, arguments: { nonce, fault, always: fault } }, subject: tool, safety },
    callContext(modern()),
  );
const counts = (servers: ListeningUpstream[], event = 'executed') =>
  Promise.all(servers.map(async (server) => (await server.ledger()).filter((entry) => entry.event === event).length));

it('spreads calls over the replicas and shows one set of lists (10.2)', async () => {
  const { made, servers } = await replicated(['healthy', 'healthy', 'healthy']);
  expect(made.upstream.lists.tools.map(({ name }) => name)).toEqual(['read', 'put', 'write']);
  for (let index = 0; index < 9; index++) await call(made, 'write', `n${index}`);
  expect(await counts(servers)).toEqual([3, 3, 3]);
});

it('keeps a legacy client on one replica, and moves it when that is gone (10.2)', async () => {
  const { made, servers } = await replicated(['healthy', 'healthy']);
  for (let index = 0; index < 6; index++) expect(await made.text('write', { nonce: `n${index}` })).toBe(`n${index}`);
  const before = await counts(servers);
  expect([...before].sort()).toEqual([0, 6]);
  await servers[before.indexOf(6)]?.stop();
  expect(await made.text('read', { nonce: 'moved' })).toBe('moved');
});

it('asks another replica where one did not take the call, writes too (10.2)', async () => {
  const { made, servers } = await replicated(['healthy', 'healthy']);
  await servers[0]?.stop();
  for (let index = 0; index < 10; index++) await call(made, 'write', `n${index}`);
  expect((await counts(servers.slice(1)))[0]).toBe(10);
  await waitFor(() => made.upstream.state.state === 'degraded');
});

it('repeats on another replica only what may run twice (10.2, reliability §2)', async () => {
  const { made, servers } = await replicated(['resets-mid-request', 'healthy']);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => call(made, 'write', `w${index}`, true)),
  );
  const failed = outcomes.filter((one) => one.status === 'rejected').map(({ reason }) => reason as GatewayFault);
  expect(failed.length).toBeGreaterThan(0);
  for (const fault of failed) {
    expect(fault).toBeInstanceOf(GatewayFault);
    expect([fault.delivery, fault.upstream]).toEqual(['maybe-sent', 'u']);
  }
  const ran = (await Promise.all(servers.map((server) => server.ledger()))).flat();
  const nonces = ran.filter(({ event }) => event === 'executed').map(({ nonce }) => nonce);
  expect(new Set(nonces).size).toBe(nonces.length);
  for (let index = 0; index < 4; index++) await call(made, 'read', `r${index}`, true, 'read');
});

it('leaves out a replica that fails more than the others, and takes it back by force (10.2)', async () => {
  const patient = { recovery: { breaker: { failures: 1_000, ratio: 1 } } };
  const { made, servers } = await replicated(['answers-500', 'healthy'], patient);
  for (let index = 0; index < 16; index++) await call(made, 'write', `n${index}`, true).catch(() => {});
  expect(made.upstream.state).toMatchObject({ state: 'degraded', cause: expect.stringContaining('left out') });
  expect(made.events).toContainEqual(expect.objectContaining({ text: expect.stringContaining('left out') }));
  const [before] = await counts(servers);
  for (let index = 0; index < 10; index++) await call(made, 'write', `later${index}`);
  expect((await counts(servers))[0]).toBe(before);
  made.upstream.restart({ force: true });
  await waitFor(() => made.upstream.state.state === 'ready');
  for (let index = 0; index < 4; index++) await call(made, 'write', `back${index}`);
  expect((await counts(servers))[0]).toBe((before ?? 0) + 2);
});

it('leaves out a replica that has become far slower than the others, though every call succeeds (10.2)', async () => {
  const { made, servers } = await replicated(['slow-tool', 'healthy']);
  for (let round = 0; round < 5; round++)
    await Promise.all(Array.from({ length: 8 }, (_, index) => call(made, 'write', `${round}-${index}`, true)));
  expect(made.upstream.state).toMatchObject({ state: 'degraded', cause: expect.stringContaining('left out') });
  expect(made.events).toContainEqual(expect.objectContaining({ text: expect.stringContaining('far more slowly') }));
  const [before] = await counts(servers);
  for (let index = 0; index < 10; index++) await call(made, 'write', `later${index}`);
  expect((await counts(servers))[0]).toBe(before);
});

it('news of one replica are told under the name of the whole, with its number (10.2)', async () => {
  const { made, servers } = await replicated(['healthy', 'healthy']);
  await waitFor(() => made.events.filter(({ type }) => type === 'replica.state').length >= 4);
  await servers[1]?.stop();
  await call(made, 'write', 'one').catch(() => {});
  await call(made, 'write', 'two').catch(() => {});
  await waitFor(() => made.events.some((event) => event.type === 'replica.state' && event.to === 'backoff'));
  expect(made.events).toContainEqual(
    expect.objectContaining({ type: 'replica.state', upstream: 'u', replica: 2, to: 'backoff' }),
  );
  const names = made.events.flatMap((event) => ('upstream' in event ? (event.upstream ?? []) : []));
  expect([...new Set(names)]).toEqual(['u']);
});

it('is as good as its best replica, and fails clearly when all are gone (10.2)', async () => {
  const { made, servers } = await replicated(['healthy', 'healthy'], { timeouts: { ready: '200ms' } });
  await Promise.all(servers.map((server) => server.stop()));
  // A connection that was kept may still take the first one; that it is gone is known after it.
  await call(made, 'write', 'first').catch(() => undefined);
  const fault = await call(made, 'write', 'nobody').catch((error: unknown) => error as GatewayFault);
  expect(fault).toMatchObject({ upstream: 'u', delivery: 'not-sent' });
  await waitFor(() => made.upstream.state.state === 'backoff');
  expect(made.upstream.lists.tools).toHaveLength(3);
});
