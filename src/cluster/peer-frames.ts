// What one gateway sends another while it works for it: lines of JSON, a result in its own bytes behind its line, so
// that numbers keep their spelling (MP8).
import type { ClientRequest } from '../core/context.ts';
import { type FaultDetails, GatewayFault } from '../core/fault.ts';
import type { FaultName } from '../core/fault-table.ts';
import type { CallTiming, UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import type { Era, RpcError, RpcNotification } from '../core/rpc.ts';

export type PeerFrame =
  | { notify: RpcNotification }
  /** A question to the client; it is answered by another request, under this key. */
  | { ask: ClientRequest; key: string }
  | { answer: { era: Era; timing: CallTiming; error?: RpcError; bytes?: number } }
  | { value: unknown }
  | { fault: { name: FaultName; message: string; details: FaultDetails } };

export function writeFrame(frame: PeerFrame): Buffer {
  return Buffer.from(`${JSON.stringify(frame)}\n`);
}

export function writeAnswer(answer: UpstreamAnswer): Buffer {
  const { era, timing } = answer;
  if ('error' in answer) return writeFrame({ answer: { era, timing, error: answer.error } });
  const { bytes } = answer.result;
  return Buffer.concat([writeFrame({ answer: { era, timing, bytes: bytes.length } }), bytes]);
}

export function writeFault(fault: GatewayFault): Buffer {
  const { upstream, delivery, retryAfterMs, correlationId, hint, data } = fault;
  const details = { upstream, delivery, retryAfterMs, correlationId, hint, data };
  return writeFrame({ fault: { name: fault.fault, message: fault.message, details } });
}

/** A frame as it was heard: an answer with its result. */
export type HeardFrame = Exclude<PeerFrame, { answer: object }> | { answered: UpstreamAnswer };

/** Takes frames apart as they come. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #pending: Extract<PeerFrame, { answer: object }> | undefined;
  readonly #heard: (frame: HeardFrame) => void;

  constructor(heard: (frame: HeardFrame) => void) {
    this.#heard = heard;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    const wanted = this.#pending?.answer.bytes;
    const size = this.#rest.length + this.#chunks.reduce((sum, { length }) => sum + length, 0);
    if (wanted !== undefined && size < wanted) return;
    this.#rest = Buffer.concat([this.#rest, ...this.#chunks]);
    this.#chunks = [];
    this.#read();
  }

  #read(): void {
    for (;;) {
      if (this.#pending !== undefined) {
        const { era, timing, bytes = 0 } = this.#pending.answer;
        if (this.#rest.length < bytes) return;
        const result = Payload.raw(this.#rest.subarray(0, bytes));
        this.#rest = this.#rest.subarray(bytes);
        this.#pending = undefined;
        this.#heard({ answered: { era, timing, result } });
      }
      const end = this.#rest.indexOf(10);
      if (end === -1) return;
      const frame = JSON.parse(this.#rest.subarray(0, end).toString('utf8')) as PeerFrame;
      this.#rest = this.#rest.subarray(end + 1);
      if (!('answer' in frame)) {
        this.#heard(frame);
      } else if (frame.answer.error !== undefined) {
        const { era, timing, error } = frame.answer;
        this.#heard({ answered: { era, timing, error } });
      } else this.#pending = frame;
    }
  }
}

export function faultOf({ name, message, details }: Extract<PeerFrame, { fault: object }>['fault']): GatewayFault {
  return new GatewayFault(name, message, details);
}
