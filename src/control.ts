// What an operator may do to upstreams and tools while the gateway runs (C-55, X-47, issue: dashboard).
import { randomUUID } from 'node:crypto';
import { CallAbort } from './core/call-signal.ts';
import type { CallContext } from './core/context.ts';
import { GatewayFault } from './core/fault.ts';
import type { ConfigControl, Control, ProcessInfo } from './core/ports.ts';
import type { Upstream } from './core/upstream.ts';
import type { Fleet } from './fleet.ts';
import { groupMembers } from './upstream/process/proc.ts';
import { VERSION } from './version.ts';

interface Pause {
  by: string;
  since: number;
  /** Calls that wait for its end. */
  waiting: Set<() => void>;
}

export class FleetControl implements Control {
  readonly #fleet: Fleet;
  readonly #config: ConfigControl;
  readonly #pauses = new Map<string, Pause>();

  constructor(fleet: Fleet, config: ConfigControl) {
    this.#fleet = fleet;
    this.#config = config;
  }

  restart(upstream: string, { force }: { force: boolean }): void {
    this.#need(upstream).restart({ force });
  }

  async setEnabled(upstream: string, enabled: boolean, by: string): Promise<void> {
    this.#need(upstream);
    await this.#edit(
      ['upstreams', upstream, 'enabled'],
      enabled,
      by,
      `${upstream} ${enabled ? 'enabled' : 'disabled'}`,
    );
  }

  async setToolEnabled(upstream: string, tool: string, enabled: boolean, by: string): Promise<void> {
    const known = this.#need(upstream).lists.tools.some(({ name }) => name === tool);
    const disabled = this.#fleet.config(upstream)?.tools.disabled ?? [];
    if (!known && !disabled.includes(tool)) {
      throw new GatewayFault('TOOL_UNKNOWN', `${upstream} has no tool ${JSON.stringify(tool)}`, { upstream });
    }
    const next = enabled ? disabled.filter((name) => name !== tool) : [...new Set([...disabled, tool])];
    await this.#edit(
      ['upstreams', upstream, 'tools', 'disabled'],
      next,
      by,
      `${upstream}/${tool} ${enabled ? 'enabled' : 'disabled'}`,
    );
  }

  pause(upstream: string, by: string): void {
    this.#need(upstream);
    if (!this.#pauses.has(upstream)) this.#pauses.set(upstream, { by, since: Date.now(), waiting: new Set() });
  }

  resume(upstream: string): void {
    const pause = this.#pauses.get(upstream);
    this.#pauses.delete(upstream);
    for (const go of pause?.waiting ?? []) go();
  }

  paused(upstream: string): { by: string; since: number } | undefined {
    const pause = this.#pauses.get(upstream);
    return pause && { by: pause.by, since: pause.since };
  }

  async processes(upstream: string): Promise<readonly ProcessInfo[]> {
    const { pid } = this.#need(upstream).facts();
    if (pid === undefined) return [];
    const members = await groupMembers(pid);
    return members
      .toSorted((a, b) => Number(b.pid === pid) - Number(a.pid === pid))
      .map((stat) => ({ pid: stat.pid, parent: stat.parent, state: stat.state, rss: stat.rss, cpu: stat.cpu }));
  }

  async check(name: string, signal: AbortSignal): Promise<number> {
    const upstream = this.#need(name);
    const began = performance.now();
    const method = upstream.identity?.era === 'modern' ? 'server/discover' : 'ping';
    await upstream.call(
      { method, params: {}, safety: 'read', timeout: this.#fleet.config(name)?.health.timeout },
      askedBy(signal),
    );
    return performance.now() - began;
  }

  /** What a call to a paused upstream waits for; undefined for one that is not paused. @throws GatewayFault UPSTREAM_NOT_READY */
  gate(upstream: string, context: CallContext): Promise<void> | undefined {
    const pause = this.#pauses.get(upstream);
    return pause && this.#wait(upstream, pause, context);
  }

  #wait(upstream: string, pause: Pause, context: CallContext): Promise<void> {
    const ready = this.#fleet.config(upstream)?.timeouts.ready ?? 0;
    const wait = Math.min(ready, context.deadline - performance.now());
    return new Promise((resolve, reject) => {
      const end = (finish: () => void) => {
        clearTimeout(timer);
        pause.waiting.delete(go);
        context.signal.removeEventListener('abort', gone);
        finish();
      };
      const go = () => end(resolve);
      const gone = () =>
        end(() => reject(new GatewayFault('CANCELLED', 'the caller cancelled its call', { upstream })));
      const late = () => {
        const text = `${upstream} was paused by ${pause.by} at ${new Date(pause.since).toISOString()}`;
        reject(
          new GatewayFault('UPSTREAM_NOT_READY', text, { upstream, hint: 'Resume it, or wait until it is resumed.' }),
        );
      };
      const timer = setTimeout(() => end(late), Math.max(0, wait));
      pause.waiting.add(go);
      context.signal.addEventListener('abort', gone, { once: true });
    });
  }

  #need(name: string): Upstream {
    const upstream = this.#fleet.get(name);
    if (upstream === undefined)
      throw new GatewayFault('UPSTREAM_UNKNOWN', `no upstream is called ${JSON.stringify(name)}`);
    return upstream;
  }

  async #edit(path: readonly string[], value: unknown, by: string, reason: string): Promise<void> {
    const outcome = await this.#config.apply({ edits: [{ path, value }] }, { by, reason });
    if (outcome.ok) return;
    const text = outcome.problems.map(({ message }) => message).join('; ');
    throw new GatewayFault('ARGUMENTS_INVALID', `the configuration was not changed: ${text}`, {
      data: { problems: outcome.problems },
    });
  }
}

/** The gateway itself as a caller. */
function askedBy(signal: AbortSignal): CallContext {
  const abort = new CallAbort();
  signal.addEventListener('abort', () => abort.abort(signal.reason), { once: true });
  return {
    id: randomUUID(),
    face: 'admin',
    principal: { id: 'gateway', roles: [] },
    client: {
      era: 'modern',
      revision: '2026-07-28',
      capabilities: {},
      info: { name: 'holdfast', version: VERSION },
      key: 'gateway',
    },
    deadline: Number.POSITIVE_INFINITY,
    signal: abort,
  };
}
