// What only the process itself knows, asked through Node's inspector: heap in use after a forced collection.
import { WebSocket } from 'ws';

/** Node arguments that let `heapMiB` ask; a free port is taken and told on stderr. */
export const inspectArgs = ['--inspect=127.0.0.1:0'];

/** Heap in use after a full collection, in MiB. */
export async function heapMiB(program) {
  const url = /ws:\/\/\S+/.exec(program.stderr)?.[0];
  if (url === undefined) throw new Error('not started with the inspector');
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let id = 0;
  const ask = (method, params = {}) =>
    new Promise((resolve, reject) => {
      const mine = ++id;
      const take = (data) => {
        const message = JSON.parse(data.toString());
        if (message.id !== mine) return;
        socket.off('message', take);
        if (message.error) reject(new Error(message.error.message));
        else resolve(message.result);
      };
      socket.on('message', take);
      socket.send(JSON.stringify({ id: mine, method, params }));
    });
  try {
    await ask('HeapProfiler.collectGarbage');
    await ask('HeapProfiler.collectGarbage');
    return (await ask('Runtime.getHeapUsage')).usedSize / 2 ** 20;
  } finally {
    socket.close();
  }
}
