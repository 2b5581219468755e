import { request } from 'node:http';
import { heapMiB, inspectArgs } from '../harness/inspect.mjs';
import { rssMiB } from '../harness/processes.mjs';
import { atMost, measure, number } from '../harness/report.mjs';
import { Session } from '../harness/session.mjs';

export const row = 15;
export const title = '1,000 open notification streams';

function openStream(url, sessionId) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' },
      agent: false,
    });
    outgoing.on('response', (incoming) => {
      if (incoming.statusCode !== 200) return reject(new Error(`GET: ${incoming.statusCode}`));
      incoming.resume().on('error', () => {});
      resolve(outgoing);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

export async function run(bench) {
  if (bench.standIn !== undefined) return { skipped: 'the stand-in has no streams' };
  const upstream = await bench.startUpstream();
  const upstreams = { bench: { url: upstream.url, transport: 'streamable-http' } };
  const gateway = await bench.startGateway(upstreams, { nodeArgs: inspectArgs });
  await bench.ready(gateway);
  const sessions = [];
  for (let index = 0; index < 1_000; index++) {
    const session = await new Session(gateway.url).open();
    sessions.push(session.sessionId);
    session.close();
  }
  // What the streams hold, not the garbage of opening sessions and streams: on both sides after a collection.
  await heapMiB(gateway.program);
  const before = rssMiB(gateway.pid);
  const streams = [];
  for (const session of sessions) streams.push(await openStream(gateway.url, session));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const uncollected = rssMiB(gateway.pid);
  await heapMiB(gateway.program);
  const after = rssMiB(gateway.pid);
  for (const stream of streams) stream.destroy();
  const behind = `${number(before)} → ${number(after)} MiB, before the collection ${number(uncollected)} MiB`;
  return [measure('RSS over the sessions after a collection, MiB', after - before, atMost(8), behind)];
}
