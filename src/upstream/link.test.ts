// A transport that breaks its own rules is the failure of the call that met it, and of nothing else.
import { expect, it } from 'vitest';
import { upstreamUnderTest } from '../../test/support/upstream-under-test.ts';
import { readMessage } from '../wire/envelope.ts';
import type { Transport, TransportSink } from './transport.ts';

/** Answers the handshake and every call but `breaks`, for which its `request` throws. */
function throwing(): Transport {
  let sink: TransportSink | undefined;
  const answer = (id: number, result: object | undefined): void => {
    const error = { code: -32601, message: 'not spoken here' };
    const text = JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) });
    queueMicrotask(() => sink?.message(readMessage(Buffer.from(text)), id));
  };
  return {
    kind: 'throwing',
    correlates: true,
    lastByteAt: 0,
    open: async (given) => {
      sink = given;
    },
    request({ id, method, subject }) {
      if (subject === 'breaks') throw new TypeError('a mistake in a transport');
      if (method === 'initialize') {
        const serverInfo = { name: 's', version: '1' };
        answer(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
      } else if (method === 'tools/list') answer(id, { tools: [{ name: 'works', inputSchema: { type: 'object' } }] });
      else if (method === 'tools/call') answer(id, { content: [{ type: 'text', text: 'done' }] });
      else answer(id, undefined);
    },
    post: async () => undefined,
    abandon: () => undefined,
    negotiated: () => undefined,
    close: async () => undefined,
  };
}

it('a transport whose request throws fails that call; nothing is left pending and nobody else pays (F-G9)', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const made = upstreamUnderTest({ transport: 'throwing', url: 'http://127.0.0.1:1/' }, { transports: { throwing } });
  try {
    made.upstream.start();
    await made.reached('ready');
    await expect(made.tool('breaks')).rejects.toMatchObject({ fault: 'INTERNAL', delivery: 'maybe-sent' });
    expect(made.upstream.facts().inFlight).toBe(0);
    expect(await made.text('works')).toBe('done');
  } finally {
    await made.stop();
    // Rejections are told when the queue of microtasks is empty.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
  }
  expect(unhandled).toEqual([]);
});
