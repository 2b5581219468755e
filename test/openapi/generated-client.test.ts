// A client that a public generator makes of our document calls every tool of the bundled servers.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { generate } from 'openapi-typescript-codegen';
import { expect, it } from 'vitest';
import { withTempDir } from '../support/temp-dir.ts';
import { startHouse } from './support/house.ts';

const root = new URL('../..', import.meta.url).pathname;
const KEY = 'a-key-of-the-tests';

type Call = (body?: object) => Promise<unknown>;
interface Client {
  OpenAPI: { BASE: string; TOKEN?: string };
  [service: string]: Record<string, Call> | unknown;
}
interface Document {
  paths: Record<string, { post: { operationId: string; tags: string[]; requestBody?: object } }>;
}

function bundled(name: string, ...args: string[]): { command: string; args: string[] } {
  return {
    command: process.execPath,
    args: [join(root, 'node_modules/@modelcontextprotocol', name, 'dist/index.js'), ...args],
  };
}

/** Arguments of every tool, in the order in which they are called. */
function argumentsIn(files: string): Record<string, object> {
  const file = join(files, 'a.txt');
  return {
    '/everything/echo': { message: 'hello' },
    '/everything/get-annotated-message': { messageType: 'success', includeImage: true },
    '/everything/get-structured-content': { location: 'New York' },
    '/everything/get-sum': { a: 1, b: 2 },
    '/everything/trigger-long-running-operation': { duration: 0.2, steps: 2 },
    '/memory/create_entities': {
      entities: [
        { name: 'a', entityType: 'thing', observations: ['x'] },
        { name: 'b', entityType: 'thing', observations: [] },
      ],
    },
    '/memory/create_relations': { relations: [{ from: 'a', to: 'b', relationType: 'knows' }] },
    '/memory/add_observations': { observations: [{ entityName: 'a', contents: ['y'] }] },
    '/memory/delete_observations': { deletions: [{ entityName: 'a', observations: ['y'] }] },
    '/memory/delete_relations': { relations: [{ from: 'a', to: 'b', relationType: 'knows' }] },
    '/memory/delete_entities': { entityNames: ['b'] },
    '/memory/search_nodes': { query: 'a' },
    '/memory/open_nodes': { names: ['a'] },
    '/files/write_file': { path: file, content: 'one\ntwo\n' },
    '/files/read_file': { path: file },
    '/files/read_text_file': { path: file, head: 1 },
    '/files/read_media_file': { path: file },
    '/files/read_multiple_files': { paths: [file] },
    '/files/edit_file': { path: file, edits: [{ oldText: 'two', newText: 'three' }] },
    '/files/create_directory': { path: join(files, 'sub') },
    '/files/list_directory': { path: files },
    '/files/list_directory_with_sizes': { path: files },
    '/files/directory_tree': { path: files },
    '/files/search_files': { path: files, pattern: '*.txt' },
    '/files/get_file_info': { path: file },
    '/files/move_file': { source: file, destination: join(files, 'b.txt') },
  };
}

/** Tools that need a user who answers, or the network: they are reached, and say so themselves. */
const NEEDS_MORE = /elicitation|sampling|roots|gzip|research/;

it('calls every tool of the bundled servers with a generated client', async () => {
  await withTempDir(async (folder) => {
    const files = join(folder, 'files');
    await mkdir(files);
    await using house = await startHouse({
      key: KEY,
      config: {
        upstreams: {
          everything: bundled('server-everything', 'stdio'),
          memory: { ...bundled('server-memory'), env: { MEMORY_FILE_PATH: join(folder, 'memory.json') } },
          files: bundled('server-filesystem', files),
        },
      },
    });
    await house.ready();
    const document = (await (await fetch(`${house.url}/openapi.json`)).json()) as Document;
    const client = await generatedClient(document, join(folder, 'client'));
    client.OpenAPI.BASE = house.url;
    client.OpenAPI.TOKEN = KEY;

    const given = argumentsIn(files);
    const ordered = [...Object.keys(given), ...Object.keys(document.paths).filter((path) => !(path in given))];
    const failed: string[] = [];
    for (const path of ordered) {
      const operation = document.paths[path]?.post;
      if (operation === undefined) throw new Error(`${path} is not in the document`);
      const service = `${operation.tags[0]?.replace(/^./, (letter) => letter.toUpperCase())}Service`;
      const name = operation.operationId.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase());
      const call = (client[service] as Record<string, Call>)[name];
      if (call === undefined) throw new Error(`the client has no ${service}.${name}`);
      try {
        await call(...(operation.requestBody === undefined ? [] : [given[path] ?? {}]));
      } catch (error) {
        const { status } = error as { status?: number };
        expect([path, status === 422 || status === 500]).toEqual([path, true]);
        failed.push(path);
      }
    }
    expect(ordered.length).toBeGreaterThan(35);
    expect(failed.filter((path) => !NEEDS_MORE.test(path))).toEqual([]);
    expect(await (client.MemoryService as Record<string, Call>).toolMemoryReadGraphPost?.()).toEqual({
      entities: [{ name: 'a', entityType: 'thing', observations: ['x'] }],
      relations: [],
    });
  }, 'generated');
});

/** Generates, compiles and loads a client. */
async function generatedClient(document: object, folder: string): Promise<Client> {
  const source = join(folder, 'source');
  await generate({ input: document as Record<string, unknown>, output: source, httpClient: 'fetch' });
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}');
  const options = [
    '--outDir',
    join(folder, 'out'),
    '--module',
    'node16',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom',
    '--types',
    '',
    '--skipLibCheck',
  ];
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), ...options, join(source, 'index.ts')],
    { stdio: 'inherit', cwd: folder },
  );
  return createRequire(import.meta.url)(join(folder, 'out/index.js')) as Client;
}
