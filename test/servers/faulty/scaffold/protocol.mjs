// MCP in both eras, as far as a test upstream needs it. Knows nothing of how messages travel: a port carries them.
import { isFault, standardTools } from './tools.mjs';

const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const MODERN = ['2026-07-28'];
const META = 'io.modelcontextprotocol';
const INFO = { name: 'faulty', version: '1.0.0' };
const CAPABILITIES = { tools: { listChanged: true }, logging: {} };

export function createProtocol(server) {
  const { behaviour, options, ledger } = server;
  const waiting = new Map();
  let nextId = 1;

  const failure = (id, code, message, data) => ({
    jsonrpc: '2.0',
    id,
    error: { code, message, ...(data && { data }) },
  });
  const speaks = (era) => options.era === 'dual' || options.era === era;
  const isModern = (message) => message.params?._meta?.[`${META}/protocolVersion`] !== undefined;

  /** Adds what the modern era wants in a result. */
  const dress = (message, result, cacheable) =>
    isModern(message)
      ? {
          resultType: 'complete',
          ...result,
          ...(cacheable && { ttlMs: 0, cacheScope: 'private' }),
          _meta: { ...result._meta, [`${META}/serverInfo`]: INFO },
        }
      : result;

  async function call(message, port) {
    const { name, arguments: args = {} } = message.params ?? {};
    const tool = standardTools.find((candidate) => candidate.name === name);
    ledger.add('received', { nonce: args.nonce, tool: name });
    let executed = false;
    const execute = () => {
      executed = true;
      ledger.add('executed', { nonce: args.nonce, tool: name });
    };
    const result = () => ({ content: [{ type: 'text', text: String(args.nonce ?? '') }] });
    if (behaviour.call && isFault(message, server)) {
      const context = {
        server,
        message,
        args,
        port,
        execute,
        result: () => dress(message, result()),
        answer: (value) => port.send({ jsonrpc: '2.0', id: message.id, result: dress(message, value) }),
        notify: (method, params) => port.send({ jsonrpc: '2.0', method, params }),
        ask: (method, params) => ask(port, method, params),
      };
      const answer = await behaviour.call(context);
      if (answer === null) return; // the behaviour has seen to it, or nothing shall come
      if (answer !== undefined) return port.send({ jsonrpc: '2.0', id: message.id, result: dress(message, answer) });
    }
    if (tool === undefined && behaviour.tools === undefined) {
      return port.send(failure(message.id, -32602, `Unknown tool: ${name}`));
    }
    if (!executed) execute();
    port.send({ jsonrpc: '2.0', id: message.id, result: dress(message, result()) });
  }

  /** A request of the server to the client; resolves with the client's answer. */
  function ask(port, method, params = {}) {
    const id = `server-${nextId++}`;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      port.send({ jsonrpc: '2.0', id, method, params });
    });
  }

  async function handle(message, port) {
    if (behaviour.message && (await behaviour.message(message, port, server)) === true) return;
    const { id, method } = message;
    if (method === undefined) {
      waiting.get(id)?.(message);
      waiting.delete(id);
      return;
    }
    if (id === undefined) {
      if (method === 'notifications/cancelled') ledger.add('cancelled', { id: message.params?.requestId });
      return;
    }
    if (method === 'initialize') {
      if (!speaks('legacy')) {
        return port.send(failure(id, -32022, 'unsupported protocol version', { supported: MODERN }));
      }
      ledger.add('initialize');
      const asked = message.params?.protocolVersion;
      const protocolVersion = LEGACY.includes(asked) ? asked : LEGACY[0];
      return port.send({
        jsonrpc: '2.0',
        id,
        result: { protocolVersion, capabilities: CAPABILITIES, serverInfo: INFO },
      });
    }
    if (isModern(message) && !speaks('modern')) return port.send(failure(id, -32601, `Method not found: ${method}`));
    if (!isModern(message) && !speaks('legacy')) return port.send(failure(id, -32602, 'missing _meta'));
    switch (method) {
      case 'server/discover':
        return port.send({
          jsonrpc: '2.0',
          id,
          result: dress(message, { supportedVersions: MODERN, capabilities: CAPABILITIES, serverInfo: INFO }, true),
        });
      case 'ping':
        return port.send({ jsonrpc: '2.0', id, result: {} });
      case 'logging/setLevel':
        return port.send({ jsonrpc: '2.0', id, result: {} });
      case 'tools/list': {
        ledger.add('listed');
        const listed = (await behaviour.tools?.(message.params?.cursor, server)) ?? standardTools;
        return port.send({
          jsonrpc: '2.0',
          id,
          result: dress(message, Array.isArray(listed) ? { tools: listed } : listed, true),
        });
      }
      case 'tools/call':
        return call(message, port);
      default:
        return port.send(failure(id, -32601, `Method not found: ${method}`));
    }
  }

  return { handle, isModern, failure };
}
