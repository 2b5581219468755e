// The headers a modern request carries beside its body (2026-07-28 basic/transports/streamable-http.mdx).
import { tools } from '../behaviours/tools.mjs';
import { checkMeta, checkVersion, META } from '../eras/modern.mjs';
import { RpcError } from '../rpc.mjs';

const NAMED = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);

/** @param {string} reason */
const mismatch = (reason) => new RpcError(-32020, `Header mismatch: ${reason}`, { status: 400 });

/** @param {string} value a field value, plain or `=?base64?…?=` @throws {RpcError} -32020 for broken base64 */
function decode(value) {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') !== encoded) throw mismatch('invalid base64');
  return bytes.toString('utf8');
}

/** @param {import('node:http').IncomingHttpHeaders} headers @param {string} name */
const field = (headers, name) => headers[name.toLowerCase()]?.toString().trim();

/** @param {import('node:http').IncomingHttpHeaders} headers @param {any} params @param {import('../world.mjs').World} world */
function checkParameters(headers, params, world) {
  const schema = /** @type {any} */ (tools(world).find(({ name }) => name === params.name)?.inputSchema);
  for (const [key, property] of Object.entries(schema?.properties ?? {})) {
    const suffix = /** @type {any} */ (property)['x-mcp-header'];
    const value = params.arguments?.[key];
    if (suffix === undefined || value === undefined || value === null) continue;
    const header = field(headers, `Mcp-Param-${suffix}`);
    if (header === undefined) throw mismatch(`Mcp-Param-${suffix} is missing`);
    if (decode(header) !== String(value)) throw mismatch(`Mcp-Param-${suffix} is not the argument`);
  }
}

/**
 * @param {import('node:http').IncomingHttpHeaders} headers @param {any} message @param {import('../world.mjs').World} world
 * @throws {RpcError} -32020, -32022 or -32602, all with status 400
 */
export function checkModern(headers, { method, params = {} }, world) {
  const version = field(headers, 'MCP-Protocol-Version');
  if (version === undefined) throw mismatch('MCP-Protocol-Version is missing');
  checkMeta(params);
  if (params._meta[`${META}protocolVersion`] !== version) throw mismatch('MCP-Protocol-Version is not that of _meta');
  checkVersion(params);
  if (field(headers, 'Mcp-Method') !== method) throw mismatch('Mcp-Method is not the method');
  const key = NAMED.get(method);
  if (key === undefined) return;
  const name = field(headers, 'Mcp-Name');
  if (name === undefined || decode(name) !== params[key]) throw mismatch(`Mcp-Name is not params.${key}`);
  if (method === 'tools/call') checkParameters(headers, params, world);
}
