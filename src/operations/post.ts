// One HTTP POST to an address that the configuration names: no redirects, no pool, a bound on everything. Alerts and
// spans are rare; a client library would cost more to load than they do.
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';

export interface PostOptions {
  url: string;
  headers?: Readonly<Record<string, string>> | undefined;
  body: string;
  /** Milliseconds for the whole exchange. */
  timeout: number;
  signal?: AbortSignal | undefined;
}

/** The receiver answered, but not with success. */
export class PostRefused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`the receiver answered ${status}`);
    this.status = status;
  }
}

/** Largest answer that is read; the rest is not waited for. */
const MOST_ANSWER = 64 * 1024;

/** Resolves with the body of a 2xx answer. @throws PostRefused, or the system's error */
export function post({ url, headers, body, timeout, signal }: PostOptions): Promise<string> {
  const target = new URL(url);
  const send = target.protocol === 'https:' ? secure : plain;
  const limit = AbortSignal.timeout(timeout);
  return new Promise((resolve, reject) => {
    const outgoing = send(target, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (piece: string) => {
        text += piece;
        if (text.length > MOST_ANSWER) incoming.destroy();
      });
      incoming.on('error', reject);
      incoming.on('close', () => {
        const status = incoming.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(text);
        else reject(new PostRefused(status));
      });
    });
    outgoing.end(body);
  });
}
