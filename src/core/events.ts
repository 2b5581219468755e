// The one stream that everything operational reads: metrics, logs, alerts, history, dashboard. Nobody calls them.
import type { FaceName } from './context.ts';
import type { FaultName } from './fault-table.ts';
import type { HeldWhy } from './held.ts';
import type { JsonObject } from './json.ts';
import type { OutcomeKind } from './outcome.ts';
import type { SharedState } from './shared.ts';
import type { StateName } from './upstream.ts';

export interface CallFinished {
  type: 'call.finished';
  id: string;
  face: FaceName;
  principal: string;
  client: string;
  upstream: string;
  method: string;
  /** Tool, prompt or URI. */
  subject: string;
  outcome: OutcomeKind;
  fault?: FaultName | undefined;
  attempts: number;
  /** Milliseconds. */
  queue: number;
  upstreamTime: number;
  total: number;
  /** Bytes of the result. */
  bytes: number;
  /** Params as they were sent; whoever keeps them longer than the event pays for their memory and their secrets. */
  params?: JsonObject | undefined;
  /** Tokens that a converged view spared its caller with this result, estimated. */
  tokensSaved?: number | undefined;
}

/** An alert as it is told: raised, changed in severity, or resolved. */
export interface AlertEvent {
  type: 'alert.raised' | 'alert.changed' | 'alert.resolved';
  rule: string;
  /** The upstream, or `gateway`. */
  subject: string;
  severity: 'warning' | 'error' | 'critical';
  message: string;
}

export type GatewayEvent =
  | CallFinished
  /** A converged view spared its caller this many tokens with the result of call `id`, estimated. */
  | { type: 'tokens.saved'; id: string; upstream: string; tool: string; tokens: number }
  | { type: 'upstream.state'; upstream: string; from: StateName; to: StateName; reason?: string | undefined }
  /** One of several servers behind one name does something else now; `replica` counts from 1 (requirements 10.2). */
  | {
      type: 'replica.state';
      upstream: string;
      replica: number;
      from: StateName;
      to: StateName;
      reason?: string | undefined;
    }
  | {
      type: 'process.exited';
      upstream: string;
      replica?: number | undefined;
      pid: number;
      code: number | null;
      signal: string | null;
    }
  | { type: 'catalog.changed'; view: string; kinds: readonly ('tools' | 'resources' | 'prompts')[] }
  | {
      type: 'config.applied';
      version: number;
      added: string[];
      removed: string[];
      changed: string[];
      /** Who changed it, and what for; absent where a program applied it. */
      by?: string | undefined;
      reason?: string | undefined;
    }
  | { type: 'config.rejected'; problems: string[] }
  /** The heap is nearly full and calls are refused, or there is room again; `used` is a share of its limit (F-G8). */
  | { type: 'gateway.heap'; full: boolean; used: number }
  /** A mistake of the gateway that no call owns, survived (F-G9). */
  | { type: 'gateway.unexpected'; kind: 'rejection' | 'exception'; correlationId: string; message: string }
  | { type: 'auth.refused'; face: FaceName; reason: string }
  /** An endpoint that the gateway dials: its connection is open, or was lost; `retryInMs` until the next dial. */
  | { type: 'face.connected'; face: FaceName; endpoint: string }
  | { type: 'face.lost'; face: FaceName; endpoint: string; reason: string; retryInMs?: number | undefined }
  /** What an endpoint is doing; `reason` where it is not what was wanted. */
  | { type: 'endpoint.state'; endpoint: string; from: string; to: string; reason?: string | undefined }
  /** A standby of a group took over, or gave the place back (requirements 10.2). */
  | { type: 'endpoint.promoted' | 'endpoint.stood_down'; endpoint: string; group: string }
  /** The store that several gateways share can be used, or why not; calls go on without it (F-R6). */
  | { type: 'shared.state'; state: SharedState; reason?: string | undefined }
  | AlertEvent
  /** Somebody changed something over the management API (requirements X-47: audited). */
  | { type: 'admin.action'; by: string; action: string; subject: string }
  /** An upstream, or a tool of it, is held back until somebody approves it (requirements 10.21). */
  | { type: 'approval.waiting'; upstream: string; tool?: string | undefined; why: HeldWhy }
  /** Somebody approved or rejected an upstream, or a tool of it. */
  | {
      type: 'approval.decided';
      upstream: string;
      tool?: string | undefined;
      decision: 'approved' | 'rejected';
      by: string;
    }
  | {
      type: 'log';
      level: 'debug' | 'info' | 'warn' | 'error';
      text: string;
      upstream?: string | undefined;
      data?: Record<string, unknown>;
    };

export type EventListener = (event: GatewayEvent) => void;

/** A synchronous stream of typed events. A listener that throws is reported to the others as a log event, once. */
export class EventStream {
  #listeners: EventListener[] = [];

  emit(event: GatewayEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        if (event.type === 'log') continue;
        this.emit({ type: 'log', level: 'error', text: `an event listener failed: ${String(error)}` });
      }
    }
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: EventListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }
}
