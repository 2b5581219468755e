// JSON-RPC words that every part of this server shares: the error that becomes an error response, and the two envelopes.

/** A failure that is answered as a JSON-RPC error; `status` is its HTTP status where HTTP carries it. */
export class RpcError extends Error {
  /**
   * @param {number} code
   * @param {string} message
   * @param {{ data?: unknown, status?: number }} [more]
   */
  constructor(code, message, { data, status } = {}) {
    super(message);
    this.code = code;
    this.data = data;
    this.status = status ?? 200;
  }
}

/** A failure the tool itself reports: a result with `isError`, not a protocol error. */
export class ToolError extends Error {}

/** @param {string | number | null} id @param {object} result */
export const success = (id, result) => ({ jsonrpc: '2.0', id, result });

/** @param {string | number | null} id @param {unknown} cause */
export function failure(id, cause) {
  const error = cause instanceof RpcError ? cause : new RpcError(-32603, 'Internal error');
  return {
    jsonrpc: '2.0',
    id,
    error: { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) },
  };
}

/** @param {string} method @param {object} [params] */
export const notification = (method, params) => ({ jsonrpc: '2.0', method, ...(params ? { params } : {}) });

/** @param {any} message */
export const isRequest = (message) => typeof message?.method === 'string' && message.id !== undefined;

/** @param {any} message */
export const isResponse = (message) => message?.method === undefined && message?.id !== undefined;

export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
