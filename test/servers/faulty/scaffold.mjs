// The well-behaved part that all misbehaving servers share. A behaviour is a small object of hooks, handed to `serve`:
//
//   start(server)              before anything else; may never return
//   message(message, port)     sees every message; true = swallowed
//   call(call)                 a tool call with `fault: true`; undefined = goes on as usual
//   http(exchange)             every HTTP request, before the protocol; call `exchange.next()` to go on
//   unknownSession             how a session that is not known is refused: {status, body, type}
//   tools()                    replaces the list of tools
//   control(order)             POST /control with a JSON body, to begin and end faults from a test
//   answer(message, port)      replaces how an answer is written
//   upgrade({refuse, …})       the opening of a WebSocket; true = it was refused (`refuse(status, headers, body)`) or kept
//   accept(socket), listen(server)   what happens below HTTP
//
// A port has `send(message)`, `pieces(parts)` (one message out of these bytes), `noise(text)` (what is no message) and `kind`.
//
// Arguments of the process: --transport stdio|http|sse|ws, --era legacy|modern|dual, --port N, --ledger FILE,
// --stateless (HTTP without sessions), --set name=value for what one behaviour wants to know.
// A server that listens prints `ready URL` on stdout; GET /ledger gives what ran.
//
// Tools: read (read-only), put (idempotent), write (neither). They return their `nonce`. A fault hits only calls with
// `fault: true`, and each nonce once, also across restarts, unless the call says `always: true`.
import { openLedger } from './scaffold/ledger.mjs';
import { parseOptions } from './scaffold/options.mjs';
import { createProtocol } from './scaffold/protocol.mjs';
import { isFault } from './scaffold/tools.mjs';

const TRANSPORTS = {
  stdio: () => import('./scaffold/stdio.mjs'),
  http: () => import('./scaffold/http.mjs'),
  sse: () => import('./scaffold/sse.mjs'),
  ws: () => import('./scaffold/ws.mjs'),
};

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Blocks the whole process, event loop and all. */
export const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Starts the server with this behaviour on the transport that the arguments name. */
export function serve(behaviour = {}) {
  void run(behaviour); // a failure ends the process, as it should
}

async function run(behaviour) {
  const options = parseOptions(process.argv.slice(2));
  const server = { behaviour, options, ledger: openLedger(options.ledger) };
  server.ledger.add('started');
  await behaviour.start?.(server);
  server.protocol = createProtocol(server);
  const { listen } = await TRANSPORTS[options.transport]();
  await listen(server);
}

/** A `http` hook that hands calls with `fault: true` to `handle(exchange)` and lets everything else pass. */
export const onFaultyCall = (handle) => async (exchange) => {
  const { message, server } = exchange;
  if (!isFault(message, server)) return exchange.next();
  server.ledger.add('received', { nonce: message.params.arguments.nonce, tool: message.params.name });
  return handle(exchange);
};

/** A `http` hook for what hits every MCP request while `when(server)` holds. */
export const onEveryRequest = (when, handle) => (exchange) =>
  when(exchange.server, exchange) ? handle(exchange) : exchange.next();
