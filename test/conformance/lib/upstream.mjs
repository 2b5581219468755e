// The upstream behind the gateway: our own conformance server, in the era and over the transport that a run asks for.
import { fileURLToPath } from 'node:url';
import { lineOf, start, stop } from './processes.mjs';

const SERVER = fileURLToPath(new URL('../../servers/conformance/main.mjs', import.meta.url));

export const ERAS = ['legacy', 'modern', 'dual'];
export const TRANSPORTS = ['stdio', 'http', 'sse', 'ws'];

/** The name of each transport in holdfast.json. @type {Record<string, string>} */
const NATIVE = { http: 'streamable-http', sse: 'sse', ws: 'websocket' };

/** HTTP+SSE ended with the legacy era. @param {string} era @param {string} transport */
export const exists = (era, transport) => transport !== 'sse' || era === 'legacy';

/**
 * @param {string} era @param {string} transport
 * @returns {Promise<{ config: object, url?: string, stop: () => Promise<void> }>} its entry in a configuration
 */
export async function startUpstream(era, transport) {
  const args = [SERVER, '--era', era, '--transport', transport];
  if (transport === 'stdio') {
    return { config: { command: process.execPath, args }, stop: async () => {} };
  }
  const child = start(process.execPath, args);
  const url = await lineOf(child, (line) => JSON.parse(line).url, 10_000);
  return {
    config: { url, transport: NATIVE[transport] },
    url,
    stop: async () => {
      await stop(child);
    },
  };
}
