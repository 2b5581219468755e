// What is around the gateway: versions, the file, the data directory and who may read it, the port.
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { secretsOf } from '../../config/secrets.ts';
import type { Holder } from '../../store/data-dir.ts';
import { VERSION } from '../../version.ts';
import { t } from '../words.ts';
import type { Finding } from './finding.ts';

/** As package.json says. */
const NODE = [20, 19] as const;

export function checkVersions(running: string | undefined): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < NODE[0] || (major === NODE[0] && minor < NODE[1]);
  const node: Finding = old
    ? {
        check: 'node',
        level: 'error',
        message: t`Node ${process.versions.node} is too old`,
        fix: t`install Node ${NODE.join('.')} or newer`,
      }
    : { check: 'node', level: 'ok', message: t`Node ${process.versions.node}` };
  if (running === undefined || running === VERSION)
    return [node, { check: 'version', level: 'ok', message: t`Holdfast ${VERSION}` }];
  return [
    node,
    {
      check: 'version',
      level: 'warning',
      message: t`the running gateway is version ${running}, this command is ${VERSION}`,
      fix: t`holdfast restart`,
    },
  ];
}

/** A file that holds secrets as they are is for its owner only. */
export async function checkFileMode(file: string, config: Config): Promise<Finding[]> {
  if (process.platform === 'win32') return [];
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0 || secretsOf(config).length === 0) return [];
  return [
    {
      check: 'permissions',
      level: 'warning',
      message: t`${file} holds secrets and can be read by others (mode ${(mode & 0o777).toString(8)})`,
      fix: t`chmod 600 ${file}, or put the secrets into variables: ${`\${env:NAME}`}`,
    },
  ];
}

export async function checkDataDir(path: string): Promise<Finding[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    let parent = dirname(path);
    while (parent !== dirname(parent) && (await stat(parent).catch(() => undefined)) === undefined)
      parent = dirname(parent);
    const able = await access(parent, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (able) return [{ check: 'data-dir', level: 'ok', message: t`${path} is made at the first start` }];
    return [
      {
        check: 'data-dir',
        level: 'error',
        message: t`${path} cannot be made: ${parent} may not be written`,
        fix: t`name another one with --data-dir or HOLDFAST_DATA_DIR`,
      },
    ];
  }
  const writable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable)
    return [
      {
        check: 'data-dir',
        level: 'error',
        message: t`${path} may not be written: state would be kept in memory only`,
        fix: t`chown it to this user, or name another one with --data-dir`,
      },
    ];
  if (process.platform === 'win32') return [{ check: 'data-dir', level: 'ok', message: path }];
  const open = (await modesUnder(path)).filter(({ mode }) => (mode & 0o077) !== 0);
  if (open.length === 0) return [{ check: 'data-dir', level: 'ok', message: path }];
  return [
    {
      check: 'permissions',
      level: 'error',
      message: t`others may read ${open.map(({ file }) => file).join(', ')}: tokens and calls are kept there`,
      fix: t`chmod -R go= ${path}`,
    },
  ];
}

/** The folder itself and what lies directly in it. */
async function modesUnder(path: string): Promise<{ file: string; mode: number }[]> {
  const files = [path, ...(await readdir(path)).map((name) => join(path, name))];
  const modes = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return files.flatMap((file, index) => {
    const found = modes[index];
    // Folders of the demo servers are theirs.
    return found === undefined || (found.isDirectory() && file !== path) ? [] : [{ file, mode: found.mode & 0o777 }];
  });
}

export async function checkPort({ host, port }: Config['server'], holder: Holder | undefined): Promise<Finding[]> {
  if (holder?.url !== undefined)
    return [{ check: 'port', level: 'ok', message: t`the gateway listens on ${holder.url} (pid ${holder.pid})` }];
  if (port === 0) return [{ check: 'port', level: 'ok', message: t`any free port is taken` }];
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? String(error)));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (code === undefined) return [{ check: 'port', level: 'ok', message: t`port ${port} on ${host} is free` }];
  const taken = code === 'EADDRINUSE';
  return [
    {
      check: 'port',
      level: taken ? 'warning' : 'error',
      message: taken
        ? t`port ${port} on ${host} is taken by another program`
        : t`port ${port} on ${host} cannot be listened on (${code})`,
      fix: taken
        ? t`end that program, or give another --port`
        : t`give a port above 1023, or an address of this machine`,
    },
  ];
}
