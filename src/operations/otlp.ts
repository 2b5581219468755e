// Spans to a collector: OTLP over HTTP in its JSON form, a batch at a time. About a hundred lines instead of a dozen
// packages; nothing of it is loaded or runs unless tracing is switched on.
import type { TracingConfig } from '../config/schema-monitor.ts';
import { PostRefused, post } from './post.ts';

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  tracestate: string | undefined;
  name: string;
  /** 2: server, 3: client. */
  kind: 2 | 3;
  /** Milliseconds since 1970, with fractions. */
  start: number;
  end: number;
  attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Set where it failed. */
  error: string | undefined;
}

export interface ExporterOptions {
  config: TracingConfig;
  version: string;
  warn(text: string): void;
  /** Milliseconds between two batches. */
  every?: number | undefined;
}

const EVERY = 5_000;
const BATCH = 512;
const MOST_WAITING = 4_096;
const TIMEOUT = 10_000;
const LAST_TIMEOUT = 2_000;

export class OtlpExporter {
  readonly #options: ExporterOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: Span[] = [];
  #sending: Promise<void> | undefined;
  #failing = false;
  /** Spans that nobody took. */
  dropped = 0;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#begin(), options.every ?? EVERY).unref();
  }

  add(span: Span): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.dropped++;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= BATCH) this.#begin();
  }

  /** Sends what is left, for a moment. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    if (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0), LAST_TIMEOUT);
  }

  #begin(): void {
    if (this.#waiting.length === 0) return;
    this.#sending ??= this.#send(this.#waiting.splice(0, BATCH), TIMEOUT).finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length >= BATCH) this.#begin();
    });
  }

  async #send(spans: Span[], timeout: number): Promise<void> {
    const { config, warn } = this.#options;
    const body = JSON.stringify(this.#request(spans));
    try {
      try {
        await post({ url: config.endpoint, headers: config.headers, body, timeout });
      } catch (error) {
        // Told to come again; once is enough, spans are not worth more.
        if (!(error instanceof PostRefused) || ![429, 502, 503, 504].includes(error.status)) throw error;
        await post({ url: config.endpoint, headers: config.headers, body, timeout });
      }
      this.#failing = false;
    } catch (error) {
      this.dropped += spans.length;
      if (!this.#failing) warn(`the trace collector does not take spans: ${String((error as Error).message)}`);
      this.#failing = true;
    }
  }

  #request(spans: readonly Span[]): object {
    const { config, version } = this.#options;
    const attributes = attributesOf({
      'service.name': config.serviceName,
      'service.version': version,
      'telemetry.sdk.name': 'holdfast',
      'telemetry.sdk.language': 'nodejs',
      'process.pid': process.pid,
    });
    const scope = { name: 'holdfast', version };
    return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope, spans: spans.map(written) }] }] };
  }
}

function written({
  traceId,
  spanId,
  parentSpanId,
  tracestate,
  name,
  kind,
  start,
  end,
  attributes,
  error,
}: Span): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    ...(tracestate !== undefined && { traceState: tracestate }),
    name,
    kind,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(attributes),
    status: error === undefined ? {} : { code: 2, message: error },
  };
}

/** 64 bits do not fit a number; OTLP's JSON writes them as text. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}

function attributesOf(values: Span['attributes']): object[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, value: attribute(value as string | number | boolean) }));
}

function attribute(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
