// A sink that remembers everything a transport tells, for tests that await one thing of it.
import type { GatewayFault } from '../../../src/core/fault.ts';
import type { TransportSink } from '../../../src/upstream/transport.ts';
import type { Incoming } from '../../../src/wire/envelope.ts';

export interface Heard {
  message?: Incoming;
  stream?: number | undefined;
  failed?: number;
  closed?: boolean;
  fault?: GatewayFault;
}

export class RecordingSink implements TransportSink {
  readonly heard: Heard[] = [];
  readonly samples: string[] = [];
  #waiting: { test: (heard: Heard) => boolean; resolve: (heard: Heard) => void }[] = [];

  message(message: Incoming, stream?: number): void {
    this.#note({ message, stream });
  }
  failed(id: number, fault: GatewayFault): void {
    this.#note({ failed: id, fault });
  }
  noise(sample: string): void {
    this.samples.push(sample);
  }
  closed(fault: GatewayFault): void {
    this.#note({ closed: true, fault });
  }

  /** The first thing heard, past or future, that passes the test. */
  when(test: (heard: Heard) => boolean): Promise<Heard> {
    const found = this.heard.find(test);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ test, resolve }));
  }

  /** How the request with this id ended: its result or error, or the fault. */
  async end(id: number): Promise<Incoming | GatewayFault> {
    const heard = await this.when(
      ({ message, stream, failed }) =>
        failed === id ||
        ((message?.kind === 'result' || message?.kind === 'error') &&
          (message.id === id || (message.id === undefined && stream === id))),
    );
    return heard.fault ?? (heard.message as Incoming);
  }

  /** The fault with which a request ended; throws if it was answered. */
  async fault(id: number): Promise<GatewayFault> {
    const end = await this.end(id);
    if (!(end instanceof Error)) throw new Error(`request ${id} was answered: ${JSON.stringify(end)}`);
    return end;
  }

  /** The result of a request as a value; throws its fault. */
  async result(id: number): Promise<unknown> {
    const end = await this.end(id);
    if (end instanceof Error) throw end;
    if (end.kind !== 'result') throw new Error(`request ${id} ended with ${JSON.stringify(end)}`);
    return end.result.value;
  }

  #note(heard: Heard): void {
    this.heard.push(heard);
    for (const entry of this.#waiting.splice(0)) {
      if (entry.test(heard)) entry.resolve(heard);
      else this.#waiting.push(entry);
    }
  }
}
