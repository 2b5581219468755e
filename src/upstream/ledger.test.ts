// Figure 1 of reliability §6 in small: whatever is killed or broken, nothing that is not repeatable runs twice, and
// nobody is told a lie about it. A ledger in the server counts.
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PlainHttp, reply } from '../../test/servers/plain/http.ts';
import { removeDir } from '../../test/support/temp-dir.ts';
import { callContext, plain, type UnderTest, upstreamUnderTest } from '../../test/support/upstream-under-test.ts';
import { asFault, type Delivery } from '../core/fault.ts';

const CALLS = 300;

/** Calls `touch` with keys of its own while `disturb` is at work; gives what each call was told. */
async function callAll(made: UnderTest, name: string, disturb: () => void): Promise<Map<string, Delivery | 'done'>> {
  const told = new Map<string, Delivery | 'done'>();
  const timer = setInterval(disturb, 40);
  try {
    const one = async (key: string): Promise<void> => {
      const params = { name, arguments: { key } };
      try {
        const call = { method: 'tools/call', params, subject: name, safety: 'write' as const, timeout: 5_000 };
        await made.upstream.call(call, callContext());
        told.set(key, 'done');
      } catch (thrown) {
        told.set(key, asFault(thrown).delivery);
      }
    };
    const worker = async (first: number): Promise<void> => {
      for (let n = first; n < CALLS; n += 6) {
        await one(`k${n}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(worker));
  } finally {
    clearInterval(timer);
  }
  return told;
}

function verify(told: Map<string, Delivery | 'done'>, runs: Map<string, number>): void {
  expect(told.size).toBe(CALLS);
  for (const [key, what] of told) {
    const times = runs.get(key) ?? 0;
    expect(times, `${key} was told ${what}`).toBeLessThanOrEqual(1);
    if (what === 'done') expect(times).toBe(1);
    if (what === 'not-sent' || what === 'rejected-unprocessed') expect(times).toBe(0);
  }
  const kinds = new Set(told.values());
  expect(kinds.has('done')).toBe(true);
}

test('figure 1: a stdio server that is killed again and again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  const record = join(folder, 'record');
  const made = plain([`--record=${record}`]);
  await made.reached('ready');
  const told = await callAll(made, 'touch', () => {
    const { pid } = made.upstream.facts();
    if (pid !== undefined && Math.random() < 0.3) process.kill(pid, 'SIGKILL');
  });
  const runs = new Map<string, number>();
  for (const line of readFileSync(record, 'utf8').trim().split('\n')) {
    const { touched } = JSON.parse(line) as { touched?: string };
    if (touched !== undefined) runs.set(touched, (runs.get(touched) ?? 0) + 1);
  }
  verify(told, runs);
  await made.stop();
  await removeDir(folder);
});

test('figure 1: an HTTP server that answers 502 before or after it ran, forgets sessions and drops connections', async () => {
  const server = new PlainHttp();
  await server.start();
  const runs = new Map<string, number>();
  let mood = 0;
  server.intercept = (_, response) => {
    if (mood !== 1) return false;
    reply(response, 502, 'bad gateway');
    return true;
  };
  server.afterwards = (got, response) => {
    const key = (got.message.params?.arguments as { key?: string } | undefined)?.key ?? '';
    runs.set(key, (runs.get(key) ?? 0) + 1);
    if (mood === 2) reply(response, 502, 'bad gateway');
    else if (mood === 3) response.destroy();
    else return false;
    return true;
  };
  const made = upstreamUnderTest({ url: server.url, transport: 'streamable-http' });
  made.upstream.start();
  await made.reached('ready');
  const told = await callAll(made, 'write', () => {
    mood = Math.random() < 0.7 ? 0 : 1 + Math.floor(Math.random() * 3);
    if (Math.random() < 0.2) server.forgetSessions();
  });
  verify(told, runs);
  await made.stop();
  await server.stop();
});
