// What the process does about a mistake that nobody caught (F-G9): a call that hit it has failed by then or will by its
// deadline; the others must not pay for it as long as the process is in a known state.
import { randomUUID } from 'node:crypto';
import type { EventStream } from '../core/events.ts';

/**
 * Tells every one with a correlation id and goes on, except after an exception in the middle of our own work: what that
 * left behind nobody knows, so `unsure` is called, which should answer what was accepted and end the process.
 */
export function surviveUnexpected(events: EventStream, unsure: () => void): void {
  const tell = (kind: 'rejection' | 'exception', thrown: unknown): void => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const correlationId = randomUUID();
    events.emit({ type: 'gateway.unexpected', kind, correlationId, message: error.message });
    const data = { id: correlationId, stack: error.stack };
    events.emit({ type: 'log', level: 'error', text: `stack of the unexpected ${kind}`, data });
  };
  process.on('unhandledRejection', (reason) => tell('rejection', reason));
  process.on('uncaughtException', (error) => {
    tell('exception', error);
    if (!isOfTheSystem(error)) unsure();
  });
}

/** An `error` event of a socket, pipe or child without a listener: that thing has ended, and nothing else has. */
function isOfTheSystem(error: NodeJS.ErrnoException): boolean {
  return typeof error.code === 'string' && typeof error.syscall === 'string';
}
