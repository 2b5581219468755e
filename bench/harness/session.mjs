// A few plain MCP requests outside of what is measured: opening, listing, single calls.

import { HttpCaller } from './http-caller.mjs';
import { initialize, initialized } from './messages.mjs';

/** One legacy session on a connection of its own. */
export class Session {
  #caller;
  #id = 1;
  sessionId;

  constructor(url) {
    this.#caller = new HttpCaller(url);
  }

  async open() {
    await this.#caller.open();
    const [status, head, body] = await this.#post(initialize);
    if (status !== 200) throw new Error(`initialize: ${status} ${body.toString('utf8', 0, 300)}`);
    this.sessionId = /\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
    this.#caller.headers({
      'mcp-protocol-version': '2025-11-25',
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
    });
    await this.#post(initialized);
    return this;
  }

  /** The whole JSON-RPC answer; rejects when the connection breaks or the status is not 200. Dials again if need be. */
  async request(method, params = {}) {
    await this.#caller.ready();
    const [status, , body] = await this.#post(JSON.stringify({ jsonrpc: '2.0', id: this.#id++, method, params }));
    if (status !== 200) throw new Error(`${method}: ${status} ${body.toString('utf8', 0, 300)}`);
    return JSON.parse(body.toString());
  }

  call(name, args = {}) {
    return this.request('tools/call', { name, arguments: args });
  }

  close() {
    this.#caller.close();
  }

  #post(body) {
    return new Promise((resolve, reject) => this.#caller.send(body, (...answer) => resolve(answer), reject));
  }
}

/** Everything a target lists, all pages. */
export async function listTools(url) {
  const session = await new Session(url).open();
  try {
    const tools = [];
    for (let cursor, first = true; first || cursor !== undefined; first = false) {
      const { result } = await session.request('tools/list', cursor === undefined ? {} : { cursor });
      tools.push(...(result?.tools ?? []));
      cursor = result?.nextCursor;
    }
    return tools;
  } finally {
    session.close();
  }
}
