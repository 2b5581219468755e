import type { GatewayFault } from './fault.ts';
import type { Payload } from './payload.ts';
import type { Era, RpcError } from './rpc.ts';

/** What an upstream answered: its result untouched, or its own JSON-RPC error, which is an answer too. */
export type UpstreamAnswer = ({ result: Payload } | { error: RpcError }) & {
  /** The era in which it was answered, so that a face knows what to add or strip. */
  era: Era;
  timing: CallTiming;
};

/** Where the time of a call went, in milliseconds. */
export interface CallTiming {
  attempts: number;
  queue: number;
  connect: number;
  upstream: number;
}

/** How a call ended, for whoever records it. */
export type OutcomeKind = 'result' | 'tool-error' | 'rpc-error' | 'fault';

export type Outcome = { kind: 'answer'; answer: UpstreamAnswer } | { kind: 'fault'; fault: GatewayFault };
