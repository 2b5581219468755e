// A server over stdio that opens one more TCP connection with every faulty call, to `port`, and closes none.
import { connect } from 'node:net';
import { serve } from '../../servers/faulty/scaffold.mjs';

const open = [];
serve({
  call: ({ server }) =>
    new Promise((resolve) => {
      const socket = connect(server.options.set.port, '127.0.0.1', () => resolve(undefined));
      socket.on('error', () => undefined);
      open.push(socket);
    }),
});
