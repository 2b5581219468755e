// Finds the program a child is to run before anything is spawned, so that "not found" and "not executable" are told as
// such and with the places searched, whatever launcher stands in front of it (F-P11).
import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { GatewayFault } from '../../core/fault.ts';
import type { Environment } from './environment.ts';

interface Wanted {
  upstream: string;
  command: string;
  cwd: string;
  env: Environment;
}

/**
 * The absolute path of the command, searched on the child's own PATH.
 * @throws GatewayFault UPSTREAM_START_FAILED with `errno`, the searched path and `permanent: true`
 */
export async function findCommand(wanted: Wanted, platform: NodeJS.Platform = process.platform): Promise<string> {
  await checkDirectory(wanted);
  const { command, cwd, env } = wanted;
  const named = command.includes('/') || (platform === 'win32' && command.includes('\\'));
  const directories = named ? [''] : searchPath(env, platform);
  let denied: string | undefined;
  for (const directory of directories) {
    for (const extension of extensions(command, env, platform)) {
      const file = path.resolve(cwd, directory, command + extension);
      const verdict = await executable(file);
      if (verdict === 'yes') {
        await checkInterpreter(wanted, file);
        return file;
      }
      if (verdict === 'no') denied ??= file;
    }
  }
  if (denied !== undefined)
    throw refusal(wanted, 'EACCES', `${denied} is not an executable file, or may not be run by this user`, denied);
  const searched = named ? path.resolve(cwd, command) : directories.join(path.delimiter);
  throw refusal(
    wanted,
    'ENOENT',
    `command "${command}" was not found (searched: ${searched || 'an empty PATH'})`,
    searched,
  );
}

function searchPath(env: Environment, platform: NodeJS.Platform): string[] {
  const key = platform === 'win32' ? Object.keys(env).find((name) => name.toUpperCase() === 'PATH') : 'PATH';
  const value = key === undefined ? undefined : env[key];
  // What execvp does where PATH is not set at all.
  return (value ?? '/bin:/usr/bin').split(platform === 'win32' ? ';' : ':');
}

function extensions(command: string, env: Environment, platform: NodeJS.Platform): string[] {
  if (platform !== 'win32') return [''];
  const known = (env.PATHEXT ?? '.COM;.EXE;.BAT;.CMD').split(';').filter((ending) => ending !== '');
  const has = known.some((ending) => command.toLowerCase().endsWith(ending.toLowerCase()));
  return has ? [''] : known;
}

async function executable(file: string): Promise<'yes' | 'no' | 'absent'> {
  try {
    if (!(await stat(file)).isFile()) return 'no';
    await access(file, constants.X_OK);
    return 'yes';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'no';
  }
}

async function checkDirectory(wanted: Wanted): Promise<void> {
  let errno: string | undefined;
  try {
    if (!(await stat(wanted.cwd)).isDirectory()) errno = 'ENOTDIR';
    else await access(wanted.cwd, constants.X_OK);
  } catch (error) {
    errno = (error as NodeJS.ErrnoException).code ?? 'ENOENT';
  }
  if (errno === undefined) return;
  const what = { ENOENT: 'does not exist', ENOTDIR: 'is not a directory' }[errno] ?? 'may not be entered';
  throw refusal(wanted, errno, `the working directory ${wanted.cwd} ${what}`, wanted.cwd);
}

/** A script whose interpreter is missing fails with the same ENOENT as a missing script, and nobody can tell why. */
async function checkInterpreter(wanted: Wanted, file: string): Promise<void> {
  const line = await firstLine(file);
  if (!line.startsWith('#!')) return;
  const [interpreter, argument] = line.slice(2).trim().split(/\s+/);
  if (interpreter === undefined || interpreter === '') return;
  if ((await executable(path.resolve(wanted.cwd, interpreter))) === 'absent')
    throw refusal(wanted, 'ENOENT', `${file} is to be run by ${interpreter}, which does not exist`, interpreter);
  if (path.basename(interpreter) !== 'env' || argument === undefined || /[-=/]/.test(argument[0] ?? '')) return;
  if (argument.includes('=')) return;
  for (const directory of searchPath(wanted.env, 'linux'))
    if ((await executable(path.resolve(wanted.cwd, directory, argument))) === 'yes') return;
  const searched = wanted.env.PATH ?? '';
  throw refusal(
    wanted,
    'ENOENT',
    `${file} is to be run by "${argument}", which was not found (searched: ${searched})`,
    searched,
  );
}

async function firstLine(file: string): Promise<string> {
  if (process.platform === 'win32') return '';
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
      return buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? '';
    } finally {
      await handle.close();
    }
  } catch {
    // Executable but not readable is allowed.
    return '';
  }
}

function refusal(wanted: Wanted, errno: string, reason: string, searched: string): GatewayFault {
  return new GatewayFault('UPSTREAM_START_FAILED', `upstream "${wanted.upstream}" cannot start: ${errno}, ${reason}`, {
    upstream: wanted.upstream,
    delivery: 'not-sent',
    data: { permanent: true, errno, command: wanted.command, searched },
  });
}
