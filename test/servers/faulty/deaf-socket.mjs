// F-X4: the WebSocket stays open and nothing on it is answered any more from the first faulty call on, pings neither (ws).
import { serve } from './scaffold.mjs';

let deaf = false;
serve({
  socket: (socket) => {
    socket.pong = () => {};
  },
  message({ params }, port) {
    deaf ||= params?.arguments?.fault === true;
    if (deaf) port.socket.pause();
    return deaf;
  },
});
