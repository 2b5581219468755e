// What only the process itself knows, asked through Node's inspector: heap in use after a forced collection.
import { WebSocket } from 'ws';

/** Node arguments that let `heapMiB` ask; a free port is taken and told on stderr. */
export const inspectArgs = ['--inspect=127.0.0.1:0'];

/** An inspector session with a program that was started with `inspectArgs`. */
export async function inspect(program) {
  const url = /ws:\/\/\S+/.exec(program.stderr)?.[0];
  if (url === undefined) throw new Error('not started with the inspector');
  const socket = new WebSocket(url, { maxPayload: 2 ** 30 });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const waiting = new Map();
  let id = 0;
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString());
    const { resolve, reject } = waiting.get(message.id) ?? {};
    waiting.delete(message.id);
    if (message.error) reject?.(new Error(message.error.message));
    else resolve?.(message.result);
  });
  return {
    ask: (method, params = {}) =>
      new Promise((resolve, reject) => {
        waiting.set(++id, { resolve, reject });
        socket.send(JSON.stringify({ id, method, params }));
      }),
    close: () => socket.close(),
  };
}

/** Heap in use after a full collection, in MiB. */
export async function heapMiB(program) {
  const session = await inspect(program);
  try {
    await session.ask('HeapProfiler.collectGarbage');
    await session.ask('HeapProfiler.collectGarbage');
    return (await session.ask('Runtime.getHeapUsage')).usedSize / 2 ** 20;
  } finally {
    session.close();
  }
}
