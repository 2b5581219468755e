import { spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { descriptorsOf, Sockets } from './descriptors.ts';

/** Listens, connects to the given port, starts a child on its own standard streams, and says so. */
const SERVER = `
const { connect, createServer } = require('node:net');
const { spawn } = require('node:child_process');
createServer().listen(0, '127.0.0.1', () => connect(Number(process.argv[1]), '127.0.0.1', () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: 'inherit' });
  child.on('spawn', () => console.log(child.pid));
}));
`;

describe.skipIf(!existsSync('/proc/self/fd'))('descriptors of a server (C-50)', () => {
  const ends: (() => unknown)[] = [];
  afterAll(() => {
    for (const end of ends) end();
  });

  it('connections are told from pipes to the gateway, also in what the server started', async () => {
    const host = createServer();
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    const { port } = host.address() as { port: number };
    const server = spawn(process.execPath, ['-e', SERVER, String(port)], { detached: true });
    ends.push(
      () => host.close(),
      () => process.kill(-(server.pid as number), 'SIGKILL'),
    );
    const child = await new Promise<number>((resolve) =>
      createInterface(server.stdout).once('line', (line) => resolve(Number(line))),
    );
    const leader = server.pid as number;
    const found = await descriptorsOf(leader, [leader, child]);
    if (found === undefined) throw new Error('/proc tells nothing of an own child');
    const sockets = new Sockets();
    await sockets.look([found]);
    expect(sockets.connections(found)).toBe(1);
    const pipes = ['0', '1', '2'].map((name) => readlinkSync(`/proc/${leader}/fd/${name}`));
    expect(found.sockets.filter((inode) => pipes.includes(`socket:[${inode}]`))).toEqual([]);
  });

  it('a process that is gone tells nothing', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => gone.once('exit', resolve));
    expect(await descriptorsOf(gone.pid as number, [gone.pid as number])).toBeUndefined();
  });
});
