// The requests that the load generator sends, in both eras, and the check that an answer is the one to its request.
const MODERN = '2026-07-28';
const META = JSON.stringify({
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
});

export const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
});
export const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

/** A function that makes one request's text: `(id, nonce)`. */
export function requestMaker({ era = 'legacy', method = 'tools/call', tool = 'echo', args = {} }) {
  const meta = era === 'modern' ? `,"_meta":${META}` : '';
  if (method !== 'tools/call') {
    return (id) => `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${meta.slice(1)}}}`;
  }
  const rest = JSON.stringify(args).slice(1, -1);
  const tail = `${rest === '' ? '' : `,${rest}`}}${meta}}}`;
  return (id, nonce) =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{"nonce":"${nonce}"${tail}`;
}

/** Headers that the era wants with it. */
export function headersFor({ era = 'legacy', method = 'tools/call', tool = 'echo' }, session) {
  if (era === 'modern') {
    return {
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(method === 'tools/call' && { 'mcp-name': tool }),
    };
  }
  return { 'mcp-protocol-version': '2025-11-25', ...(session !== undefined && { 'mcp-session-id': session }) };
}

/**
 * Throws unless `body` answers the request with this id and nonce. Small answers are parsed; of large ones the head is
 * looked at and the length compared, and one of sixteen is parsed too.
 */
export function checkAnswer(body, { id, nonce, bytes = 0, method = 'tools/call', least = 0 }, nth) {
  if (body.length > 65_536 && nth % 16 !== 0) {
    if (body.length < bytes || (method !== 'tools/list' && !body.toString('latin1', 0, 400).includes(nonce)))
      throw new Error(`wrong answer: ${sample(body)}`);
    return;
  }
  const message = JSON.parse(body.toString());
  if (message.id !== id) throw new Error(`id ${message.id} in place of ${id}: ${sample(body)}`);
  if (method === 'tools/list') {
    if (!(message.result?.tools?.length >= least)) throw new Error(`too few tools: ${sample(body)}`);
    return;
  }
  const text = message.result?.content?.[0]?.text;
  if (typeof text !== 'string' || !text.startsWith(nonce) || text.length < bytes / 4 || message.result.isError) {
    throw new Error(`wrong answer to ${nonce}: ${sample(body)}`);
  }
}

function sample(body) {
  return body.toString('utf8', 0, 300);
}
