// Starts one child as the leader of its own process group, through no shell (reliability §3, Start).
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { GatewayFault } from '../../core/fault.ts';
import type { TransportLog } from '../transport.ts';
import { type ContainerRun, containerRun } from './container.ts';
import { checkDescriptors } from './descriptors.ts';
import { childEnvironment, type Environment, type EnvironmentConfig } from './environment.ts';
import { findCommand } from './lookup.ts';
import { TAG_VARIABLE } from './tag.ts';
import { isShim, shimCommand } from './windows.ts';

export type Log = TransportLog;

export interface ProcessLimits {
  openFiles?: number | undefined;
  processes?: number | undefined;
  /** Bytes. */
  addressSpace?: number | undefined;
}

/** What of an upstream's configuration concerns its process. */
export interface ProcessConfig extends EnvironmentConfig {
  command?: string | undefined;
  args?: readonly string[] | undefined;
  cwd?: string | undefined;
  supervisor?: { nice?: number | undefined; limits?: ProcessLimits | undefined } | undefined;
}

export interface SpawnPlan {
  upstream: string;
  file: string;
  args: readonly string[];
  cwd: string;
  env: Environment;
  verbatim: boolean;
  nice: number | undefined;
  /** Set where the child only stands for a container. */
  container: ContainerRun | undefined;
}

/**
 * Settles everything about the child before it exists: environment, directory, program, launcher.
 * @throws GatewayFault UPSTREAM_START_FAILED, with `permanent` where only a change of configuration helps
 */
export async function planSpawn(upstream: string, config: ProcessConfig, tag: string, log: Log): Promise<SpawnPlan> {
  const { env, origins } = childEnvironment(upstream, config, { [TAG_VARIABLE]: tag });
  const cwd = config.cwd ?? process.cwd();
  const file = await findCommand({ upstream, command: config.command ?? '', cwd, env });
  log('debug', 'environment of the child', { upstream, variables: origins });
  const container = containerRun(file, config.args ?? [], tag);
  const plan = { upstream, cwd, env, verbatim: false, nice: config.supervisor?.nice, container };
  const args = container?.args ?? config.args ?? [];
  if (process.platform === 'win32' && isShim(file))
    return { ...plan, ...shimCommand(file, args, env.ComSpec ?? 'cmd.exe'), verbatim: true };
  // Launchers become the child by exec, so pid, group and exit code are the child's own (requirements 12.1).
  const limited = withLimits([file, ...args], config.supervisor?.limits ?? {}, log);
  const launcher = deathSignalLauncher();
  const line = launcher === undefined ? limited : [launcher, '--pdeathsig', 'TERM', '--', ...limited];
  return { ...plan, file: line[0] as string, args: line.slice(1) };
}

const PRLIMIT = '/usr/bin/prlimit';

/** The command line under the limits that are set; without `prlimit` it is told and runs without them. */
function withLimits(line: string[], limits: ProcessLimits, log: Log): string[] {
  const options = Object.entries({ nofile: limits.openFiles, nproc: limits.processes, as: limits.addressSpace })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `--${name}=${value}`);
  if (options.length === 0) return line;
  if (process.platform === 'linux' && existsSync(PRLIMIT)) return [PRLIMIT, ...options, '--', ...line];
  log('warn', `supervisor.limits has no effect: there is no ${PRLIMIT}`);
  return line;
}

/** On Linux the kernel itself ends a direct child when the gateway is killed, if util-linux's setpriv is there. */
function deathSignalLauncher(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    // Busybox has a setpriv too, which does not know the option.
    return realpathSync('/usr/bin/setpriv').endsWith('/setpriv') ? '/usr/bin/setpriv' : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Spawns. Resolves once the child runs; its streams are piped and not yet read. Its stdout goes to `stdout` where that
 * is given, which is closed here: the child has its own.
 * @throws GatewayFault UPSTREAM_START_FAILED with `errno`; EAGAIN and the like are not permanent (F-P12)
 */
export async function launch(plan: SpawnPlan, log: Log, stdout?: Socket): Promise<ChildProcess> {
  let child: ChildProcess;
  try {
    checkDescriptors(plan.upstream);
    child = spawn(plan.file, plan.args, {
      cwd: plan.cwd,
      env: plan.env,
      shell: false,
      detached: process.platform !== 'win32',
      stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
      windowsHide: true,
      windowsVerbatimArguments: plan.verbatim,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (error) {
    throw error instanceof GatewayFault ? error : spawnFailure(plan, error);
  } finally {
    stdout?.destroy();
  }
  // Later errors (a failed kill, a failed send) concern nobody who waits here.
  child.on('error', (error) => log('debug', 'child process error', { upstream: plan.upstream, error: error.message }));
  if (plan.nice !== undefined && child.pid !== undefined) lowerPriority(child.pid, plan.nice, plan.upstream, log);
  return child;
}

function lowerPriority(pid: number, nice: number, upstream: string, log: Log): void {
  try {
    // At this moment the child has one thread and no children; whatever it starts inherits it.
    setPriority(pid, nice);
  } catch (error) {
    log('warn', `supervisor.nice ${nice} was refused`, { upstream, error: (error as Error).message });
  }
}

const PASSING = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

/** What a failed spawn means: by its errno, and only by that. */
export function spawnFailure(plan: Pick<SpawnPlan, 'upstream' | 'file'>, thrown: unknown): GatewayFault {
  const error = thrown as NodeJS.ErrnoException;
  const errno = error.code ?? 'UNKNOWN';
  const passing = PASSING.has(errno);
  return new GatewayFault(
    'UPSTREAM_START_FAILED',
    `upstream "${plan.upstream}" cannot start: ${errno}, ${error.message}`,
    {
      upstream: plan.upstream,
      delivery: 'not-sent',
      data: { permanent: !passing, errno, command: plan.file },
      ...(passing && { hint: 'The system is out of processes, memory or descriptors; it is tried again by itself.' }),
      cause: error,
    },
  );
}
