import { request } from 'node:http';
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
  const gateway = await bench.startGateway({ bench: { url: upstream.url, transport: 'streamable-http' } });
  await bench.ready(gateway);
  const sessions = [];
  for (let index = 0; index < 1_000; index++) {
    const session = await new Session(gateway.url).open();
    sessions.push(session.sessionId);
    session.close();
  }
  const before = rssMiB(gateway.pid);
  const streams = [];
  for (const session of sessions) streams.push(await openStream(gateway.url, session));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const after = rssMiB(gateway.pid);
  for (const stream of streams) stream.destroy();
  return [measure('RSS over the sessions, MiB', after - before, atMost(8), `${number(before)} → ${number(after)} MiB`)];
}
