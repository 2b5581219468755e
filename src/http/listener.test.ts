import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { waitFor } from '../../test/support/wait.ts';
import { EventStream } from '../core/events.ts';
import { readBody } from './body.ts';
import { CallerKeys } from './keys.ts';
import { Listener, type Route } from './listener.ts';

function listenerOf(routes: ReadonlyMap<string, Route>): Listener {
  return new Listener({
    host: '127.0.0.1',
    port: 0,
    tries: 0,
    allowedHosts: [],
    allowedOrigins: [],
    keys: new CallerKeys([]),
    route: (path) => routes.get(path),
    events: new EventStream(),
  });
}

it('who is quicker than the last route waits for it, and is not told that nothing is served (12.1)', async () => {
  const routes = new Map<string, Route>();
  const listener = listenerOf(routes);
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

it('what was said in the turn in which the listener closes still leaves (F-R13)', async () => {
  const said: ServerResponse[] = [];
  const route: Route = { access: 'open', handle: ({ response }) => void said.push(response) };
  const listener = listenerOf(new Map([['/', route]]));
  await listener.listen();
  const answers = ['one', 'two'].map(async () => (await fetch(listener.url)).text());
  while (said.length < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const response of said) response.end(Buffer.from('the last word'));
  await listener.close();
  expect(await Promise.all(answers)).toEqual(['the last word', 'the last word']);
});

it("a client that is gone when its answer would leave is nobody's affair (F-C7)", async () => {
  const done: string[] = [];
  const gone: Route = {
    access: 'open',
    handle: ({ request, response }) => {
      response.on('close', () => done.push('closed'));
      response.end(Buffer.from('too late'));
      request.socket.destroy();
    },
  };
  const here: Route = { access: 'open', handle: ({ response }) => void response.end('here') };
  const open: ServerResponse[] = [];
  const stays: Route = { access: 'open', handle: ({ response }) => void open.push(response) };
  const listener = listenerOf(
    new Map([
      ['/gone', gone],
      ['/here', here],
      ['/stays', stays],
    ]),
  );
  await listener.listen();
  try {
    // An answer waits for the end of the turn only where there are others that could leave with it.
    const other = fetch(`${listener.url}/stays`);
    while (open.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await expect(fetch(`${listener.url}/gone`)).rejects.toThrow();
    expect(await (await fetch(`${listener.url}/here`)).text()).toBe('here');
    expect(done).toEqual(['closed']);
    for (const response of open) response.end('over');
    expect(await (await other).text()).toBe('over');
  } finally {
    await listener.close();
  }
});

it('a request that breaks off ends the wait for its body, and nothing else (F-C7)', async () => {
  const begun: string[] = [];
  const ended: string[] = [];
  const route = (handle: Route['handle']): Route => ({
    access: 'open',
    handle: (exchange) => {
      begun.push(exchange.path);
      return handle(exchange);
    },
  });
  const reads = route(async ({ request }) => {
    await readBody(request, 1_000).catch((error: unknown) => ended.push(String(error)));
  });
  const waits = route(({ response }) => void response.on('close', () => ended.push('left')));
  const listener = listenerOf(new Map(Object.entries({ '/reads': reads, '/waits': waits })));
  await listener.listen();
  try {
    for (const path of ['/reads', '/waits']) {
      const socket = connect(listener.port, '127.0.0.1');
      socket.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\n{"a`);
      await waitFor(() => begun.includes(path));
      socket.resetAndDestroy();
    }
    await waitFor(() => ended.length === 2);
    expect(ended.sort()).toEqual(['Error: the client went away', 'left']);
    expect((await fetch(`${listener.url}/other`)).status).toBe(404);
  } finally {
    await listener.close();
  }
});

const NETSTAT = '/proc/net/netstat';

/** Connections that the kernel dropped because a program was too slow to accept them, since it started. */
function overflows(): number {
  const [names = [], values = []] = readFileSync(NETSTAT, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('ListenOverflows')]);
}

/** What the kernel lets a listener ask for; 0 where there is no telling. */
const MOST = existsSync(NETSTAT) ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) : 0;

it.skipIf(MOST < 1_000)('F-C15 a thousand callers at one moment: none is dropped by the kernel', async () => {
  const listener = listenerOf(new Map());
  await listener.listen();
  const before = overflows();
  // All of them before the listener gets to accept a single one: this is one turn of the loop that both are on.
  const sockets = Array.from({ length: 1_000 }, () => connect(listener.port, '127.0.0.1'));
  try {
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    expect(overflows() - before).toBeLessThan(300); // other programs may have their own
  } finally {
    for (const socket of sockets) socket.destroy();
    await listener.close();
  }
});
