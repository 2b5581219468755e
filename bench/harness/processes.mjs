// Programs that the bench starts, and what /proc says they cost.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const running = new Set();

/**
 * Starts a node program (or another `program`) and resolves when a line of its stdout matches `ready`, or when it listens
 * on `port`. With `group` it has a process group of its own, of which nothing outlives it.
 */
export function startNode(
  args,
  {
    ready = /^(?:holdfast )?ready (\S+?)\/?$/,
    env,
    cwd,
    port,
    cores,
    within = 20_000,
    group = false,
    program: binary = process.execPath,
  } = {},
) {
  const began = performance.now();
  const [command, ...rest] = pinned(cores, [binary, ...args]);
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: env ?? process.env,
    cwd,
    detached: group,
  });
  const kill = () => (group ? killGroup(child.pid) : child.kill('SIGKILL'));
  running.add(kill);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(-200_000);
  });
  const exited = new Promise((resolve) => child.once('exit', resolve)).finally(() => {
    running.delete(kill);
    if (group) killGroup(child.pid);
  });
  const program = {
    pid: child.pid,
    child,
    exited,
    get stderr() {
      return stderr;
    },
    async stop(signal = 'SIGTERM', grace = 10_000) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const timer = setTimeout(kill, grace);
      await exited;
      clearTimeout(timer);
    },
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      kill();
      reject(new Error(`not ready within ${within} ms: ${args.join(' ')}\n${stderr}`));
    }, within);
    const up = (url) => {
      clearTimeout(timer);
      resolve(Object.assign(program, { url, startMs: performance.now() - began, startedAt: began }));
    };
    if (port === undefined) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const match = ready.exec(line);
        if (match !== null) up(match[1]);
      });
    } else {
      child.stdout.resume();
      void listening(port, () => child.exitCode === null && performance.now() - began < within).then(
        (yes) => yes && up(`http://127.0.0.1:${port}`),
      );
    }
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended (${code}): ${args.join(' ')}\n${stderr}`));
    });
  });
}

/** A command that runs on these cores only; `taskset` executes it, so the process id stays. */
export function pinned(cores, command) {
  return cores === undefined ? command : ['taskset', '-c', cores, ...command];
}

/** Waits until something accepts connections on a port; false when `wanted` no longer holds. */
async function listening(port, wanted) {
  while (wanted()) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** Ends whatever is still running; for the way out after a failure. */
export function killAll() {
  for (const kill of running) kill();
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left of it
  }
}

/** CPU time of a process and its threads so far, in milliseconds. */
export function cpuMs(pid) {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    } catch {
      // the thread ended between two looks
    }
  }
  return total;
}

/** Resident memory of a process in MiB. */
export function rssMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** Direct children. */
export function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
}
