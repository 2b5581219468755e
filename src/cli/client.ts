// Talks to a running gateway for the other commands, as any modern MCP client would.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type JsonObject } from '../core/json.ts';
import type { ConfigProblem } from '../core/ports.ts';
import type { RpcError } from '../core/rpc.ts';
import { findGateway } from '../store/data-dir.ts';
import { VERSION } from '../version.ts';
import { encodeHeaderValue } from '../wire/headers.ts';
import { META, MODERN } from '../wire/revisions.ts';
import { SseReader } from '../wire/sse.ts';
import { EXIT } from './exit.ts';
import { placeOf } from './place.ts';
import { Refused } from './refused.ts';
import { said, t } from './words.ts';

export interface RemoteOptions {
  config?: string | undefined;
  dataDir?: string | undefined;
  url?: string | undefined;
  apiKey?: string | undefined;
  json?: boolean | undefined;
}

export interface Remote {
  url: string;
  /** `Authorization` and nothing else; empty without a key. */
  headers: Record<string, string>;
}

/** The running gateway a command means. @throws Refused (exit code 5) where there is none */
export function findRemote(options: RemoteOptions): Remote {
  const { env } = process;
  const { dataDir } = placeOf(options);
  const url = options.url ?? findGateway(dataDir)?.url;
  if (url === undefined)
    throw new Refused(
      t`no gateway is running on ${dataDir}; start one with holdfast start, or name it with --url`,
      EXIT.noGateway,
    );
  if (!/^https?:\/\/./i.test(url) || !URL.canParse(url))
    throw new Refused(t`--url wants the address of a gateway, http://127.0.0.1:8000 say, not ${JSON.stringify(url)}`);
  const key = options.apiKey ?? env.HOLDFAST_API_KEY ?? (options.url === undefined ? adminToken(dataDir) : undefined);
  return { url: url.replace(/\/+$/, ''), headers: key === undefined ? {} : { authorization: `Bearer ${key}` } };
}

/** The token of whoever may read the data directory (12.3). */
export function adminToken(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'admin-token'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** GETs a JSON document. @throws Refused */
export async function getJson(remote: Remote, path: string): Promise<JsonObject> {
  const response = await reach(remote, path, { headers: remote.headers });
  if (!response.ok) throw new Refused(t`${path}: ${response.status} ${await response.text()}`, EXIT.failure);
  return (await response.json()) as JsonObject;
}

/** One request to the management API; gives what it answered. @throws Refused with its reason */
export async function callApi(remote: Remote, method: string, path: string, body?: JsonObject): Promise<JsonObject> {
  const response = await reach(remote, `/api/v1${path}`, {
    method,
    headers: { ...remote.headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = text;
  }
  if (response.ok && isObject(answer)) return answer;
  throw new Refused(t`${response.status}: ${reasonOf(isObject(answer) ? answer.detail : text)}`, EXIT.failure);
}

/** One line; the path as a person would write it. */
export function toldProblem({ path, message, hint }: ConfigProblem): string {
  return `${path === '' ? '' : `${path}: `}${said(message)}${hint === undefined ? '' : ` (${said(hint)})`}`;
}

/** `{"detail": …}` in words: a text, a message with problems or near names, or findings about the body. */
function reasonOf(detail: unknown): string {
  if (Array.isArray(detail)) return detail.map((one) => String(isObject(one) ? one.msg : one)).join('; ');
  if (!isObject(detail)) return said(String(detail));
  const problems = Array.isArray(detail.problems) ? (detail.problems as ConfigProblem[]) : [];
  const near = Array.isArray(detail.near) ? (detail.near as unknown[]).map((name) => JSON.stringify(name)) : [];
  const hint = near.length > 0 ? t`; did you mean ${near.join(t` or `)}?` : '';
  const lines = problems.map((problem) => `  ${toldProblem(problem)}`);
  return [
    `${said(String(detail.message))}${hint}`,
    ...(typeof detail.hint === 'string' ? [said(detail.hint)] : []),
    ...lines,
  ].join('\n');
}

/**
 * Follows what happens (`/api/v1/events`) until the stream or the signal ends; `happened` is told the type of each event.
 * @throws Refused when nobody answers, or the stream breaks off
 */
export async function followEvents(
  remote: Remote,
  signal: AbortSignal,
  happened: (type: string) => void,
): Promise<void> {
  try {
    const response = await reach(remote, '/api/v1/events', { headers: remote.headers, signal });
    if (!response.ok || response.body === null)
      throw new Refused(t`${response.status}: ${await response.text()}`, EXIT.failure);
    const reader = new SseReader(LARGEST_EVENT, ({ event }) => happened(event ?? 'message'));
    for await (const piece of response.body) reader.push(Buffer.from(piece));
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Refused) throw error;
    throw new Refused(t`the gateway at ${remote.url} is gone`, EXIT.noGateway);
  }
}

/** Bytes. */
const LARGEST_EVENT = 16 * 1024 * 1024;

export type RpcAnswer = { result: JsonObject } | { error: RpcError };

/** Sends one modern MCP request to a view. @throws Refused (exit code 5) when nobody answers */
export async function request(
  remote: Remote,
  view: string,
  method: string,
  params: JsonObject,
  timeout = 120_000,
): Promise<RpcAnswer> {
  const name = method === 'tools/call' ? params.name : undefined;
  const response = await reach(remote, `/mcp/${encodeURIComponent(view)}`, {
    method: 'POST',
    headers: {
      ...remote.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': encodeHeaderValue(name) }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          [META.protocolVersion]: MODERN,
          [META.clientInfo]: { name: 'holdfast-cli', version: VERSION },
          [META.clientCapabilities]: {},
        },
      },
    }),
    signal: AbortSignal.timeout(timeout),
  });
  const text = await response.text();
  if (response.headers.get('content-type')?.includes('text/event-stream')) return lastMessage(text);
  const body: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
  if (isObject(body) && ('result' in body || 'error' in body)) return body as RpcAnswer;
  const detail = isObject(body) ? body.detail : text;
  throw new Refused(
    t`${response.status}: ${String(detail)}`,
    response.status === 401 || response.status === 403 ? EXIT.failure : EXIT.fault,
  );
}

function lastMessage(stream: string): RpcAnswer {
  const events = stream.split(/\r?\n\r?\n/).map((event) =>
    event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data: '))
      .map((line) => line.slice(6))
      .join('\n'),
  );
  const message = events.filter((data) => data !== '').map((data) => JSON.parse(data) as JsonObject);
  const answer = message.find((one) => one.id === 1);
  if (answer === undefined) throw new Refused(t`the stream ended without an answer`, EXIT.fault);
  return answer as RpcAnswer;
}

async function reach(remote: Remote, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(remote.url + path, init);
  } catch (error) {
    const timeout = (error as Error).name === 'TimeoutError';
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? (error as Error).message;
    throw new Refused(
      timeout ? t`no answer in time` : t`no gateway answers at ${remote.url} (${cause})`,
      timeout ? EXIT.fault : EXIT.noGateway,
    );
  }
}
