// The text that Prometheus reads: format 0.0.4, or OpenMetrics 1.0 (X-85, requirements 10.4).
import type { ExposedPage } from '../core/ports.ts';

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';
export type Labels = Readonly<Record<string, string>>;

export const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Characters after which what was written becomes bytes: long texts of many pieces cost more to put together. */
const PART = 16 * 1024;

/** Writes families one after the other; a family's samples stand together, as both formats demand. */
export class Exposition {
  readonly #open: boolean;
  readonly #parts: Buffer[] = [];
  #text = '';
  /** What stands above the first sample of the family that was begun; a family without samples is left out. */
  #head = '';
  readonly #names = new Set<string>();
  /** Label values as they are written: most lines name one of few upstreams, tools and outcomes. */
  readonly #escaped = new Map<string, string>();
  /** Ends of the labels of buckets, by their bounds. */
  readonly #ends = new Map<readonly number[], readonly string[]>();

  constructor(openMetrics: boolean) {
    this.#open = openMetrics;
  }

  /** Writes a whole family. `name` without `_total`. */
  family(name: string, type: MetricType, help: string, write: (sample: Sampled) => void): void {
    write(this.begin(name, type, help));
  }

  /** Begins a family; its samples are written until the next one begins. */
  begin(name: string, type: MetricType, help: string): Sampled {
    if (this.#names.has(name)) throw new Error(`the family ${name} was written before`);
    this.#names.add(name);
    const counter = type === 'counter';
    const info = type === 'info';
    // 0.0.4 calls the family by the name of its sample, and knows no info.
    const shown = this.#open ? name : counter ? `${name}_total` : info ? `${name}_info` : name;
    const unit = /_(seconds|bytes|ratio)$/.exec(name)?.[1];
    const unitLine = this.#open && unit !== undefined ? `# UNIT ${name} ${unit}\n` : '';
    this.#head = `# HELP ${shown} ${escapeHelp(help)}\n# TYPE ${shown} ${info && !this.#open ? 'gauge' : type}\n${unitLine}`;
    const sample = `${name}${counter ? '_total' : info ? '_info' : ''}`;
    return {
      value: (value, labels) => {
        if (value === undefined || Number.isNaN(value)) return;
        this.#add(`${sample}${this.#written(labels)} ${number(value)}\n`);
      },
      histogram: ({ bounds, count, sum, labels }) => {
        // Most lines of a page are buckets: what they have in common is written once.
        const own = this.#written(labels);
        const start = `${name}_bucket${own === '' ? '{' : `${own.slice(0, -1)},`}le="`;
        let below = 0;
        let lines = '';
        this.#endsOf(bounds).forEach((end, index) => {
          below += count(index);
          lines += `${start}${end}${below}\n`;
        });
        this.#add(`${lines}${name}_sum${own} ${number(sum)}\n${name}_count${own} ${below}\n`);
      },
    };
  }

  end(): ExposedPage {
    if (this.#open) this.#text += '# EOF\n';
    this.#parts.push(Buffer.from(this.#text));
    return { type: this.#open ? OPEN_METRICS_TYPE : TEXT_TYPE, parts: this.#parts };
  }

  #add(lines: string): void {
    this.#text += this.#head + lines;
    this.#head = '';
    if (this.#text.length < PART) return;
    this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }

  #endsOf(bounds: readonly number[]): readonly string[] {
    let ends = this.#ends.get(bounds);
    if (ends === undefined) {
      ends = [...bounds.map((bound) => `${number(bound, this.#open)}"} `), '+Inf"} '];
      this.#ends.set(bounds, ends);
    }
    return ends;
  }

  #written(labels: Labels | undefined): string {
    if (labels === undefined) return '';
    let text = '';
    for (const name in labels) {
      const value = labels[name] as string;
      let escaped = this.#escaped.get(value);
      if (escaped === undefined) {
        escaped = escapeLabel(value);
        this.#escaped.set(value, escaped);
      }
      text += `${text === '' ? '{' : ','}${name}="${escaped}"`;
    }
    return text === '' ? '' : `${text}}`;
  }
}

export interface Sampled {
  /** A value that is not known is left out. */
  value(value: number | undefined, labels?: Labels): void;
  /** `count(index)`: what a bucket alone holds; `bounds.length` is the last one. */
  histogram(of: { bounds: readonly number[]; count(index: number): number; sum: number; labels?: Labels }): void;
}

function number(value: number, decimal = false): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return decimal && Number.isInteger(value) ? `${value}.0` : String(value);
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n\r]/g, (char) => (char === '\n' || char === '\r' ? '\\n' : `\\${char}`));
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'));
}
