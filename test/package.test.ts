// The package as somebody gets it: packed, put into an empty project, run and compiled there. And the image, as far as
// that can be checked without an engine.
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program } from './support/program.ts';
import { makeTempDir, removeDir } from './support/temp-dir.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const read = (path: string) => readFile(join(root, path), 'utf8');

interface Manifest {
  version: string;
  files: string[];
  dependencies: Record<string, string>;
}

let folder: string;
let files: string[];
let manifest: Manifest;

beforeAll(async () => {
  folder = await makeTempDir('package');
  manifest = JSON.parse(await read('package.json')) as Manifest;
  // Packed beside the checkout: other tests use its dist/ at the same time.
  const stage = join(folder, 'stage');
  await mkdir(stage);
  const parts = ['package.json', 'README.md', 'LICENSE', ...manifest.files.filter((name) => name !== 'dist')];
  for (const name of parts) await cp(join(root, name), join(stage, name), { recursive: true });
  await run(process.execPath, [join(root, 'scripts/build.mjs'), '--types', '--out', join(stage, 'dist')]);
  // npm writes its logs to a home, and whoever runs this may have none.
  const env = { ...process.env, HOME: folder, npm_config_cache: join(folder, 'npm') };
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: stage,
    env,
  });
  const said = JSON.parse(packed.stdout) as unknown;
  const [tarball] = Object.values(said as Record<string, { filename: string; files: { path: string }[] }>);
  if (tarball === undefined) throw new Error(packed.stdout);
  files = tarball.files.map(({ path }) => path);

  // What `npm install` of the tarball does, with the dependencies that are here already.
  const modules = join(folder, 'project/node_modules');
  await mkdir(join(modules, 'holdfast'), { recursive: true });
  await run('tar', ['-xzf', join(folder, tarball.filename), '--strip-components=1', '-C', join(modules, 'holdfast')]);
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    await mkdir(join(modules, name, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await mkdir(join(modules, '.bin'));
  await symlink('../holdfast/dist/main.js', join(modules, '.bin/holdfast'));
  await writeFile(join(folder, 'project/package.json'), '{"type":"module"}');
});

afterAll(() => removeDir(folder));

const environment = () => ({ PATH: process.env.PATH ?? '', HOME: folder, XDG_STATE_HOME: join(folder, 'state') });

describe('the package', () => {
  it('holds the program, the library, their types, the schema and both READMEs, and nothing of the workshop', () => {
    const wanted = [
      'dist/main.js',
      'dist/index.js',
      'dist/demo.js',
      'dist/types/index.d.ts',
      'dist/ui/index.html.gz',
      'dist/LICENSES.txt',
    ];
    const texts = ['schema/holdfast.schema.json', 'README.md', 'README.zh-CN.md', 'CHANGELOG.md', 'LICENSE'];
    expect(files).toEqual(expect.arrayContaining([...wanted, ...texts]));
    expect(files.filter((path) => /^(src|web|test|bench|scripts|docs|node_modules|\.)/.test(path))).toEqual([]);
  });

  it('brings at most 60 packages, none of which runs a script when it is installed', async () => {
    const { packages } = JSON.parse(await read('package-lock.json')) as {
      packages: Record<string, { dev?: true; hasInstallScript?: true }>;
    };
    const runtime = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    expect(runtime.length).toBeLessThanOrEqual(60);
    expect(runtime.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  });

  it('is locked for every platform, so that `npm ci` takes the file', async () => {
    const { packages } = JSON.parse(await read('package-lock.json')) as {
      packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
    };
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.entries(optionalDependencies),
    );
    const locked = new Set(
      Object.entries(packages).map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`),
    );
    const missing = wanted.filter(([name, version]) => /^\d+\.\d/.test(version) && !locked.has(`${name}@${version}`));
    expect(missing, 'run node scripts/complete-lock.mjs').toEqual([]);
  });

  it('runs as a command', async () => {
    const bin = join(folder, 'project/node_modules/.bin/holdfast');
    const { stdout } = await run(bin, ['--version'], { env: environment() });
    expect(stdout).toBe(`${manifest.version}\n`);
  });

  it('serves a small server of its own where nothing is configured', async () => {
    const bin = join(folder, 'project/node_modules/.bin/holdfast');
    const cwd = join(folder, 'project');
    await using program = new Program(bin, { args: ['serve', '--port', '0'], cwd, env: environment() });
    await program.line(/^holdfast ready http/);
    const call = await run(bin, ['call', 'demo', 'echo', '--args', '{"text":"hi"}'], { cwd, env: environment() });
    expect(call.stdout).toBe('hi\n');
    expect(await program.stop()).toEqual({ code: 0, signal: null });
  });

  it('can be embedded, with types that check what is written', async () => {
    const cwd = join(folder, 'project');
    await writeFile(
      join(cwd, 'right.ts'),
      `import { type CreateTransport, createGateway, defineConfig, type GatewayEvent } from 'holdfast';
const config = defineConfig({ upstreams: { demo: { command: process.execPath, args: [process.argv[2] ?? ''] } } });
const transports: Record<string, CreateTransport> = {};
const gateway = createGateway({ config, transports, port: 0, dataDir: './state' });
gateway.events.subscribe((event: GatewayEvent) => void event.type);
const url: string = await gateway.listen();
gateway.start();
const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'n', version: '1' } } });
const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const answer = await (await fetch(\`\${url}/mcp\`, { method: 'POST', headers, body })).text();
process.stdout.write(answer.includes('"holdfast"') ? 'answered' : answer);
await gateway.stop();
`,
    );
    await writeFile(
      join(cwd, 'wrong.ts'),
      `import { defineConfig } from 'holdfast';\ndefineConfig({ upstream: {} });\n`,
    );
    const compile = async (file: string) => {
      const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--types', 'node', '--ignoreConfig'];
      const compiler = join(root, 'node_modules/typescript/bin/tsc');
      return await run(process.execPath, [compiler, ...options, file], { cwd });
    };
    await compile('right.ts');
    await expect(compile('wrong.ts')).rejects.toMatchObject({ stdout: expect.stringContaining("'upstream'") });
    const demo = 'node_modules/holdfast/dist/demo.js';
    const { stdout } = await run(process.execPath, ['right.js', demo], { cwd, env: environment() });
    expect(stdout).toBe('answered');
  });
});

