// The headers of a 2026-07-28 request must say what its body says (streamable-http, Server Validation; MP2).
import type { IncomingMessage } from 'node:http';
import { isObject, type JsonObject } from '../../core/json.ts';
import { RpcFailure } from '../../session/rpc-failure.ts';
import type { Surface } from '../../session/surface.ts';
import { decodeHeaderValue } from '../../wire/headers.ts';
import { HEADER_MISMATCH, MODERN_REVISIONS, UNSUPPORTED_VERSION } from '../../wire/revisions.ts';

/** What `Mcp-Name` repeats, by method. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);

function mismatch(message: string): RpcFailure {
  return new RpcFailure(HEADER_MISMATCH, `Header mismatch: ${message}`, { status: 400 });
}

/** @throws RpcFailure −32020 or −32022, both with HTTP 400 */
export function checkHeaders(
  request: IncomingMessage,
  message: { method: string; params: JsonObject },
  revision: string,
  surface: Surface,
): void {
  const { headers } = request;
  const version = single(headers['mcp-protocol-version']);
  if (version === undefined) throw mismatch('MCP-Protocol-Version is missing');
  if (version !== revision)
    throw mismatch(`MCP-Protocol-Version is ${JSON.stringify(version)}, the body says ${JSON.stringify(revision)}`);
  if (!MODERN_REVISIONS.includes(revision)) {
    throw new RpcFailure(UNSUPPORTED_VERSION, `Unsupported protocol version: ${revision}`, {
      status: 400,
      data: { supported: MODERN_REVISIONS, requested: revision },
    });
  }
  const method = single(headers['mcp-method']);
  if (method === undefined) throw mismatch('Mcp-Method is missing');
  if (method !== message.method)
    throw mismatch(`Mcp-Method is ${JSON.stringify(method)}, the body says ${JSON.stringify(message.method)}`);
  const key = NAMED.get(message.method);
  if (key === undefined) return;
  const given = single(headers['mcp-name']);
  if (given === undefined) throw mismatch(`Mcp-Name is missing; ${message.method} needs it`);
  const name = decoded(given);
  if (name === undefined) throw mismatch('Mcp-Name is not a legal header value');
  if (name !== message.params[key])
    throw mismatch(`Mcp-Name is ${JSON.stringify(name)}, the body says ${JSON.stringify(message.params[key])}`);
  if (message.method === 'tools/call') checkParams(request, message.params, surface.headerParams(name));
}

function checkParams(
  { headers }: IncomingMessage,
  { arguments: args }: JsonObject,
  declared: ReadonlyMap<string, readonly string[]> | undefined,
): void {
  for (const [name, path] of declared ?? []) {
    const header = `mcp-param-${name.toLowerCase()}`;
    let value: unknown = args;
    for (const step of path) value = isObject(value) ? value[step] : undefined;
    const given = single(headers[header]);
    if (value === undefined || value === null) {
      if (given !== undefined) throw mismatch(`${header} is sent, but the argument ${path.join('.')} is not`);
      continue;
    }
    if (given === undefined) throw mismatch(`${header} is missing; the argument ${path.join('.')} needs it`);
    const text = decoded(given);
    if (text === undefined) throw mismatch(`${header} is not a legal header value`);
    const same = typeof value === 'number' ? text.trim() !== '' && Number(text) === value : text === String(value);
    if (!same) throw mismatch(`${header} does not match the argument ${path.join('.')}`);
  }
}

/** A value as it was before it became a header; undefined when it holds what no header may (Value Encoding). */
function decoded(header: string): string | undefined {
  return /^[\t\x20-\x7e]*$/.test(header) ? decodeHeaderValue(header) : undefined;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
