// Reads a request's body within its limit, and answers with JSON.
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { requestId } from './request-id.ts';

export class BodyTooLarge extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`the body is larger than ${limit} bytes (limits.body)`);
    this.limit = limit;
  }
}

/** The whole body. @throws BodyTooLarge as soon as it is known to be, Error when the client goes away. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length']);
  if (declared > limit) return Promise.reject(new BodyTooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        chunks.length = 0;
        request.pause();
        reject(new BodyTooLarge(limit));
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    // Follows an error too, which Node gives only where somebody listens to it.
    request.on('close', () => request.readableEnded || reject(new Error('the client went away')));
  });
}

/** Answers with a JSON text; `close` ends the connection, for a request whose body was not read. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: Buffer | string,
  headers?: OutgoingHttpHeaders,
): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

/** The same for a text whose letters are its bytes (Latin-1); with it the head leaves in one write. */
export function sendJsonText(
  response: ServerResponse,
  status: number,
  text: string,
  headers?: OutgoingHttpHeaders,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length, ...headers });
  response.end(text, 'latin1');
}

/** The same for a text in parts, written as they are. */
export function sendJsonParts(
  response: ServerResponse,
  status: number,
  parts: readonly Buffer[],
  headers?: OutgoingHttpHeaders,
): void {
  if (response.headersSent || response.destroyed) return;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
  response.cork();
  for (const part of parts) response.write(part);
  response.end();
}

/** An error of the listener itself: `{"detail": text}`, always with `X-Request-Id` (requirements 12.4). */
export function sendDetail(
  response: ServerResponse,
  status: number,
  detail: string,
  headers?: OutgoingHttpHeaders,
): void {
  const id = response.hasHeader('x-request-id') ? {} : { 'x-request-id': requestId(response.req) };
  sendJson(response, status, JSON.stringify({ detail }), { ...id, ...headers });
}
