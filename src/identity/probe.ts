// Asks an upstream once without credentials, for what it says when it refuses: only where no refusal is known yet.
import { part } from '../core/part.ts';
import { type Challenge, readChallenge } from './challenge.ts';
import type { ProtectedUpstream } from './settings.ts';

const readHttpClient = part('HTTP client', () => import('../wire/http-client.ts'));
const LONGEST = 5_000;
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const HEADERS = ['accept', 'application/json, text/event-stream', 'content-type', 'application/json'];

/** Undefined where it does not refuse, or not with a challenge that is understood. Never rejects. */
export async function probeChallenge({ name, url, ca }: ProtectedUpstream): Promise<Challenge | undefined> {
  const target = new URL(url);
  const tls = ca === undefined ? undefined : { ca };
  try {
    const { HttpClient } = await readHttpClient();
    const client = await HttpClient.open({ upstream: name, url: target, tls, dialTimeout: LONGEST });
    try {
      return await new Promise((resolve) => {
        const timer = setTimeout(() => resolve(undefined), LONGEST);
        const done = (challenge: Challenge | undefined) => {
          clearTimeout(timer);
          resolve(challenge);
        };
        client.send(
          { method: 'POST', path: target.pathname + target.search, headers: HEADERS, body: PING },
          {
            head: (status, headers) =>
              done(status === 401 ? readChallenge(headers.get('www-authenticate')) : undefined),
            data: () => undefined,
            end: () => undefined,
            failed: () => done(undefined),
          },
        );
      });
    } finally {
      await client.close();
    }
  } catch {
    return undefined;
  }
}
