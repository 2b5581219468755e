// Records the tools/list of real MCP servers for the corpus: installs each package of recipes.json into a scratch folder
// (npm install --ignore-scripts), starts it on stdio with a bare environment, writes servers/<name>.json.
//
//   node test/corpus/record.mjs install <scratch folder> [name …]     needs the npm registry
//   node test/corpus/record.mjs record  <scratch folder> [name …]     needs no network (`unshare -rn` proves it)
//   node test/corpus/record.mjs table                                 rewrites the table in README.md
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const START_MS = 60_000;
const SETTLE_MS = 1_500;
const PERMITTED = new Set(['MIT', 'MIT-0', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD']);

const [mode, scratchArgument, ...names] = process.argv.slice(2);
if (mode === 'table') {
  writeTable();
  process.exit();
}
if ((mode !== 'install' && mode !== 'record') || scratchArgument === undefined) {
  process.stderr.write('usage: record.mjs install|record <scratch folder> [name …]\n');
  process.exit(2);
}
const scratch = resolve(scratchArgument);
const recipes = JSON.parse(readFileSync(join(here, 'recipes.json'), 'utf8'));
const chosen = recipes.filter((recipe) => names.length === 0 || names.includes(recipe.name));

for (const recipe of chosen) {
  try {
    if (mode === 'install') install(recipe);
    else await record(recipe);
  } catch (error) {
    process.exitCode = 1;
    process.stdout.write(`FAILED ${recipe.name}: ${error.message}\n`);
  }
}

function install(recipe) {
  const folder = join(scratch, recipe.name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const spec = recipe.version === undefined ? recipe.package : `${recipe.package}@${recipe.version}`;
  const options = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--prefix', folder, spec];
  const { status, stderr } = spawnSync('npm', options, { encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`npm install: ${stderr.trim().split('\n').slice(-3).join(' | ')}`);
  const { version, license } = manifest(recipe);
  process.stdout.write(`installed ${recipe.name}: ${recipe.package}@${version} (${license})\n`);
}

function manifest(recipe) {
  return JSON.parse(readFileSync(join(scratch, recipe.name, 'node_modules', recipe.package, 'package.json'), 'utf8'));
}

async function record(recipe) {
  const info = manifest(recipe);
  const licence = recipe.licence ?? (typeof info.license === 'string' ? info.license : info.license?.type);
  if (!PERMITTED.has(licence)) throw new Error(`licence ${licence} is not on the list of permitted ones`);
  const bins = typeof info.bin === 'string' ? { [recipe.package]: info.bin } : (info.bin ?? {});
  const entry = recipe.entry ?? bins[recipe.bin ?? Object.keys(bins)[0]];
  if (entry === undefined) throw new Error(`no bin; has ${Object.keys(bins)}`);
  const folder = join(scratch, recipe.name);
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const fill = (text) => text.replaceAll('{home}', home);
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home, ...recipe.env };
  for (const key of Object.keys(env)) env[key] = fill(env[key]);
  const command = [join(folder, 'node_modules', recipe.package, entry), ...(recipe.args ?? []).map(fill)];
  const child = spawn(process.execPath, command, { cwd: home, env, detached: true, stdio: 'pipe' });
  const session = open(child);
  try {
    const answer = await session.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} },
      clientInfo: { name: 'corpus-recorder', version: '1' },
    });
    session.notify('notifications/initialized');
    let tools = await list(session);
    // Some servers register tools only after they know what the client can do.
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    if (session.changed()) tools = await list(session);
    saveLicence(recipe);
    save(recipe, info, licence, answer, tools, { [home]: '/home/user', [folder]: '/opt/server' });
  } finally {
    await session.close();
  }
}

