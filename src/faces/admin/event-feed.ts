// What happens, as server-sent events: facts at once, calls together every half second, the overview every two.
import type { Principal } from '../../core/context.ts';
import type { EventStream, GatewayEvent } from '../../core/events.ts';
import { redactValue } from '../../core/redact.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { Refusal } from './api.ts';
import type { AdminDeps } from './deps.ts';

const MOST_READERS = 50;
const CALLS_EVERY = 500;
const OVERVIEW_EVERY = 2_000;
const COMMENT_EVERY = 15_000;
/** Calls told at most in one event; the count says how many there were. */
const MOST_CALLS = 100;
/** A reader that takes nothing is let go when so many bytes wait for it. */
const MOST_WAITING = 1024 * 1024;

/** What a key that may only read is told. */
const FOR_READERS: ReadonlySet<GatewayEvent['type']> = new Set<GatewayEvent['type']>([
  'upstream.state',
  'catalog.changed',
  'config.applied',
  'config.rejected',
  'alert.raised',
  'alert.changed',
  'alert.resolved',
  'process.exited',
  'face.connected',
  'face.lost',
  'endpoint.state',
  'shared.state',
  'endpoint.promoted',
  'endpoint.stood_down',
]);

interface Reader {
  exchange: HttpExchange;
  admin: boolean;
  calls: number;
}

export class EventFeed {
  readonly #deps: AdminDeps;
  readonly #readers = new Set<Reader>();
  #unsubscribe: (() => void) | undefined;
  #timers: NodeJS.Timeout[] = [];
  #closed = false;

  constructor(deps: AdminDeps) {
    this.#deps = deps;
  }

  /** Keeps the exchange open until either side ends it. @throws Refusal */
  open(exchange: HttpExchange, principal: Principal): void {
    if (this.#closed) throw new Refusal(503, 'this gateway is stopping');
    if (this.#readers.size >= MOST_READERS) throw new Refusal(503, `${MOST_READERS} readers of events are enough`);
    const { response, request } = exchange;
    const reader = { exchange, admin: principal.roles.includes('admin'), calls: this.#deps.views.recent(0, 0).count };
    request.resume();
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    this.#readers.add(reader);
    response.on('close', () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#rest();
    });
    this.#work(this.#deps.events);
    this.#send(reader, 'overview', this.#deps.views.overview());
  }

  close(): void {
    this.#closed = true;
    for (const { exchange } of this.#readers) exchange.response.end();
    this.#readers.clear();
    this.#rest();
  }

  #work(events: EventStream): void {
    this.#unsubscribe ??= events.subscribe((event) => this.#event(event));
    if (this.#timers.length > 0) return;
    this.#timers = [
      setInterval(() => this.#calls(), CALLS_EVERY).unref(),
      setInterval(() => this.#all('overview', this.#deps.views.overview()), OVERVIEW_EVERY).unref(),
      setInterval(() => {
        for (const { exchange } of this.#readers) exchange.response.write(':\n\n');
      }, COMMENT_EVERY).unref(),
    ];
  }

  /** Nobody reads: nothing is done any more. */
  #rest(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #event(event: GatewayEvent): void {
    if (
      event.type === 'call.finished' ||
      event.type === 'tokens.saved' ||
      (event.type === 'log' && event.level === 'debug')
    )
      return;
    const clean = redactValue(event, this.#deps.redact);
    for (const reader of this.#readers)
      if (reader.admin || FOR_READERS.has(event.type)) this.#send(reader, event.type, clean);
  }

  #calls(): void {
    const { views } = this.#deps;
    for (const reader of this.#readers) {
      if (!reader.admin) continue;
      const { count, rows } = views.recent(reader.calls, MOST_CALLS);
      if (count === reader.calls) continue;
      this.#send(reader, 'calls', { count: count - reader.calls, calls: rows });
      reader.calls = count;
    }
  }

  #all(type: string, data: unknown): void {
    for (const reader of this.#readers) this.#send(reader, type, data);
  }

  #send({ exchange: { response } }: Reader, type: string, data: unknown): void {
    if (response.writableLength > MOST_WAITING) {
      response.destroy();
      return;
    }
    response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
