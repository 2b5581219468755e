// A server in memory and the way to it. A transport carries whole JSON-RPC messages; what they mean is not its business.
import { readMessage } from 'holdfast';

const TOOLS = [
  {
    name: 'add',
    description: 'Adds numbers.',
    inputSchema: {
      type: 'object',
      properties: { numbers: { type: 'array', items: { type: 'number' } } },
      required: ['numbers'],
    },
    annotations: { readOnlyHint: true },
  },
];

/** The server: one request in, one answer out. */
function answer({ id, method, params }) {
  const result = (value) => ({ jsonrpc: '2.0', id, result: value });
  switch (method) {
    case 'initialize':
      return result({
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'calculator', version: '1.0.0' },
      });
    case 'ping':
      return result({});
    case 'tools/list':
      return result({ tools: TOOLS });
    case 'tools/call':
      return result({ content: [{ type: 'text', text: String(params.arguments.numbers.reduce((a, b) => a + b, 0)) }] });
    default:
      return { jsonrpc: '2.0', id, error: { code: -32601, message: `unknown method ${method}` } };
  }
}

class MemoryTransport {
  kind = 'memory';
  /** All messages share one way; a transport where each request has its own stream says true. */
  correlates = false;
  lastByteAt = 0;
  #sink;
  #waiting = new Map();

  async open(sink) {
    this.#sink = sink;
  }

  request({ id, text }) {
    // Not in the same turn: the gateway is still writing down what it has sent.
    const turn = setImmediate(() => {
      this.#waiting.delete(id);
      this.lastByteAt = performance.now();
      this.#sink.message(readMessage(Buffer.from(JSON.stringify(answer(JSON.parse(text))))));
    });
    this.#waiting.set(id, turn);
  }

  /** Notifications, and answers to questions: this server asks none. */
  async post() {}

  abandon(id) {
    clearImmediate(this.#waiting.get(id));
    this.#waiting.delete(id);
  }

  negotiated() {}

  async close() {
    for (const id of [...this.#waiting.keys()]) this.abandon(id);
  }
}

/** @type {import('holdfast').CreateTransport} */
export const memory = () => new MemoryTransport();
