// An upstream of one process whose every execution is written to a ledger (first argument), for tests of several
// gateways. It keeps a resource that can be subscribed to, asks its client, and says who it is.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [ledger] = process.argv.slice(2);
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const tool = (name, properties, annotations) => ({
  name,
  description: name,
  inputSchema: { type: 'object', properties },
  annotations,
});
const id = { id: { type: 'string' } };
const tools = [
  tool('read', id, { readOnlyHint: true }),
  tool('write', id, { readOnlyHint: false }),
  tool('slow', { ...id, ms: { type: 'number' } }, { readOnlyHint: false }),
  tool('touch', {}),
  tool('ask', {}),
  tool('grow', {}),
  tool('who', {}, { readOnlyHint: true }),
];
const asked = new Map();
let lastId = 0;
let touched = 0;

async function call(request, { name, arguments: args = {} }) {
  const answer = (value) => send({ id: request, result: text(value) });
  if (args.id !== undefined) appendFileSync(ledger, `${name} ${args.id}\n`);
  if (name === 'slow') await new Promise((resolve) => setTimeout(resolve, args.ms));
  if (name === 'touch') send({ method: 'notifications/resources/updated', params: { uri: 'box://one' } });
  if (name === 'grow') {
    tools.push(tool(`grown${tools.length}`, {}));
    send({ method: 'notifications/tools/list_changed' });
  }
  if (name === 'touch') touched++;
  if (name === 'who') return answer(String(process.pid));
  if (name !== 'ask') return answer(`${name} ${args.id ?? ''}`.trim());
  const question = `q${++lastId}`;
  const reply = new Promise((resolve) => asked.set(question, resolve));
  send({
    id: question,
    method: 'elicitation/create',
    params: { message: 'who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
  });
  answer(JSON.stringify(await reply));
}

const RESULTS = {
  initialize: (params) => ({
    protocolVersion: params.protocolVersion,
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
    serverInfo: { name: 'box', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'resources/list': () => ({ resources: [{ uri: 'box://one', name: 'one' }] }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'resources/read': () => ({ contents: [{ uri: 'box://one', text: String(touched) }] }),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id: request, method, params, result } = JSON.parse(line);
    if (method === undefined) asked.get(request)?.(result);
    else if (method === 'tools/call') void call(request, params);
    else if (RESULTS[method] !== undefined) send({ id: request, result: RESULTS[method](params ?? {}) });
    else if (request !== undefined) send({ id: request, error: { code: -32601, message: 'no such method' } });
  })
  .on('close', () => process.exit(0));
