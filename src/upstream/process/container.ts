// A `docker run` or `podman run` child is only the messenger: the container belongs to a daemon and outlives it. It is
// started with a label of ours and removed by it, so that no container of anybody else is ever touched (10.31, F-P18).
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from './environment.ts';

const LABEL = 'io.github.holdfast.tag';
/** For one call of the command line tool, in milliseconds. */
const CALL_LIMIT = 5000;

/** How to reach whoever runs the container; enough to remove it, also for a later gateway. */
export interface ContainerHost {
  /** Absolute path of the command line tool. */
  file: string;
  /** Its options before the subcommand: which daemon, which context. */
  options: string[];
}

export interface ContainerRun {
  host: ContainerHost;
  /** The arguments with our label and file for the id. */
  args: string[];
  cidFile: string;
}

/** Options before the subcommand that are followed by a value of their own. */
const VALUED = new Set([
  ...['-c', '--context', '-H', '--host', '-l', '--log-level', '--config', '--tlscacert', '--tlscert', '--tlskey'],
  ...['--connection', '--url', '--identity', '--root', '--runroot', '--storage-driver', '--cgroup-manager'],
]);

/** Undefined unless this command runs a container. */
export function containerRun(file: string, args: readonly string[], tag: string): ContainerRun | undefined {
  if (!/^(docker|podman)(\.exe)?$/i.test(path.basename(file))) return undefined;
  let at = 0;
  while (args[at]?.startsWith('-')) at += VALUED.has(args[at] as string) ? 2 : 1;
  const options = args.slice(0, at);
  if (args[at] === 'container') at++;
  if (args[at] !== 'run') return undefined;
  const rest = args.slice(at + 1);
  const given = cidFileOf(rest);
  const cidFile = given ?? path.join(tmpdir(), `holdfast-${randomBytes(8).toString('hex')}.cid`);
  const ours = ['--label', `${LABEL}=${tag}`, ...(given === undefined ? ['--cidfile', cidFile] : [])];
  return { host: { file, options }, args: [...args.slice(0, at + 1), ...ours, ...rest], cidFile };
}

function cidFileOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--cidfile' || arg.startsWith('--cidfile='));
  return at < 0 ? undefined : args[at] === '--cidfile' ? args[at + 1] : args[at]?.slice('--cidfile='.length);
}

/**
 * Removes the containers that carry this tag. Gives the ids that were removed.
 * @throws Error when the daemon does not answer; then nothing is known of them
 */
export async function removeContainers(host: ContainerHost, tag: string, env: Environment): Promise<string[]> {
  const filter = ['ps', '--all', '--quiet', '--no-trunc', '--filter', `label=${LABEL}=${tag}`];
  const ids = (await call(host, filter, env)).split(/\s+/).filter((id) => /^[0-9a-f]{12,64}$/.test(id));
  if (ids.length === 0) return [];
  await call(host, ['rm', '--force', ...ids], env);
  return ids;
}

/**
 * The messenger has ended: the container follows. When it was killed before the daemon had named the container, that
 * one may still be on its way, so it is looked for a second time.
 */
export async function removeRun(run: ContainerRun, tag: string, env: Environment): Promise<string[]> {
  const named = await readFile(run.cidFile, 'utf8').catch(() => '');
  // The label finds the container from here on; a file that stays would stop the next start.
  await rm(run.cidFile, { force: true }).catch(() => undefined);
  const removed = await removeContainers(run.host, tag, env);
  if (named.trim() === '' && removed.length === 0) {
    await sleep(500);
    removed.push(...(await removeContainers(run.host, tag, env)));
    await rm(run.cidFile, { force: true }).catch(() => undefined);
  }
  return removed;
}

function call(host: ContainerHost, args: readonly string[], env: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: CALL_LIMIT, killSignal: 'SIGKILL', windowsHide: true } as const;
    const child = execFile(host.file, [...host.options, ...args], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
    child.stdin?.on('error', () => undefined).end();
  });
}
