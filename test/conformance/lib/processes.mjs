// Every process the runs start, so that none is left behind: not after an error, not after Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** @typedef {import('node:child_process').ChildProcessWithoutNullStreams} Child */

/** @type {Set<Child>} */
const running = new Set();
const STOP = 25_000;

/** @param {Child} child @param {NodeJS.Signals} signal to its whole group */
function signalGroup(child, signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // it is gone already
  }
}

process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  process.once(signal, () => {
    void Promise.all([...running].map((child) => stop(child))).finally(() => process.exit(code));
  });
}

/**
 * Starts a program in a process group of its own; its input stays open until it is stopped.
 * @param {string} command @param {string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] @returns {Child}
 */
export function start(command, args, options = {}) {
  const child = /** @type {Child} */ (spawn(command, args, { ...options, detached: true, stdio: 'pipe' }));
  running.add(child);
  child.on('error', () => running.delete(child));
  child.on('close', () => running.delete(child));
  child.stdin.on('error', () => {});
  return child;
}

/** SIGTERM, and SIGKILL to the group when that was not enough. @param {Child} child @returns {Promise<number | null>} its exit code, null if killed */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const closed = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP);
  await closed;
  clearTimeout(timer);
  signalGroup(child, 'SIGKILL');
  return child.exitCode;
}

/**
 * The first line on stdout that `pick` makes something of.
 * @template T
 * @param {Child} child @param {(line: string) => T | undefined} pick @param {number} timeout milliseconds
 * @returns {Promise<T>}
 */
export function lineOf(child, pick, timeout) {
  return new Promise((resolve, reject) => {
    let text = '';
    let errors = '';
    const timer = setTimeout(() => reject(new Error(`nothing after ${timeout} ms: ${text}${errors}`)), timeout);
    const done = (/** @type {() => void} */ settle) => {
      clearTimeout(timer);
      settle();
    };
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
      text += chunk;
      for (const line of text.split('\n').slice(0, -1)) {
        const found = pick(line);
        if (found !== undefined) return done(() => resolve(found));
      }
    });
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
      errors = (errors + chunk).slice(-4000);
    });
    child.once('error', (error) => done(() => reject(error)));
    child.once('exit', (code) => done(() => reject(new Error(`ended with ${code}: ${errors}`))));
  });
}
