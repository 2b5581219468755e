// A line to a server that can be cut without a word, as a network between two machines is.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A TCP proxy in front of a port of this machine. While it is cut nothing passes and nobody is told; what was sent
 * meanwhile arrives when it heals, as TCP does it.
 */
export async function lineTo(port) {
  let isCut = false;
  const ends = new Set();
  const line = {
    port: 0,
    /** When each connection was made. */
    made: [],
    cut() {
      isCut = true;
      for (const end of ends) end.pause();
    },
    heal() {
      isCut = false;
      for (const end of ends) end.resume();
    },
    close() {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
  const own = (end, other) => {
    ends.add(end);
    end.setNoDelay(true);
    end.on('data', (bytes) => other.write(bytes));
    end.on('end', () => other.end());
    end.on('error', () => other.destroy());
    end.on('close', () => ends.delete(end));
    if (isCut) end.pause();
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    line.made.push(performance.now());
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    own(near, far);
    own(far, near);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  line.port = server.address().port;
  return line;
}
