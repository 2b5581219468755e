// A small MCP client for the driver, by hand: one POST a request, JSON or SSE back, either era.
import { parameterHeaders } from './parameter-headers.mjs';

const INFO = { name: 'holdfast-conformance-driver', version: '1.0.0' };
const CAPABILITIES = { elicitation: {}, sampling: {}, roots: {} };
const META = 'io.modelcontextprotocol/';
const NAMED = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** @param {string} text @returns {any[]} the messages of a stream */
const eventsOf = (text) =>
  text
    .split(/\r?\n\r?\n/)
    .map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')))
    .map((lines) => lines.map((line) => line.slice(5).trimStart()).join('\n'))
    .filter((data) => data !== '')
    .map((data) => JSON.parse(data));

/** Reads a stream message by message, as they come. @param {Response} response */
async function* messagesOf(response) {
  if (!response.headers.get('content-type')?.includes('text/event-stream')) {
    const text = await response.text();
    if (text !== '') yield JSON.parse(text);
    return;
  }
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of response.body ?? []) {
    buffer += decoder.decode(chunk, { stream: true });
    const end = buffer.lastIndexOf('\n\n');
    if (end < 0) continue;
    yield* eventsOf(buffer.slice(0, end));
    buffer = buffer.slice(end + 2);
  }
}

/** Accepts every question with the defaults of its schema (SEP-1034). @param {{ method: string, params?: any }} request */
export function answerTo({ method, params }) {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///driver', name: 'driver' }] };
  if (method === 'sampling/createMessage') {
    return { role: 'assistant', content: { type: 'text', text: 'driver' }, model: 'driver', stopReason: 'endTurn' };
  }
  const properties = Object.entries(params?.requestedSchema?.properties ?? {});
  const filled = properties.map(([key, schema]) => [key, /** @type {any} */ (schema).default ?? true]);
  return { action: 'accept', content: Object.fromEntries(filled) };
}

export class McpClient {
  #url;
  #version;
  #id = 0;
  /** @type {string | null} */
  #session = null;
  /** @type {Map<string, any>} what tools/list said of each tool */
  #tools = new Map();

  /** @param {string} url @param {string} version */
  constructor(url, version) {
    this.#url = url;
    this.#version = version;
    this.modern = version >= '2026-07-28';
  }

  async connect() {
    if (this.modern) return this.request('server/discover');
    const result = await this.request('initialize', {
      protocolVersion: this.#version,
      capabilities: CAPABILITIES,
      clientInfo: INFO,
    });
    await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return result;
  }

  /** @returns {Promise<any[]>} */
  async tools() {
    const { tools } = await this.request('tools/list');
    for (const tool of tools) this.#tools.set(tool.name, tool);
    return tools;
  }

  /** Calls a tool and, in the modern era, answers what it asks until it is complete. @param {string} name @param {object} [args] */
  async call(name, args = {}) {
    const headers = parameterHeaders(this.#tools.get(name)?.inputSchema, args);
    let result = await this.request('tools/call', { name, arguments: args }, headers);
    for (let round = 0; result.resultType === 'input_required' && round < 5; round += 1) {
      const asked = Object.entries(result.inputRequests ?? {});
      const inputResponses = Object.fromEntries(asked.map(([key, request]) => [key, answerTo(request)]));
      const { requestState } = result;
      const params = { name, arguments: args, inputResponses, ...(requestState === undefined ? {} : { requestState }) };
      result = await this.request('tools/call', params, headers);
    }
    return result;
  }

  /** @param {string} method @param {any} [params] @param {Record<string, string>} [headers] @returns {Promise<any>} @throws when the answer is an error */
  async request(method, params = {}, headers = {}) {
    this.#id += 1;
    const id = this.#id;
    const response = await this.#post({ jsonrpc: '2.0', id, method, params }, headers);
    for await (const message of messagesOf(response)) {
      if (message.method !== undefined && message.id !== undefined) {
        await this.#post({ jsonrpc: '2.0', id: message.id, result: answerTo(message) });
      } else if (message.id === id) {
        if (message.error) throw new Error(`${method}: ${message.error.code} ${message.error.message}`);
        return message.result;
      }
    }
    throw new Error(`${method}: no answer (HTTP ${response.status})`);
  }

  /** @param {any} message @param {Record<string, string>} [headers] */
  async #post(message, headers = {}) {
    const { method, params } = message;
    const legacy = { ...(this.#session && { 'mcp-session-id': this.#session }) };
    const named = NAMED.has(method) ? { 'mcp-name': params.name ?? params.uri } : {};
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(method === 'initialize' ? {} : { 'mcp-protocol-version': this.#version }),
        ...(this.modern ? { 'mcp-method': method, ...named, ...headers } : legacy),
      },
      body: JSON.stringify(this.modern ? this.#withMeta(message) : message),
    });
    this.#session = response.headers.get('mcp-session-id') ?? this.#session;
    return response;
  }

  /** @param {any} message */
  #withMeta(message) {
    const _meta = {
      [`${META}protocolVersion`]: this.#version,
      [`${META}clientInfo`]: INFO,
      [`${META}clientCapabilities`]: CAPABILITIES,
    };
    return { ...message, params: { ...message.params, _meta } };
  }
}
