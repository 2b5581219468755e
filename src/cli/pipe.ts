// A thin pipe between a client on stdio and the MCP endpoint of the gateway that is already running (requirements
// 10.25): every message is one POST, what the gateway sends unasked comes over the session's GET stream.
import type { Readable, Writable } from 'node:stream';
import { isObject, type JsonObject } from '../core/json.ts';
import { encodeHeaderValue } from '../wire/headers.ts';
import { META } from '../wire/revisions.ts';
import { SseReader } from '../wire/sse.ts';
import { LineSplitter } from '../wire/stdio-lines.ts';
import type { Remote } from './client.ts';

export interface PipeOptions {
  remote: Remote;
  /** Path of the endpoint, `/mcp` or `/mcp/{view}`. */
  path: string;
  input: Readable;
  output: Writable;
}

/** How long requests under way may go on after the client has closed its side, in milliseconds. */
const LAST_ANSWERS = 1_500;
const LONGEST_LINE = 64 * 1024 * 1024;

/** Resolves when the client has closed its side, and gives 0; 5 when the gateway is gone for good. */
export async function pipe({ remote, path, input, output }: PipeOptions): Promise<number> {
  const end = new AbortController();
  const requests = new Map<string, AbortController>();
  const under = new Set<Promise<void>>();
  let session: string | undefined;
  let revision: string | undefined;
  let exit = 0;
  /** The `initialize` under way: what comes behind it belongs to the session that it opens. */
  let opening: Promise<void> | undefined;
  const write = (text: string) => void output.write(`${text.replace(/\r?\n/g, ' ')}\n`);

  const headersFor = (message: JsonObject): Record<string, string> => {
    const params = isObject(message.params) ? message.params : {};
    const meta = isObject(params._meta) ? params._meta : {};
    const version = meta[META.protocolVersion];
    const base = {
      ...remote.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    if (typeof version === 'string') {
      const name = params.name ?? params.uri;
      const named =
        message.method === 'tools/call' || message.method === 'prompts/get' || message.method === 'resources/read';
      return {
        ...base,
        'mcp-protocol-version': version,
        'mcp-method': String(message.method),
        ...(named && typeof name === 'string' && { 'mcp-name': encodeHeaderValue(name) }),
      };
    }
    return {
      ...base,
      ...(session !== undefined && { 'mcp-session-id': session }),
      ...(revision !== undefined && revision >= '2025-06-18' && { 'mcp-protocol-version': revision }),
    };
  };

  const post = async (message: JsonObject, text: string): Promise<void> => {
    const { id } = message;
    // A notification and an answer get no answer; everything else does, also what is no JSON-RPC.
    const isRequest = !(
      'result' in message ||
      'error' in message ||
      (message.method !== undefined && id === undefined)
    );
    if (message.method !== 'initialize') await opening;
    const abort = new AbortController();
    const stop = () => abort.abort();
    end.signal.addEventListener('abort', stop);
    if (isRequest) requests.set(keyOf(id), abort);
    try {
      const response = await fetch(remote.url + path, {
        method: 'POST',
        headers: headersFor(message),
        body: text,
        signal: abort.signal,
      });
      if (message.method === 'initialize') session = response.headers.get('mcp-session-id') ?? session;
      const seen = (data: string) => {
        if (message.method === 'initialize') revision = revisionOf(data) ?? revision;
        write(data);
      };
      if (response.headers.get('content-type')?.includes('text/event-stream')) await readEvents(response, seen);
      else {
        const body = await response.text();
        if (isRequest) for (const data of answersIn(body, response.status, id)) seen(data);
      }
    } catch (error) {
      if (!abort.signal.aborted && isRequest) {
        exit = 5;
        const failure = { code: -31014, message: `the gateway at ${remote.url} does not answer (${causeOf(error)})` };
        write(JSON.stringify({ jsonrpc: '2.0', id, error: failure }));
      }
    } finally {
      end.signal.removeEventListener('abort', stop);
      requests.delete(keyOf(id));
    }
  };

  const listen = async (): Promise<void> => {
    while (!end.signal.aborted) {
      try {
        const headers = { ...headersFor({}), accept: 'text/event-stream' };
        const response = await fetch(remote.url + path, { headers, signal: end.signal });
        if (!response.ok) return;
        await readEvents(response, write);
      } catch {
        // the gateway restarts; the session outlives it
      }
      await pause(1000, end.signal);
    }
  };

  const take = (line: Buffer): void => {
    const text = line.toString('utf8');
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch (error) {
      write(
        JSON.stringify({
          jsonrpc: '2.0',
          id: null,
          error: { code: -32700, message: `Parse error: ${(error as Error).message}` },
        }),
      );
      return;
    }
    const single = isObject(message) ? message : {};
    if (single.method === 'notifications/cancelled' && session === undefined) {
      // A modern client on stdio cancels by notification; on HTTP, closing the stream is what cancels.
      const params = isObject(single.params) ? single.params : {};
      requests.get(keyOf(params.requestId))?.abort();
      return;
    }
    const posted = post(single, text);
    if (single.method === 'initialize') opening = posted;
    under.add(posted);
    void posted.then(() => {
      under.delete(posted);
      if (single.method === 'notifications/initialized') void listen();
    });
  };

  await new Promise<void>((resolve) => {
    const lines = new LineSplitter(LONGEST_LINE, { line: take, long: () => undefined, endless: () => resolve() });
    input.on('data', (chunk: Buffer) => lines.push(chunk));
    input.on('end', () => {
      // What was asked before the client closed its side is answered, if that takes no longer than it may (F-G10).
      void Promise.race([Promise.all(under), pause(LAST_ANSWERS, end.signal)]).then(() => resolve());
    });
    input.on('close', () => input.readableEnded || resolve());
    input.on('error', () => resolve());
    output.on('error', () => resolve());
  });
  end.abort();
  if (session !== undefined) {
    const headers = { ...remote.headers, 'mcp-session-id': session };
    await fetch(remote.url + path, { method: 'DELETE', headers, signal: AbortSignal.timeout(1000) }).catch(
      () => undefined,
    );
  }
  return exit;
}

async function readEvents(response: Response, seen: (data: string) => void): Promise<void> {
  const reader = new SseReader(LONGEST_LINE, ({ data }) => void (data.length > 0 && seen(data.toString('utf8'))));
  for await (const chunk of response.body ?? []) reader.push(Buffer.from(chunk as Uint8Array));
}

/** The JSON-RPC messages of an answer in JSON, each to be one line; whatever else was said becomes an error of `id`. */
function answersIn(body: string, status: number, id: unknown): string[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  if (Array.isArray(value)) return value.map((one) => JSON.stringify(one));
  const isMessage = isObject(value) && value.jsonrpc === '2.0';
  if (isMessage && (status === 200 || (value as JsonObject).id !== null || id === undefined)) return [body];
  if (body === '' && status < 400) return [];
  const said = isMessage ? (value as JsonObject).error : undefined;
  const detail = isObject(value) && typeof value.detail === 'string' ? value.detail : `HTTP ${status}`;
  const error = isObject(said) ? said : { code: -31014, message: `the gateway refused: ${detail}` };
  return [JSON.stringify({ jsonrpc: '2.0', id: id ?? null, error })];
}

function revisionOf(data: string): string | undefined {
  const { result } = JSON.parse(data) as { result?: JsonObject };
  return typeof result?.protocolVersion === 'string' ? result.protocolVersion : undefined;
}

function keyOf(id: unknown): string {
  return `${typeof id} ${String(id)}`;
}

function causeOf(error: unknown): string {
  return (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? (error as Error).message;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
