// One call as a line of JSON, written by hand: most of its texts are the same from call to call, so that they are
// cleaned of secrets and quoted once.
import type { KeptCall } from './calls.ts';

const MOST_QUOTED = 2000;
/** An id that the gateway made; one that a caller chose may be anything. */
const OWN_ID = /^[0-9a-f-]{36}$/;

export class LineWriter {
  readonly #redact: (text: string) => string;
  readonly #quoted = new Map<string, string>();
  #at = 0;
  #iso = '';

  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  line(row: KeptCall, ownId: string): string {
    if (row.at !== this.#at) {
      this.#at = row.at;
      this.#iso = new Date(row.at).toISOString();
    }
    const id = OWN_ID.test(ownId) ? `"${ownId}"` : JSON.stringify(this.#redact(ownId));
    const fault = row.fault === undefined ? '' : `,"fault":"${row.fault}"`;
    const saved = row.saved > 0 ? `,"tokensSaved":${row.saved}` : '';
    const given = row.arguments === undefined ? '' : `,"arguments":${row.arguments}`;
    return `{"at":"${this.#iso}","id":${id},"face":"${row.face}","client":${this.#quote(row.client)},"upstream":${this.#quote(row.upstream)},"method":${this.#quote(row.method)},"subject":${this.#quote(row.subject)},"outcome":"${row.outcome}"${fault},"attempts":${row.attempts},"queue":${thousandths(row.queue)},"upstreamTime":${thousandths(row.upstreamTime)},"total":${thousandths(row.total)},"bytes":${row.bytes}${saved}${given}}\n`;
  }

  /** Secrets of the configuration may be other ones now. */
  forget(): void {
    this.#quoted.clear();
  }

  #quote(text: string): string {
    const known = this.#quoted.get(text);
    if (known !== undefined) return known;
    const quoted = JSON.stringify(this.#redact(text));
    if (this.#quoted.size >= MOST_QUOTED) this.#quoted.clear();
    this.#quoted.set(text, quoted);
    return quoted;
  }
}

function thousandths(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
