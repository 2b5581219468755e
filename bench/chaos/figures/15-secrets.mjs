// Secrets that were planted are in no output; answers and tokens of one caller reach nobody else; nothing that a server
// names is fetched.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Client } from '../harness/client.mjs';
import { faulty } from '../harness/house.mjs';
import { exactly, measure } from '../harness/report.mjs';

export const row = 15;
export const title = 'Planted secrets, canaries, cross-talk, tokens passed on';
export const scaled = '150 mixed calls in place of 500';

const SECRETS = {
  environment: 'planted-Ev7rQx92Lm41',
  header: 'planted-Hd8sWz03Kn52',
  file: 'planted-Fl9tYa14Jp63',
  key: 'planted-Ky0uZb25Hq74',
  argument: 'planted-Ar1vXc36Gr85',
};
const PAGES = [
  '/health',
  '/metrics',
  '/metrics/prometheus',
  '/diagnostics',
  '/status',
  '/api/v1/upstreams',
  '/api/v1/config',
  '/api/v1/calls',
  '/api/v1/logs',
  '/api/v1/config/effective',
  '/openapi.json',
];

export async function run(house) {
  return [...(await secrets(house)), ...(await crossTalk(house)), ...(await canaries(house))];
}

/** As much of MCP as it takes to be called. */
const RESULTS = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1' },
  },
  'tools/list': { tools: [{ name: 'write', inputSchema: { type: 'object' } }] },
  ping: {},
};

async function secrets(house) {
  const seen = [];
  // What it refuses, it refuses with the very words that came.
  const echo = createServer(async (request, response) => {
    seen.push(JSON.stringify(request.headers));
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const { id, method } = JSON.parse(body || '{}');
    const result = RESULTS[method];
    if (request.url === '/fails' && id === undefined) response.writeHead(method ? 202 : 405).end();
    else if (request.url === '/fails' && result !== undefined) {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    } else {
      const status = request.url === '/refuses' ? 401 : method === 'tools/call' ? 500 : 400;
      response.writeHead(status, { 'content-type': 'text/html' }).end(`<p>${JSON.stringify(request.headers)}</p>`);
    }
  });
  await new Promise((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const { port } = echo.address();
  writeFileSync(house.file('secret'), SECRETS.file);
  const headers = { authorization: 'Bearer ${env:PLANTED_HEADER}', 'x-file': `\${file:${house.file('secret')}}` };
  const spill = ['-e', 'console.error("token", process.env.API_TOKEN); process.exit(1)'];
  const gateway = await house.gateway(
    {
      upstreams: {
        good: { ...faulty('healthy'), env: { API_TOKEN: '${env:PLANTED_ENV}' } },
        dies: { ...faulty('exits-after-executing'), env: { API_TOKEN: '${env:PLANTED_ENV}' } },
        spills: { command: process.execPath, args: spill, env: { API_TOKEN: '${env:PLANTED_ENV}' } },
        refuses: { url: `http://127.0.0.1:${port}/refuses`, headers },
        fails: { url: `http://127.0.0.1:${port}/fails`, headers },
      },
      keys: [{ name: 'caller', key: '${env:PLANTED_KEY}', roles: ['read', 'call'] }],
    },
    {
      env: { PLANTED_ENV: SECRETS.environment, PLANTED_HEADER: SECRETS.header, PLANTED_KEY: SECRETS.key },
      wait: false,
    },
  );
  await gateway.reached('ready', ['good', 'dies', 'fails']);
  const bearer = { authorization: `Bearer ${SECRETS.key}` };
  const outputs = {};
  const note = (name, text) => {
    outputs[name] = `${outputs[name] ?? ''}\n${text}`;
  };
  const names = ['good', 'dies', 'spills', 'refuses', 'fails', 'nobody'];
  const count = house.scale(150, 500);
  for (let done = 0; done < count; done += names.length) {
    const records = await Promise.all(
      names.map((name, index) =>
        house.client.call(
          gateway,
          name,
          'write',
          { nonce: `n${done + index}`, fault: true, password: SECRETS.argument },
          { headers: bearer },
        ),
      ),
    );
    for (const record of records) note('answers', JSON.stringify({ ...record, text: undefined, result: undefined }));
  }
  const admin = { authorization: `Bearer ${readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim()}` };
  let served = 0;
  for (const page of PAGES) {
    for (const headers of [bearer, admin]) {
      const response = await fetch(`${gateway.url}${page}`, { headers });
      if (response.ok) served++;
      note(page, await response.text());
    }
  }
  await gateway.stop();
  note('stderr', gateway.stderr);
  note('stdout', gateway.lines.join('\n'));
  for (const file of filesBelow(gateway.dataDir)) {
    // Versions of the configuration are stored whole (0600), and the configuration holds references only.
    note(`file ${file.slice(gateway.dataDir.length)}`, readFileSync(file, 'latin1'));
  }
  echo.close();
  echo.closeAllConnections();
  const hits = Object.entries(outputs).flatMap(([name, text]) =>
    Object.entries(SECRETS).flatMap(([kind, secret]) => (text.includes(secret) ? [`${kind} in ${name}`] : [])),
  );
  const passed = seen.filter((headers) => headers.includes(SECRETS.key)).length;
  return [
    measure('planted secrets found', hits.length, exactly(0), {
      note:
        hits.length > 0
          ? hits.slice(0, 4).join('; ')
          : `${Object.keys(outputs).length} outputs, ${served} pages, ${count} calls`,
    }),
    measure("caller's token passed on", passed, exactly(0), { note: `${seen.length} requests at the upstream` }),
  ];
}

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory()
      ? filesBelow(path)
      : ['admin-token', 'session-key'].includes(name)
        ? []
        : [path];
  });
}

/** Three clients with the same ids at the same time (F-C9). */
async function crossTalk(house) {
  const gateway = await house.gateway({ upstreams: { u: { ...faulty('out-of-order'), limits: { inFlight: 700 } } } });
  const clients = [0, 1, 2].map(() => new Client());
  const records = await Promise.all(
    clients.flatMap((client, which) =>
      Array.from({ length: 200 }, (_, id) =>
        client.call(gateway, 'u', 'read', { nonce: `${which}-${id}`, fault: true }, { id }),
      ),
    ),
  );
  for (const client of clients) client.close();
  const wrong = records.filter(({ ok, text, nonce }) => !ok || text !== nonce).length;
  return [measure('answers that reached another caller', wrong, exactly(0), { note: '3 × 200 calls with equal ids' })];
}

/** A listener that nobody has any reason to dial: redirects and references of servers point at it. */
async function canaries(house) {
  const dialled = [];
  const canary = createServer((request, response) => {
    dialled.push(request.url);
    response.end('{}');
  });
  await new Promise((resolve) => canary.listen(0, '127.0.0.1', resolve));
  const to = `http://127.0.0.1:${canary.address().port}/canary`;
  const redirecting = await house.upstream('redirects', { set: { to } });
  const gateway = await house.gateway(
    {
      upstreams: {
        redirects: { url: redirecting.url, transport: 'streamable-http', headers: { authorization: 'Bearer x' } },
        refs: faulty('network-ref', { set: { url: to, to } }),
      },
    },
    { wait: false },
  );
  await gateway.reached('ready', ['refs']);
  await house.client.call(gateway, 'redirects', 'read', { nonce: 'r', fault: true }, { deadline: 20_000 });
  for (const page of ['/refs/openapi.json', '/openapi.json']) await (await fetch(`${gateway.url}${page}`)).text();
  canary.close();
  canary.closeAllConnections();
  return [measure('canary dialled', dialled.length, exactly(0), { note: dialled.join(', ') })];
}
