// An upstream that waits for approval: known and shown, but nothing of it is started, dialled or listed (10.21).
import type { CallContext } from '../core/context.ts';
import type { GatewayFault } from '../core/fault.ts';
import type { HeldWhy } from '../core/held.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { NO_FACTS, NO_LISTS, type UpstreamCall, type UpstreamFacts, type UpstreamState } from '../core/upstream.ts';
import { refusal } from './refusal.ts';
import type { ReconfigurableUpstream } from './upstream.ts';

/** Stands in the place of the upstream until it is approved; it is replaced whole then. */
export class QuarantinedUpstream implements ReconfigurableUpstream {
  readonly name: string;
  readonly state: UpstreamState;
  readonly identity = undefined;
  readonly lists = NO_LISTS;

  constructor(name: string, why: HeldWhy) {
    this.name = name;
    this.state = { state: 'quarantined', why, since: Date.now() };
  }

  facts(): UpstreamFacts {
    return NO_FACTS;
  }

  #refused(correlationId?: string): GatewayFault {
    return refusal(this.name, this.state, Date.now()).with(correlationId === undefined ? {} : { correlationId });
  }

  async call(_: UpstreamCall, { id }: CallContext): Promise<UpstreamAnswer> {
    throw this.#refused(id);
  }

  async whenUp({ id }: CallContext): Promise<void> {
    throw this.#refused(id);
  }

  async subscribe(_: string, { id }: CallContext): Promise<UpstreamAnswer | undefined> {
    throw this.#refused(id);
  }

  async unsubscribe(): Promise<void> {}

  onNotification(): () => void {
    return () => undefined;
  }

  onChange(): () => void {
    return () => undefined;
  }

  start(): void {}

  async stop(): Promise<void> {}

  /** @throws GatewayFault: it is not started by whoever may restart it */
  restart(): void {
    throw this.#refused();
  }

  reconfigure(): void {}

  inherit(): void {}
}
