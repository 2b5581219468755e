// Reads a request body as JSON.
import { RpcError } from '../rpc.mjs';

/** @param {import('node:http').IncomingMessage} request @returns {Promise<any>} @throws {RpcError} -32700, status 400 */
export async function readJson(request) {
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new RpcError(-32700, 'Parse error', { status: 400 });
  }
}
