// What to do about an upstream that is away: the hint of a fault speaks to the caller of one call, an operator needs
// another word (requirements 10.1).
import { FAULTS, type FaultName } from './fault-table.ts';

/** Shown where a hint of the table would speak of a call that nobody made. */
export const STATE_ADVICE: Partial<Readonly<Record<FaultName, string>>> = {
  UPSTREAM_EXITED:
    'Its process ends by itself: read the last lines of its stderr, then correct its command or variables.',
  UPSTREAM_DISCONNECTED:
    'It is connected again by itself; if that goes on, look at its logs and at what stands between.',
  UPSTREAM_TIMEOUT:
    'It does not answer: see whether it hangs; raise timeouts.start or timeouts.connect if it is only slow.',
  UPSTREAM_UNREACHABLE: 'Check that it runs, and host, port, TLS and proxy; it is tried again by itself.',
  UPSTREAM_FAILED: 'The server itself fails: look at its logs; it is tried again by itself.',
};

/** For a cause of a state of an upstream; a hint that was made for this one cause stays. */
export function stateAdvice({ fault, hint }: { fault: FaultName; hint: string }): string {
  return hint === FAULTS[fault].hint ? (STATE_ADVICE[fault] ?? hint) : hint;
}