describe('the image', () => {
  it('copies only what exists and is sent to the engine', async () => {
    const ignored = (await read('.dockerignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(ignored[0]).toBe('*');
    const sent = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const sources = (await instructions())
      .filter(({ name, text }) => name === 'COPY' && !text.includes('--from='))
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      const path = source.replace(/^\.\//, '');
      expect(sent).toContain(path);
      await expect(cp(join(root, path), join(folder, 'copied', path), { recursive: true })).resolves.toBeUndefined();
    }
  });

  it('runs as nobody special, under an init, in the exec form, and knows how it is', async () => {
    const all = await instructions();
    const of = (wanted: string) => all.filter(({ name }) => name === wanted).map(({ text }) => text);
    expect(of('FROM').every((text) => /^node:2[24]-slim( AS \w+)?$/.test(text))).toBe(true);
    expect(of('USER').at(-1)).toBe('node');
    expect(JSON.parse(of('ENTRYPOINT')[0] ?? '')).toEqual(['tini', '--', 'holdfast']);
    expect(JSON.parse(of('CMD')[0] ?? '')[0]).toBe('serve');
    expect(of('HEALTHCHECK')[0]).toContain('/health/live');
    expect(of('ENV').join(' ')).toMatch(/HOST=0\.0\.0\.0\s+PORT=8000/);
    const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK'];
    expect(all.map(({ name }) => name).filter((name) => ![...known, 'ENTRYPOINT', 'CMD'].includes(name))).toEqual([]);
  });

  it('asks for its health with a program that works', async () => {
    const text = (await instructions()).find(({ name }) => name === 'HEALTHCHECK')?.text ?? '';
    const [, command = '[]'] = /CMD (\[.*\])$/.exec(text) ?? [];
    const [node, ...args] = JSON.parse(command) as string[];
    expect(node).toBe('node');
    await expect(run(process.execPath, args, { env: { PORT: '1' } })).rejects.toMatchObject({ code: 1 });
    const cwd = join(folder, 'project');
    const args0 = ['serve', '--port', '0', '--data-dir', join(folder, 'health')];
    await using program = new Program(join(cwd, 'node_modules/.bin/holdfast'), {
      args: args0,
      cwd,
      env: environment(),
    });
    const [, port = ''] = await program.line(/^holdfast ready http:\/\/127\.0\.0\.1:(\d+)/);
    await run(process.execPath, args, { env: { PORT: port } });
    await program.stop();
  });

  it('is composed with a key, a stop time and a state that stays', async () => {
    const text = await read('compose.yaml');
    expect(text).toMatch(/HOLDFAST_API_KEY: \$\{HOLDFAST_API_KEY:\?/);
    expect(text).toMatch(/stop_grace_period: 30s/);
    expect(text).toMatch(/"127\.0\.0\.1:8000:8000"/);
    const mounted = [...text.matchAll(/^ {6}- (?!\.)(\w+):\//gm)].map(([, name]) => name);
    const declared = [...(text.split(/^volumes:$/m)[1] ?? '').matchAll(/^ {2}(\w+):$/gm)].map(([, name]) => name);
    expect(mounted).toEqual(declared);
    expect(mounted).toContain('state');
  });
});

/** The Dockerfile as instructions, with continued lines joined. */
async function instructions(): Promise<{ name: string; text: string }[]> {
  const text = (await read('Dockerfile')).replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ')[0] as string, text: line.slice(line.indexOf(' ') + 1).trim() }));
}
