// Callers of the gateway: every call comes back as a record of what its caller was told and how long that took.
import { Agent, request } from 'node:http';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'chaos', version: '1.0.0' },
};
export class Client {
  #agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  #id = 0;
  #grace;
  /** Of all calls of this client; `late`: answered after deadline + 1 s, or not at all. */
  account = { calls: 0, late: 0, wrong: 0, broken: 0 };

  /** `grace`: milliseconds beyond the deadline of a call before it counts as unanswered (reliability §6, row 2). */
  constructor(grace = 1_000) {
    this.#grace = grace;
  }

  /**
   * Calls a tool of `/mcp/{upstream}`. Resolves always: `{ok, text, fault, delivery, code, message, at, end, took}`.
   * `deadline`: milliseconds in which the gateway owes an answer.
   */
  call(gateway, upstream, tool, args = {}, { deadline = 60_000, headers = {}, id = ++this.#id } = {}) {
    const params = { name: tool, arguments: args, _meta: META };
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
    return this.#record({ gateway, upstream, tool, nonce: args.nonce, deadline }, async () => {
      const answer = await this.#post(`${gateway.url}/mcp/${upstream}`, body, deadline + 5_000, {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': tool,
        ...headers,
      });
      return outcomeOf(answer, id);
    });
  }

  /** The same over REST, `POST /{upstream}/{tool}`. */
  callRest(gateway, upstream, tool, args = {}, { deadline = 60_000 } = {}) {
    const url = `${gateway.url}/${upstream}/${tool}`;
    return this.#record({ gateway, upstream, tool, nonce: args.nonce, deadline }, async () =>
      restOutcomeOf(await this.#post(url, JSON.stringify(args), deadline + 5_000, {})),
    );
  }

  async #record({ gateway, upstream, tool, nonce, deadline }, ask) {
    const at = performance.now();
    let record;
    try {
      record = await ask();
    } catch (error) {
      this.account.broken++;
      record = { ok: false, fault: 'NO_ANSWER', message: `${error.code ?? ''} ${error.message}` };
    }
    const end = performance.now();
    this.account.calls++;
    // A gateway that was killed by the figure itself owes nothing.
    if (end - at > deadline + this.#grace || (record.fault === 'NO_ANSWER' && gateway.killed !== true))
      this.account.late++;
    if (record.ok && nonce !== undefined && !record.text.startsWith(nonce)) {
      this.account.wrong++;
      record = { ...record, ok: false, fault: 'WRONG_ANSWER' };
    }
    return { ...record, upstream, tool, nonce, at, end, took: end - at };
  }

  /** Any request by hand; `{status, headers, text}`. */
  #post(url, body, within, headers) {
    return new Promise((resolve, reject) => {
      const outgoing = request(url, {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      });
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${within} ms`)), within);
      const failed = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      outgoing.on('error', failed).on('response', (response) => {
        const chunks = [];
        response.on('error', failed).on('data', (chunk) => chunks.push(chunk));
        response.on('close', () => response.complete || failed(new Error('the answer was cut')));
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() });
        });
      });
      outgoing.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

function restOutcomeOf({ status, text }) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return { ok: false, status, fault: 'NOT_JSON', message: text.slice(0, 200) };
  }
  if (status === 200) return { ok: true, status, text: typeof body === 'string' ? body : text };
  const { fault, delivery, message } = body.detail ?? {};
  return { ok: false, status, fault, delivery, message: message ?? String(body.detail) };
}

function outcomeOf({ status, headers, text }, id) {
  const json = headers['content-type']?.includes('text/event-stream')
    ? text.slice(text.lastIndexOf('\ndata:') + 6)
    : text;
  let message;
  try {
    message = JSON.parse(json);
  } catch {
    return { ok: false, status, fault: 'NOT_JSON', message: json.slice(0, 200) };
  }
  if (message.id !== id) return { ok: false, status, fault: 'WRONG_ID', message: json.slice(0, 200) };
  const { result, error } = message;
  if (error !== undefined) {
    const { fault = 'RPC_ERROR', delivery, retryAfterMs } = error.data ?? {};
    return { ok: false, status, code: error.code, message: error.message, fault, delivery, retryAfterMs };
  }
  return { ok: result.isError !== true, status, text: result.content?.[0]?.text ?? '', result };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until `look` gives something truthy. @throws after `within` ms */
export async function until(look, what, within = 10_000, every = 10) {
  const end = performance.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() >= end) throw new Error(`waited ${within} ms for ${what}`);
    await pause(every);
  }
}

/** `count` callers, each calling again as soon as it was answered, until `stop()`; gives all records. */
export function callers(count, call) {
  const records = [];
  let going = true;
  const all = Array.from({ length: count }, async (_, index) => {
    for (let turn = 0; going; turn++) {
      const record = await call(index, turn);
      records.push(record);
      if (!record.ok) await pause(2); // a caller that is refused at once shall not spin
    }
  });
  return {
    records,
    async stop() {
      going = false;
      await Promise.all(all);
      return records;
    },
  };
}
