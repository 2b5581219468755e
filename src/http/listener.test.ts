import { expect, it } from 'vitest';
import { EventStream } from '../core/events.ts';
import { CallerKeys } from './keys.ts';
import { Listener, type Route } from './listener.ts';

it('who is quicker than the last route waits for it, and is not told that nothing is served (12.1)', async () => {
  const routes = new Map<string, Route>();
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    tries: 0,
    allowedHosts: [],
    allowedOrigins: [],
    keys: new CallerKeys([]),
    route: (path) => routes.get(path),
    events: new EventStream(),
  });
  await listener.listen({ hold: true });
  try {
    const early = fetch(`${listener.url}/api/v1/upstreams`);
    // It has been taken before the route is there.
    while (listener.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    routes.set('/api/v1/upstreams', { access: 'open', handle: ({ response }) => void response.end('here') });
    listener.open();
    expect(await (await early).text()).toBe('here');
    expect((await fetch(`${listener.url}/other`)).status).toBe(404);
  } finally {
    await listener.close();
  }
});
