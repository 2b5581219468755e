// The text that Prometheus reads: format 0.0.4, or OpenMetrics 1.0 (X-85, requirements 10.4).

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';
export type Labels = Readonly<Record<string, string>>;

export const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Writes families one after the other; a family's samples stand together, as both formats demand. */
export class Exposition {
  readonly #open: boolean;
  readonly #lines: string[] = [];
  readonly #names = new Set<string>();

  constructor(openMetrics: boolean) {
    this.#open = openMetrics;
  }

  /** Begins a family. `name` without `_total`; a family without samples is left out. */
  family(name: string, type: MetricType, help: string, write: (sample: Sampled) => void): void {
    if (this.#names.has(name)) throw new Error(`the family ${name} was written before`);
    this.#names.add(name);
    const before = this.#lines.length;
    const counter = type === 'counter';
    const info = type === 'info';
    // 0.0.4 calls the family by the name of its sample, and knows no info.
    const shown = this.#open ? name : counter ? `${name}_total` : info ? `${name}_info` : name;
    this.#lines.push(`# HELP ${shown} ${escapeHelp(help)}`, `# TYPE ${shown} ${info && !this.#open ? 'gauge' : type}`);
    const unit = /_(seconds|bytes|ratio)$/.exec(name)?.[1];
    if (this.#open && unit !== undefined) this.#lines.push(`# UNIT ${name} ${unit}`);
    const head = this.#lines.length;
    const suffix = counter ? '_total' : info ? '_info' : '';
    write({
      value: (value, labels) => {
        if (value === undefined || Number.isNaN(value)) return;
        this.#lines.push(`${name}${suffix}${written(labels)} ${number(value)}`);
      },
      histogram: ({ bounds, count, sum, labels }) => {
        // Most lines of a page are buckets: their labels are written once.
        const own = written(labels);
        const head = `${name}_bucket${own === '' ? '{' : `${own.slice(0, -1)},`}le="`;
        let below = 0;
        for (let index = 0; index < bounds.length; index++) {
          below += count(index);
          this.#lines.push(`${head}${number(bounds[index] as number, this.#open)}"} ${below}`);
        }
        below += count(bounds.length);
        this.#lines.push(`${head}+Inf"} ${below}`);
        this.#lines.push(`${name}_sum${own} ${number(sum)}`, `${name}_count${own} ${below}`);
      },
    });
    if (this.#lines.length === head) this.#lines.length = before;
  }

  end(): { type: string; text: string } {
    const lines = this.#open ? [...this.#lines, '# EOF'] : this.#lines;
    return { type: this.#open ? OPEN_METRICS_TYPE : TEXT_TYPE, text: `${lines.join('\n')}\n` };
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

function written(labels: Labels | undefined): string {
  if (labels === undefined) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n\r]/g, (char) => (char === '\n' || char === '\r' ? '\\n' : `\\${char}`));
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'));
}
