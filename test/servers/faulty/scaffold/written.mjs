import { once } from 'node:events';

/** Writes to a stream at the pace of its reader; throws when there is none any more. */
export async function written(stream, bytes) {
  if (stream.destroyed || stream.writableEnded) throw new Error('nobody reads');
  const gone = once(stream, 'close').then(() => {
    throw new Error('nobody reads');
  });
  gone.catch(() => {});
  if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), gone]);
  await new Promise(setImmediate);
}

/** Keeps messages whole on a channel that all share: nothing is written in the middle of what is written in pieces. */
export function turns() {
  let last;
  const follow = (run) => {
    const tail = (last ?? Promise.resolve()).then(run);
    last = tail.then(
      () => {},
      () => {},
    );
    const mine = last;
    void mine.then(() => {
      if (last === mine) last = undefined;
    });
    return tail;
  };
  return { now: (write) => (last === undefined ? write() : void follow(write)), long: follow };
}
