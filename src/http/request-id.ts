// The id of one request over REST, the same in its answer, in logs and in faults (requirements 12.4).
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The caller's own id where it is a plain one, else a new one; it is the correlation id of the call. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:=+/-]{1,128}$/.test(given) ? given : randomUUID();
}
