// Real gateways and misbehaving servers for one figure; everything started here is ended here, and what stayed is told.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, pause, until } from './client.mjs';
import { processesUnder, stillAlive } from './proc.mjs';

const root = new URL('../../../', import.meta.url).pathname;

/** Command and arguments of test/servers/faulty/<name>.mjs, as a configuration wants them. */
export function faulty(name, { transport = 'stdio', era = 'legacy', port = 0, ledger, stateless, set = {} } = {}) {
  return {
    command: process.execPath,
    args: [
      `${root}test/servers/faulty/${name}.mjs`,
      ...['--transport', transport, '--era', era, '--port', String(port)],
      ...(ledger === undefined ? [] : ['--ledger', ledger]),
      ...(stateless ? ['--stateless'] : []),
      ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ],
  };
}

export const readLedger = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : [];

/** Executions per nonce. */
export function executions(entries) {
  const counts = new Map();
  for (const { event, nonce } of entries) if (event === 'executed') counts.set(nonce, (counts.get(nonce) ?? 0) + 1);
  return counts;
}

export class House {
  #programs = new Set();
  #left = [];
  quick;
  /** What the figure that lasts longest is cut to, if it is. */
  minutes;
  #bin;
  folder = mkdtempSync(join(tmpdir(), 'holdfast-chaos-'));
  client;

  constructor({ quick, program, minutes }) {
    this.quick = quick;
    this.minutes = minutes;
    // In a quick run several figures share two cores with each other.
    this.client = new Client(quick ? 3_000 : 1_000);
    this.#bin = program;
  }

  /** The first in quick mode, the second in a whole run. */
  scale(quick, full) {
    return this.quick ? quick : full;
  }

  file(name) {
    return join(this.folder, name);
  }

  /** A gateway on a free port with this configuration; resolves at its ready line. */
  async gateway(config, { nodeArgs = [], args = [], env = {}, dataDir, configPath, port = 0, wait = true } = {}) {
    const home = mkdtempSync(join(this.folder, 'gateway-'));
    const file = configPath ?? join(home, 'holdfast.json');
    const write = (next) => writeFileSync(file, JSON.stringify(next));
    if (configPath === undefined || !existsSync(file)) write(config);
    const data = dataDir ?? join(home, 'data');
    const program = this.#start(
      [...nodeArgs, ...[this.#bin, 'serve', '--config', file, '--port', String(port), '--data-dir', data], ...args],
      { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', ...env },
    );
    // A whole run takes hours, and what else the machine does then is not its figure's fault.
    const line = await program.line(/^holdfast ready (http\S+?)\/?$/, this.scale(20_000, 60_000));
    const gateway = Object.assign(program, {
      url: line[1],
      port: Number(new URL(line[1]).port),
      dataDir: data,
      configPath: file,
      write,
      killed: false,
      health: async () => await (await fetch(`${line[1]}/health`)).json(),
      /** Waits until the named upstreams (all, if none is named) are in `state`. */
      reached: (state = 'ready', names, within = this.scale(20_000, 60_000)) =>
        until(
          async () => {
            const { upstreams } = await gateway.health();
            return (names ?? Object.keys(upstreams)).every((name) => upstreams[name]?.state === state);
          },
          `${names ?? 'all upstreams'} in ${state}\n${program.stderr.slice(-2000)}`,
          within,
          25,
        ),
      kill: async () => {
        gateway.killed = true;
        program.child.kill('SIGKILL');
        await program.exited;
      },
    });
    if (wait) await gateway.reached();
    return gateway;
  }

  /** A listening server of test/servers/faulty. */
  async upstream(name, options = {}) {
    const { args } = faulty(name, { transport: 'http', ...options });
    const program = this.#start(args, process.env);
    const url = (await program.line(/^ready (\S+)$/))[1];
    const side = async (path, body) =>
      await (
        await fetch(`${new URL(url).origin}${path}`, { method: 'POST', body, headers: { connection: 'close' } })
      ).text();
    return Object.assign(program, {
      url,
      port: Number(new URL(url).port),
      ledger: async () => (options.ledger ? readLedger(options.ledger) : JSON.parse(await side('/ledger', ''))),
      control: (order) => side('/control', JSON.stringify(order)),
    });
  }

  #start(args, env) {
    const child = spawn(process.execPath, args, { env, cwd: this.folder, stdio: ['pipe', 'pipe', 'pipe'] });
    const lines = [];
    const waiting = new Set();
    let stderr = '';
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-2_000_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (lines.length < 10_000) lines.push(line);
      for (const look of waiting) look(line);
    });
    const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const program = {
      child,
      pid: child.pid,
      exited,
      lines,
      get stderr() {
        return stderr;
      },
      line: (pattern, within = 20_000) =>
        new Promise((resolve, reject) => {
          const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
          if (found) return resolve(found);
          const timer = setTimeout(() => reject(new Error(`no ${pattern} in ${within} ms\n${stderr}`)), within);
          waiting.add((line) => {
            const match = pattern.exec(line);
            if (match === null) return;
            clearTimeout(timer);
            resolve(match);
          });
          void exited.then(() => {
            clearTimeout(timer);
            reject(new Error(`ended before ${pattern}\n${stderr}`));
          });
        }),
      running: () => child.exitCode === null && child.signalCode === null,
      /** Ends it and waits; nothing that was under it may run a second later. Zombies of others are for process 1 to reap. */
      stop: async (signal = 'SIGTERM', within = 30_000) => {
        this.#programs.delete(program);
        const under = program.running() ? processesUnder(child.pid) : [];
        const timer = setTimeout(() => child.kill('SIGKILL'), within);
        if (program.running()) child.kill(signal);
        const exit = await exited;
        clearTimeout(timer);
        const end = performance.now() + 1_000;
        while (stillAlive(under).length > 0 && performance.now() < end) await pause(20);
        const left = stillAlive(under);
        // After a SIGKILL of the gateway that is what the figure looks at, not a leak.
        if (signal !== 'SIGKILL') this.#left.push(...left);
        return { ...exit, left };
      },
    };
    this.#programs.add(program);
    return program;
  }

  /** Ends everything. @throws Error naming processes that a stopped gateway left behind */
  async end() {
    this.client.close();
    await Promise.all([...this.#programs].map((program) => program.stop(program.url ? 'SIGTERM' : 'SIGKILL')));
    for (const { pid } of stillAlive(this.#left)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone by itself
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    if (this.#left.length > 0) {
      throw new Error(`left behind: ${this.#left.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`);
    }
  }
}
