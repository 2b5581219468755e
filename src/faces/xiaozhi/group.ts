// Endpoints that stand in for each other: while an active one is lost, a standby serves (requirements 10.2).
import type { EventStream } from '../../core/events.ts';
import type { Endpoint } from './endpoint.ts';
import { choose } from './score.ts';

export interface GroupDeps {
  events: EventStream;
  random(): number;
}

export class Group {
  readonly name: string;
  readonly #deps: GroupDeps;
  #members: readonly Endpoint[] = [];
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, deps: GroupDeps) {
    this.name = name;
    this.#deps = deps;
  }

  /** `running`: they have been told to start; before that nobody is lost. */
  setMembers(members: readonly Endpoint[], running: boolean): void {
    this.#members = members;
    if (running) this.evaluate();
  }

  /** Promotes at once where an active one is lost; lets standbys go a while after it came back. */
  evaluate(): void {
    // Counted anew each time: whoever is promoted makes this run again from inside.
    for (let now = this.#count(); now.covering.length < now.lost; now = this.#count()) if (!this.#promote()) break;
    const { lost, covering } = this.#count();
    if (covering.length <= lost) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined) {
      const wait = Math.max(...covering.map(({ config }) => config.standDownAfter));
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#standDown();
      }, wait);
      this.#timer.unref();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Active members that are lost, and promoted standbys that stand in for them. */
  #count(): { lost: number; covering: Endpoint[] } {
    const actives = this.#members.filter(({ config }) => config.role === 'active' && config.enabled);
    const promoted = this.#members.filter((member) => member.config.role === 'standby' && member.surface.serving);
    return { lost: actives.filter(({ down }) => down).length, covering: promoted.filter(({ down }) => !down) };
  }

  #promote(): boolean {
    const free = this.#members.filter(
      ({ config, surface }) => config.role === 'standby' && config.enabled && !surface.serving,
    );
    const connected = free.filter((member) => member.connected);
    const cold = free.filter(({ config, state }) => config.standby === 'cold' && state.state === 'idle');
    const candidates = [connected, cold, free].find((some) => some.length > 0) ?? [];
    const strategy = candidates[0]?.config.strategy ?? 'health-based';
    const chosen = choose(candidates, strategy, this.#turn++, () => this.#deps.random());
    if (chosen === undefined) return false;
    chosen.surface.serve(true);
    this.#deps.events.emit({ type: 'endpoint.promoted', endpoint: chosen.name, group: this.name });
    // Also where it is connected: it may be on its way out.
    chosen.connect();
    if (chosen.config.onChange !== 'notify') void chosen.redial();
    return true;
  }

  #standDown(): void {
    const { lost, covering } = this.#count();
    const promoted = this.#members.filter((member) => member.config.role === 'standby' && member.surface.serving);
    // Those that do not serve anyway go first, then those that were chosen last.
    const order = [...promoted.filter(({ down }) => down), ...[...covering].reverse()];
    for (const member of order.slice(0, Math.max(0, promoted.length - lost))) {
      member.surface.serve(false);
      this.#deps.events.emit({ type: 'endpoint.stood_down', endpoint: member.name, group: this.name });
      if (member.config.standby === 'cold') void member.disconnect();
    }
  }
}