async function list(session) {
  const tools = [];
  let cursor;
  do {
    const page = await session.request('tools/list', cursor === undefined ? {} : { cursor });
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return tools;
}

function save(recipe, info, licence, answer, tools, hidden) {
  const repository = typeof info.repository === 'string' ? info.repository : info.repository?.url;
  const head = {
    server: recipe.name,
    package: recipe.package,
    version: info.version,
    licence,
    source: webAddress(repository) ?? `https://www.npmjs.com/package/${recipe.package}`,
    recordedAt: new Date().toISOString(),
    protocolVersion: answer.protocolVersion,
    ...(answer.instructions !== undefined && { instructions: answer.instructions }),
    serverInfo: answer.serverInfo,
  };
  const members = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const lines = tools.map((tool) => `    ${JSON.stringify(tool)}`).join(',\n');
  let text = `{\n${members.join(',\n')},\n  "tools": [\n${lines}\n  ]\n}\n`;
  for (const [path, shown] of Object.entries(hidden)) text = text.replaceAll(path, shown);
  JSON.parse(text);
  writeFileSync(join(here, 'servers', `${recipe.name}.json`), text);
  process.stdout.write(
    `recorded ${recipe.name} ${info.version} ${licence}: ${tools.length} tools, ${text.length} chars\n`,
  );
}

/**
 * The licence and notice files of the package, as published: most licences want to travel with what they cover. A long
 * notice is about code bundled into the package, none of which is recorded.
 */
function saveLicence(recipe) {
  const folder = join(scratch, recipe.name, 'node_modules', recipe.package);
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|notice)(\.(md|txt))?$/i.test(name));
  const texts = files.map((name) => readFileSync(join(folder, name), 'utf8').trim());
  if (texts.length === 0) return;
  const text = texts.filter((content) => content.length < 20_000).join('\n\n');
  mkdirSync(join(here, 'licences'), { recursive: true });
  writeFileSync(join(here, 'licences', `${recipe.name}.txt`), `${text}\n`);
}

function writeTable() {
  const lists = readdirSync(join(here, 'servers'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(here, 'servers', file), 'utf8')));
  const rows = lists.map((l) => `| ${l.server} | ${l.package} | ${l.version} | ${l.licence} | ${l.tools.length} |`);
  const total = lists.reduce((sum, list) => sum + list.tools.length, 0);
  const head = ['| Server | Package | Version | Licence | Tools |', '|---|---|---|---|---:|'];
  const table = [...head, ...rows, `| ${lists.length} servers | | | | ${total} |`].join('\n');
  const path = join(here, 'README.md');
  const readme = readFileSync(path, 'utf8');
  const between = /(<!-- table -->\n)[\s\S]*(\n<!-- \/table -->)/;
  writeFileSync(
    path,
    readme.replace(between, (_, start, end) => start + table + end),
  );
}

/** The repository of a package.json (`git+https:`, `git@host:`, `owner/name`) as an address that opens in a browser. */
function webAddress(repository) {
  return repository
    ?.replace(/^(?:github:)?([\w.-]+\/[\w.-]+)$/, 'https://github.com/$1')
    .replace(/^git\+/, '')
    .replace(/^(?:ssh:\/\/)?git@([^:/]+)[:/]/, 'https://$1/')
    .replace(/^git:\/\//, 'https://')
    .replace(/\.git$/, '');
}

function open(child) {
  const waiting = new Map();
  let lastId = 0;
  let changed = false;
  let errors = '';
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const fail = (error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.stdin.on('error', () => {});
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-600);
  });
  child.on('error', fail);
  const exited = new Promise((done) => child.once('close', done));
  exited.then((code) => fail(new Error(`exited with ${code}: ${errors.trim().slice(-400)}`)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return; // servers print banners
    }
    if (message.method === 'notifications/tools/list_changed') changed = true;
    else if (message.method === 'roots/list') send({ id: message.id, result: { roots: [] } });
    else if (message.method === 'ping') send({ id: message.id, result: {} });
    else if (message.method !== undefined && message.id !== undefined)
      send({ id: message.id, error: { code: -32601, message: 'not here' } });
    else if (message.method === undefined) settle(message);
  });
  const settle = ({ id, result, error }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error) call?.reject(new Error(`${error.code} ${error.message}`));
    else call?.resolve(result);
  };
  return {
    changed: () => changed,
    notify: (method) => send({ method }),
    request(method, params) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${method}: no answer. ${errors.trim()}`)), START_MS);
        const over = (act) => (value) => {
          clearTimeout(timer);
          act(value);
        };
        waiting.set(id, { resolve: over(resolve), reject: over(reject) });
        send({ id, method, params });
      });
    },
    async close() {
      child.stdin.end();
      // The whole group: some servers start a browser or a worker of their own.
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {}
      child.stdout.destroy();
      child.stderr.destroy();
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}
