// A healthy server whose faulty calls take `ms` (500): busy, not broken. F-I16, F-C15.
import { serve, sleep } from './scaffold.mjs';

serve({
  async call({ server, execute }) {
    execute();
    await sleep(server.options.set.ms ?? 500);
  },
});
