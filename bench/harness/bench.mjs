// What a scenario works with: starts targets in front of an upstream, and measures them in interleaved rounds.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Load } from './load.mjs';
import { cpuMs, pinned, startNode } from './processes.mjs';
import { againstOther } from './rates.mjs';
import { listTools } from './session.mjs';

const here = (path) => new URL(`../${path}`, import.meta.url).pathname;
export const UPSTREAM = here('fixtures/upstream.mjs');
export const GATEWAY = here('../dist/main.js');

export class Bench {
  #load;
  #programs = [];
  #folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  #files = 0;
  /** Of targets, and of everything else. */
  #core;
  #aside;
  #compared = [];

  /**
   * `standIn` puts another target in the gateway's place, to try the bench itself; `against` is the program of another
   * build, which takes its turns beside the gateway as `other`.
   */
  constructor({ rounds, seconds, warmup, standIn, program = GATEWAY, against, pin = false }) {
    Object.assign(this, { rounds, seconds, warmup, standIn, program, against });
    this.pin = pin;
  }

  /** Where a target runs, as taskset writes it; undefined: wherever the system likes. */
  get cores() {
    return this.#core;
  }

  get hasGateway() {
    return this.standIn !== undefined || existsSync(this.program);
  }

  /** A fresh path in the run's own folder. */
  path(name) {
    return join(this.#folder, `${this.#files++}-${name}`);
  }

  /** Arguments of the upstream, for a configuration's `args`. */
  upstreamArgs(options = {}) {
    return [UPSTREAM, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])];
  }

  /** An upstream over HTTP. */
  async startUpstream(options = {}) {
    return this.own(await startNode(this.upstreamArgs({ transport: 'http', ...options }), { cores: this.#aside }));
  }

  async startPass(url) {
    const program = this.own(await startNode([here('floor/pass.mjs'), url], { cores: this.#core }));
    return { ...pick(program), url: `${program.url}/mcp` };
  }

  async startMinimal(upstreams) {
    const program = this.own(
      await startNode([here('floor/minimal.mjs'), this.#write({ upstreams })], { cores: this.#core }),
    );
    return { ...pick(program), url: `${program.url}/mcp` };
  }

  /** The gateway as a user starts it; `url` is its passthrough view. */
  async startGateway(
    upstreams,
    {
      more = {},
      nodeArgs = this.gatewayArgs ?? [],
      dataDir = this.path('data'),
      wait,
      program: main = this.program,
    } = {},
  ) {
    if (this.standIn === 'minimal') return this.startMinimal(upstreams);
    const config = this.#write({ version: 1, upstreams, ...more });
    const args = [
      ...nodeArgs,
      ...this.profileArgs(),
      main,
      'serve',
      '--config',
      config,
      '--port',
      '0',
      '--data-dir',
      dataDir,
    ];
    const program = this.own(await startNode(args, { cores: this.#core }));
    const target = { ...pick(program), url: `${program.url}/mcp/passthrough`, origin: program.url };
    if (wait !== undefined) await this.ready(target, wait);
    return target;
  }

  /** The gateway, and that of the other build as `other` where there is one, both ready; called as `spec` says. */
  async startBuilds(upstreams, spec = {}, options = {}) {
    const programs = { gateway: this.program, ...(this.against !== undefined && { other: this.against }) };
    const builds = {};
    for (const [name, program] of Object.entries(programs)) {
      builds[name] = { ...spec, ...(await this.startGateway(upstreams, { ...options, program })) };
      await this.ready(builds[name]);
    }
    return builds;
  }

  /** `--cpu-prof` for the gateway when a profile was asked for. */
  profileArgs() {
    return this.profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${this.profile}`, '--cpu-prof-interval=200'];
  }

  /** Waits until a target lists at least `tools` tools; resolves with milliseconds since it was started. */
  async ready(target, tools = 1, within = 60_000) {
    const end = performance.now() + within;
    for (;;) {
      const listed = await listTools(target.url).catch(() => []);
      if (listed.length >= tools) return performance.now() - target.startedAt;
      if (performance.now() > end)
        throw new Error(`${target.url} lists ${listed.length} of ${tools} tools\n${target.program.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** pass, minimal and the gateway in front of one HTTP upstream, and the way to it without any of them. */
  async overHttp(options = {}, spec = {}) {
    this.#apart();
    const upstream = await this.startUpstream(options);
    const upstreams = { bench: { url: upstream.url, transport: 'streamable-http' } };
    const [pass, minimal] = [await this.startPass(upstream.url), await this.startMinimal(upstreams)];
    await this.ready(minimal);
    const tool = spec.tool ?? 'echo';
    const routed = { ...spec, kind: 'http', tool: `bench__${tool}` };
    return {
      direct: { ...spec, kind: 'http', url: upstream.url, tool },
      pass: { ...spec, kind: 'http', url: pass.url, pid: pass.pid, tool },
      minimal: { ...routed, url: minimal.url, pid: minimal.pid },
      ...(await this.startBuilds(upstreams, routed)),
    };
  }

  /** The same in front of one stdio upstream; there is nothing that could only pass it on. */
  async overStdio(options = {}, spec = {}) {
    this.#apart();
    const node = [process.execPath, ...this.upstreamArgs({ transport: 'stdio', ...options })];
    const [command, ...args] = pinned(this.#aside, node);
    const upstreams = { bench: { command, args } };
    const minimal = await this.startMinimal(upstreams);
    await this.ready(minimal);
    const tool = spec.tool ?? 'echo';
    const routed = { ...spec, kind: 'http', tool: `bench__${tool}` };
    return {
      direct: { ...spec, kind: 'stdio', command, args0: args, tool },
      minimal: { ...routed, url: minimal.url, pid: minimal.pid },
      ...(await this.startBuilds(upstreams, routed)),
    };
  }

  get load() {
    this.#load ??= new Load(this.#aside);
    return this.#load;
  }

  /**
   * Lets the targets take turns: A B C A B C … Resolves with the rounds of each: {count, rate, p50, p99, max, cpu},
   * cpu being microseconds per call of the target's own process, or of its `pids` together. A target that fails or
   * hangs ends it all, unless `lost(name, error)` returns true: then it goes on without this one. With 0 `turns` they
   * are warmed up only. `who` names the callers where builds are compared.
   */
  async measure(targets, callers, { around, lost, turns = this.rounds, who = callers } = {}) {
    const rounds = {};
    const attempt = async (name, what) => {
      try {
        return await within(this.seconds * 1000 + 30_000, what());
      } catch (error) {
        if (lost?.(name, error) !== true) throw new Error(`${name}: ${error.message}`);
        delete rounds[name];
      }
    };
    for (const [name, { program: _, ...spec }] of Object.entries(targets)) {
      rounds[name] = [];
      await attempt(name, () => this.load.prepare(name, { callers, ...spec }));
    }
    for (const name of Object.keys(rounds)) await attempt(name, () => this.load.run(name, this.warmup * 1000));
    for (let round = 0; round < turns; round++) {
      for (const name of this.#order(Object.keys(rounds), round)) {
        const finish = await around?.(name);
        const result = await attempt(name, () => this.#round(name, targets[name]));
        await finish?.();
        rounds[name]?.push(result);
      }
    }
    for (const name of Object.keys(rounds)) await this.load.closeTarget(name);
    if (turns > 0) this.compare(rounds, who);
    return rounds;
  }

  /** Keeps what these rounds say of the gateway against the other build, where there is one. */
  compare(rounds, callers) {
    this.#compared.push(...againstOther(rounds, callers));
  }

  /** The measures against the other build since the last time. */
  takeCompared() {
    return this.#compared.splice(0);
  }

  /** Two builds are compared by a few percent, and who is before a target costs it as much: every other round goes back. */
  #order(names, round) {
    return this.against !== undefined && round % 2 === 1 ? names.toReversed() : names;
  }

  async #round(name, { pid, pids = pid === undefined ? [] : [pid] }) {
    const spent = () => pids.reduce((sum, one) => sum + cpuMs(one), 0);
    const before = spent();
    const result = await this.load.run(name, this.seconds * 1000);
    return { ...result, cpu: pids.length === 0 ? undefined : ((spent() - before) * 1000) / result.count };
  }

  /** Ends what this scenario started. */
  async end() {
    for (const program of this.#programs.splice(0).reverse()) await program.stop();
    this.#load?.stop();
    this.#load = undefined;
    this.#core = undefined;
    this.#aside = undefined;
    this.#compared = [];
  }

  dispose() {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Ends the program together with the scenario. */
  own(program) {
    this.#programs.push(program);
    return program;
  }

  /**
   * From now on targets have the first core, load and upstreams the others. Where processes that wake each other share
   * a core is decided early and stays so; the same program then costs 95 or 125 µs a call.
   */
  #apart() {
    if (!this.pin) return;
    const cores = availableParallelism();
    this.#core = '0';
    this.#aside = cores === 2 ? '1' : `1-${cores - 1}`;
  }

  #write(config) {
    const path = this.path('config.json');
    writeFileSync(path, JSON.stringify(config));
    return path;
  }
}

/** What `promise` gives, unless it takes longer than `ms`. */
async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${ms} ms`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function pick(program) {
  return { pid: program.pid, startedAt: program.startedAt, startMs: program.startMs, program };
}
