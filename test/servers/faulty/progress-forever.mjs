// F-I24: progress every `ms` (100) and never an answer, until it is cancelled.
import { serve } from './scaffold.mjs';

const running = new Map();
serve({
  call({ message, notify, port, server }) {
    const progressToken = message.params._meta?.progressToken;
    let progress = 0;
    const timer = setInterval(() => {
      if (progressToken !== undefined) notify('notifications/progress', { progressToken, progress: ++progress });
    }, server.options.set.ms ?? 100);
    running.set(message.id, timer);
    port.response?.on('close', () => clearInterval(timer));
    return null;
  },
  message({ method, params }) {
    if (method === 'notifications/cancelled') clearInterval(running.get(params?.requestId));
  },
});
