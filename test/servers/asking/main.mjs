// A server that asks its client in the middle of a call, in the way of its era: requests on the call's own stream
// (legacy) or `input_required` results (modern). `--era legacy|modern`, `--http` or stdio.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const era = process.argv.includes('modern') ? 'modern' : 'legacy';
const inputSchema = { type: 'object', properties: { tag: { type: 'string' } }, required: ['tag'] };
const tools = ['twice', 'mixed'].map((name) => ({ name, description: `asks ${name}`, inputSchema }));
const elicit = (message) => ({
  method: 'elicitation/create',
  params: {
    ...(era === 'modern' && { mode: 'form' }),
    message,
    requestedSchema: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] },
  },
});
const sample = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }], maxTokens: 5 },
};
const roots = { method: 'roots/list', params: {} };
const said = ({ action, content }) => (action === 'accept' ? content.answer : action);

/** What each tool asks, round by round, and what it makes of the answers. */
const plans = {
  twice: {
    rounds: (tag) => [[elicit(`first ${tag}`)], [elicit(`second ${tag}`)]],
    text: ([[a], [b]]) => `${said(a)}, ${said(b)}`,
  },
  mixed: {
    rounds: (tag) => [[elicit(`mixed ${tag}`), sample, roots]],
    text: ([[a, b, c]]) => `${said(a)}, ${b.content.text}, ${c.roots[0].uri}`,
  },
};
const result = (text) => ({ ...(era === 'modern' && { resultType: 'complete' }), content: [{ type: 'text', text }] });

/** Legacy: one call from beginning to end; `ask` sends a request to the client and gives its result. */
async function callLegacy({ name, arguments: { tag } }, ask) {
  const answers = [];
  for (const round of plans[name].rounds(tag)) answers.push(await Promise.all(round.map(ask)));
  return result(`${tag}: ${plans[name].text(answers)}`);
}

/** Modern: one round per request; what was answered before travels in `requestState`. */
function callModern({ name, arguments: { tag }, inputResponses, requestState }) {
  const answers = requestState === undefined ? [] : JSON.parse(Buffer.from(requestState, 'base64').toString());
  const rounds = plans[name].rounds(tag);
  if (requestState !== undefined || inputResponses !== undefined) {
    answers.push(rounds[answers.length].map((_, index) => inputResponses[`k${index}`]));
  }
  const next = rounds[answers.length];
  if (next === undefined) return result(`${tag}: ${plans[name].text(answers)}`);
  return {
    resultType: 'input_required',
    inputRequests: Object.fromEntries(next.map((request, index) => [`k${index}`, request])),
    requestState: Buffer.from(JSON.stringify(answers)).toString('base64'),
  };
}

const serverInfo = { name: 'asking', version: '1' };
const capabilities = { tools: {} };

async function answer({ method, params }, ask) {
  if (era === 'modern') {
    const meta = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
    if (method === 'server/discover') return { ...meta, supportedVersions: ['2026-07-28'], capabilities, serverInfo };
    if (method === 'tools/list') return { ...meta, tools };
    if (method === 'tools/call') return callModern(params);
  } else {
    if (method === 'initialize') return { protocolVersion: '2025-11-25', capabilities, serverInfo };
    if (method === 'ping') return {};
    if (method === 'tools/list') return { tools };
    if (method === 'tools/call') return await callLegacy(params, ask);
  }
  throw Object.assign(new Error(`Method not found: ${method}`), { code: -32601 });
}

const waiting = new Map();
const asker =
  (send) =>
  ({ method, params }) =>
    new Promise((resolve) => {
      const id = randomUUID();
      waiting.set(id, resolve);
      send({ jsonrpc: '2.0', id, method, params });
    });
/** True for the client's answer to one of our requests. */
function taken(message) {
  if (message.method !== undefined) return false;
  waiting.get(message.id)?.(message.result ?? { error: message.error });
  waiting.delete(message.id);
  return true;
}
async function reply(message, send) {
  try {
    send({ jsonrpc: '2.0', id: message.id, result: await answer(message, asker(send)) });
  } catch ({ code = -32603, message: text }) {
    send({ jsonrpc: '2.0', id: message.id, error: { code, message: text } });
  }
}

if (process.argv.includes('--http')) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', async () => {
      if (request.method !== 'POST') return response.writeHead(405).end();
      const message = JSON.parse(body);
      if (taken(message) || message.id === undefined) return response.writeHead(202).end();
      const streams = era === 'legacy' && message.method === 'tools/call';
      const headers = { 'content-type': streams ? 'text/event-stream' : 'application/json' };
      if (message.method === 'initialize') headers['mcp-session-id'] = randomUUID();
      const unknown = era === 'legacy' && message.method === 'server/discover';
      response.writeHead(unknown ? 400 : 200, headers);
      if (unknown) return response.end('{}');
      await reply(message, (out) => response.write(streams ? `data: ${JSON.stringify(out)}\n\n` : JSON.stringify(out)));
      response.end();
    });
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`ready http://127.0.0.1:${server.address().port}/mcp\n`));
} else {
  const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line);
    if (taken(message) || message.id === undefined) return;
    void reply(message, send);
  });
}
