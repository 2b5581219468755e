// What the cloud and the relay really send, and what they must get back (4.3; ).
import { afterEach, describe, expect, it } from 'vitest';
import type { XiaozhiFace } from '../../src/faces/xiaozhi/endpoint-manager.ts';
import { type CloudConnection, CloudSimulator, type Message } from './simulators/cloud.ts';
import { RelaySimulator } from './simulators/relay.ts';
import { isState, rig } from './support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const keep = <T extends { stop(): Promise<void> }>(simulator: T): T => {
  ends.push(() => simulator.stop());
  return simulator;
};
const keepFace = (face: XiaozhiFace) => ends.push(() => face.close(0));

async function connected(more: Parameters<typeof rig>[1] = {}) {
  const cloud = keep(await CloudSimulator.start({ deadline: 2_000 }));
  const opened = cloud.next();
  const made = rig(cloud.url(), more);
  keepFace(made.face);
  const connection = await opened;
  await connection.message((message) => Array.isArray((message.result as Message | undefined)?.tools));
  return { ...made, cloud, connection };
}

const roundTrip = (connection: CloudConnection) => connection.request('ping');

describe('the wire of a Xiaozhi endpoint', () => {
  it('answers initialize with id 0 in the shape of D-24, from memory within 100 ms (D-21, D-23, X-64)', async () => {
    const { connection } = await connected();
    expect(connection.received[0]).toEqual({
      jsonrpc: '2.0',
      id: 0,
      result: {
        protocolVersion: '2024-11-05',
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: { name: 'holdfast', version: '0' },
      },
    });
    expect(connection.initialiseTime).toBeLessThan(5_000);
    expect(connection.frames.every(({ binary }) => !binary)).toBe(true);
    await expect.poll(() => connection.lists).toEqual([['hello', 'get_result']]);
  });

  it('answers initialize and lists nothing where there are no tools and no view (X-64)', async () => {
    const cloud = keep(await CloudSimulator.start({ deadline: 1_000 }));
    const opened = cloud.next();
    const { face } = rig([{ url: cloud.url(), view: 'other' }]);
    keepFace(face);
    const connection = await opened;
    const listed = await connection.message((message) => message.id === 1);
    expect(listed).toMatchObject({ result: { tools: [] } });
    expect(connection.initialiseTime).toBeLessThan(5_000);
  });

  it('echoes ids as they came: 0, numbers, texts, and their types (D-23)', async () => {
    const { connection } = await connected();
    for (const id of [0, 7, '7', 'b0a2_n_0', 'b0a2_s_x', '']) {
      expect(await connection.request('ping', {}, id)).toEqual({ jsonrpc: '2.0', id, result: {} });
    }
  });

  it('takes serialNumber null and leaves it out of nothing (D-21)', async () => {
    const { connection, view } = await connected();
    expect(await connection.text('hello')).toBe('hello says hello');
    expect(view.called).toEqual(['hello']);
  });

  it('never answers notifications, known or not (X-63)', async () => {
    const { connection } = await connected();
    const before = connection.received.length;
    connection.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    connection.send({ jsonrpc: '2.0', method: 'notifications/whatever', params: {} });
    connection.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 99 } });
    await roundTrip(connection);
    expect(connection.received.length).toBe(before + 1);
  });

  it('answers a notification that grew an id with an empty result, and takes it as one (D-24)', async () => {
    const relay = keep(await RelaySimulator.start({ notificationIds: true }));
    const opened = relay.next();
    const { face, view } = rig(relay.url());
    keepFace(face);
    await opened;
    expect(await relay.handshake()).toMatchObject({ id: 0, result: { protocolVersion: '2024-11-05' } });
    const answer = relay.received.find((message) => String(message.id).endsWith('_s_null'));
    expect(answer ?? (await relay.arrives((message) => String(message.id).endsWith('_s_null')))).toMatchObject({
      result: {},
    });
    const told = relay.arrives((message) => message.method === 'notifications/tools/list_changed');
    view.tool('another');
    await told;
  });

  it('refuses unknown methods, batches and junk as JSON-RPC says (X-63)', async () => {
    const { connection } = await connected();
    expect(await connection.request('no/such')).toMatchObject({ error: { code: -32601 } });
    expect(await connection.request('resources/list')).toMatchObject({ error: { code: -32601 } });
    expect(await connection.request('resources/subscribe', { uri: 'x:y' })).toMatchObject({ error: { code: -32601 } });
    expect(await connection.request('prompts/get', { name: 'x' })).toMatchObject({ error: { code: -32601 } });
    expect(await connection.request('tools/call', {})).toMatchObject({ error: { code: -32602 } });
    expect(await connection.call('nowhere')).toMatchObject({
      error: { code: -32602, data: { fault: 'TOOL_UNKNOWN' } },
    });
    const code = async (frame: string) => {
      const answer = connection.next((message) => 'error' in message);
      connection.send(frame);
      return ((await answer).error as Message).code;
    };
    expect(await code('{"jsonrpc":"2.0","id":')).toBe(-32700);
    expect(await code('"hello"')).toBe(-32600);
    expect(await code('[]')).toBe(-32600);
    // A batch is answered where the revision has batches.
    const member = connection.next((message) => message.id === 'in a batch');
    connection.send('[{"jsonrpc":"2.0","id":"in a batch","method":"ping"}]');
    expect(await member).toMatchObject({ result: {} });
    expect(await code('{"jsonrpc":"1.0","id":1,"method":"ping"}')).toBe(-32600);
    expect(await code('{"jsonrpc":"2.0","id":null,"method":"notifications/x"')).toBe(-32700);
    await roundTrip(connection);
  });

  it('reads binary frames that hold JSON, drops and counts all others', async () => {
    const { connection, face } = await connected();
    const answer = connection.next((message) => message.id === 'binary');
    connection.socket.send(Buffer.from('{"jsonrpc":"2.0","id":"binary","method":"ping"}'), { binary: true });
    expect(await answer).toMatchObject({ result: {} });
    const before = connection.received.length;
    connection.socket.send(Buffer.from([0xff, 0xfe, 0x00]), { binary: true });
    connection.socket.send(Buffer.from('opus…'), { binary: true });
    await roundTrip(connection);
    expect(connection.received.length).toBe(before + 1);
    expect(face.status()[0]?.frames.dropped).toBe(2);
  });

  it('answers 50 parallel calls once each, in order of completion, reused ids too (F-X12)', async () => {
    const { connection, view } = await connected();
    const release: (() => void)[] = [];
    view.tool('wait', async ({ n }) => {
      await new Promise<void>((resolve) => {
        release[Number(n)] = resolve;
      });
      return String(n);
    });
    const first = connection.received.length;
    for (let n = 0; n < 50; n++)
      connection.send({
        jsonrpc: '2.0',
        id: n < 48 ? `c${n}` : 'same',
        method: 'tools/call',
        params: { name: 'wait', arguments: { n } },
      });
    await roundTrip(connection);
    const order = [...Array(50).keys()].map((n) => (n * 7) % 50);
    for (const n of order) {
      release[n]?.();
      await new Promise(setImmediate);
    }
    await roundTrip(connection);
    const answers = connection.received
      .slice(first)
      .filter(({ result }) => (result as Message | undefined)?.content !== undefined);
    const texts = answers.map(({ result }) => (result as { content: { text: string }[] }).content[0]?.text);
    expect(texts).toEqual(order.map(String));
    expect(answers.filter(({ id }) => id === 'same')).toHaveLength(2);
  });

  it('shows a peer that never introduces itself as connected, not as healthy (F-X5)', async () => {
    const cloud = keep(await CloudSimulator.start({ initialise: false }));
    const opened = cloud.next();
    const { face, event } = rig(cloud.url());
    keepFace(face);
    await opened;
    await Promise.race([event(isState('connected')), new Promise(setImmediate)]);
    await expect.poll(() => face.status()[0]?.state).toBe('connected');
    const [status] = face.status();
    expect(status).toMatchObject({ state: 'connected', connected: true, initialised: false, healthy: false });
    expect(status?.remarks.join()).toContain('not initialised');
    expect(face.isAnyConnected()).toBe(true);
    expect(face.healthy()).toEqual([]);
    const [connection] = cloud.connections;
    expect(await connection?.request('ping', {}, 'before')).toMatchObject({ result: {} });
    expect(await connection?.request('tools/list', {}, 'early')).toMatchObject({ error: { code: -32600 } });
    await connection?.handshake();
    expect(face.healthy()).toEqual([status?.name]);
  });

  it('cancels a call whose client says so', async () => {
    const { connection, view } = await connected();
    let aborted = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const started = new Promise<void>((resolve) => {
      view.tool('slow', (_, context) => {
        context.signal.addEventListener('abort', aborted);
        expect(context.ask).toBeUndefined();
        resolve();
        return new Promise<string>(() => undefined);
      });
    });
    void connection.call('slow', {}, 'x1');
    await started;
    connection.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x1' } });
    await gone;
  });
});
