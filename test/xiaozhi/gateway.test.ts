// Endpoints of a whole gateway, as a user runs it: the commands of the page, a file of xiaozhi-client, a reload.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Program } from '../support/program.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { type CloudConnection, CloudSimulator, type Message, tokenFor } from './simulators/cloud.ts';

const root = new URL('../..', import.meta.url).pathname;
const SERVER = join(root, 'test/servers/plain/stdio.mjs');
const PAGES = ['coming-from-xiaozhi-client.md', 'coming-from-xiaozhi-client.zh-CN.md'];
const page = (name: string) => readFile(join(root, 'docs/how-to', name), 'utf8');
const code = (text: string, language: string) =>
  [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , body]) => body as string);

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function cloudOf(): Promise<CloudSimulator> {
  const cloud = await CloudSimulator.start({ deadline: 5_000, followsChanges: true });
  ends.push(() => cloud.stop());
  return cloud;
}

/** Runs one line of a shell in which `holdfast` is this gateway on any port. */
async function shell(line: string, folder: string): Promise<Program> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const main = join(root, 'dist/main.js');
  const script = `#!/bin/sh\nverb=$1; shift\nexec '${process.execPath}' '${main}' "$verb" --port 0 --data-dir '${folder}/data' "$@"\n`;
  await writeFile(join(bin, 'holdfast'), script, { mode: 0o755 });
  // Stands for the package runner, which would look on the network.
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nexec '${process.execPath}' '${SERVER}'\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, LANG: 'C.UTF-8' };
  const command = line.replace('holdfast serve', 'exec holdfast serve');
  const program = new Program('/bin/sh', { args: ['-c', command], cwd: folder, env });
  ends.push(async () => {
    program.child.kill('SIGTERM');
    await program.exited;
  });
  await program.line(/^holdfast ready/);
  return program;
}

/** Tool names, once the server behind the gateway is there. */
async function tools(connection: CloudConnection): Promise<string[]> {
  await connection.message(({ id }) => id === 1);
  await expect.poll(() => connection.list(), { timeout: 10_000 }).toContain('get_result');
  return connection.list();
}

describe('docs/how-to/coming-from-xiaozhi-client', () => {
  it('says the same in both languages: code and rows', async () => {
    const [english = '', chinese = ''] = await Promise.all(PAGES.map(page));
    for (const language of ['sh', 'json']) expect(code(chinese, language)).toEqual(code(english, language));
    const rows = (text: string) => text.split('\n').filter((line) => line.startsWith('|')).length;
    expect(rows(chinese)).toBe(rows(english));
  });

  it('has commands that work as they stand there (D-05, D-30, 8.2)', async () => {
    // The daemon's is run by test/e2e/old-commands.test.ts.
    const commands = code(await page(PAGES[0] as string), 'sh').filter((line) => !/ -d\s*$/.test(line));
    expect(commands).toHaveLength(4);
    for (const line of commands) {
      await withTempDir(async (folder) => {
        const cloud = await cloudOf();
        const mcpServers = { plain: { command: process.execPath, args: [SERVER] } };
        const file = JSON.stringify({ mcpEndpoint: [cloud.url('YOUR-TOKEN'), '<请填写你的接入点地址>'], mcpServers });
        await mkdir(join(folder, '.xiaozhi-client'));
        await writeFile(join(folder, 'xiaozhi.config.json'), `\ufeff${file}`);
        await writeFile(join(folder, '.xiaozhi-client/xiaozhi.config.json'), file);
        await writeFile(join(folder, 'mcp_config.json'), JSON.stringify({ mcpServers }));
        const opened = cloud.next();
        await shell(line.trim().replace('wss://api.xiaozhi.me/mcp/?token=YOUR-TOKEN', cloud.url('YOUR-TOKEN')), folder);
        const connection = await opened;
        expect((await tools(connection)).some((name) => name.endsWith('echo'))).toBe(true);
        expect(connection.initialiseTime).toBeLessThan(10_000);
        await ends.pop()?.();
        expect(await connection.closed).toMatchObject({ code: 1000 });
      });
    }
  });
});

describe('a gateway with endpoints', () => {
  it('writes no token, follows its file, and calls tools of its upstreams', async () => {
    await withTempDir(async (folder) => {
      const cloud = await cloudOf();
      const [one, two] = [tokenFor(11), tokenFor(22)];
      const path = join(folder, 'holdfast.json');
      const upstreams = { plain: { command: process.execPath, args: [SERVER] } };
      await writeFile(path, JSON.stringify({ upstreams, endpoints: cloud.url(one) }));
      const opened = cloud.next();
      const gateway = await shell('holdfast serve --config holdfast.json --log-level debug', folder);
      const first = await opened;
      const names = await tools(first);
      const echo = names.find((name) => name.endsWith('echo')) as string;
      const answer = (await first.call(echo, { text: 'hello' })) as { result: Message };
      expect(JSON.stringify(answer.result)).toContain('hello');
      const again = cloud.next();
      await writeFile(
        path,
        JSON.stringify({ upstreams, endpoints: [cloud.url(one), { url: cloud.url(two), view: 'converged' }] }),
      );
      const second = await again;
      expect(await tools(second)).toEqual(['inspect', 'exec', 'resources', 'get_result']);
      expect(
        await second.text('exec', { server_name: 'plain', tool_name: 'echo', arguments: { text: 'deep' } }),
      ).toContain('deep');
      expect(cloud.of(one)).toEqual([first]);
      first.close(4001, one.slice(0, 100));
      await expect.poll(() => gateway.stderr).toMatch(/endpoint agent_11: .*stopped/);
      for (const token of [one, two])
        for (const part of token.split('.').slice(1)) expect(gateway.stderr).not.toContain(part);
    });
  });
});
