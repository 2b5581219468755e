// The plots that the gateway as a whole and one upstream share.
import type { SampleRow } from '../api/types.ts';
import { milliseconds, number } from '../format.ts';
import { t } from '../i18n/index.ts';
import type { PlotProps } from './plot.tsx';

/** Seconds since 1970. */
export function timesOf(rows: readonly SampleRow[]): number[] {
  return rows.map(({ at }) => Date.parse(at) / 1000);
}

export function valuesOf(rows: readonly SampleRow[], field: keyof SampleRow): (number | null)[] {
  return rows.map((row) => (row[field] as number | undefined) ?? null);
}

export function callsPlot(values: PlotProps['values']): PlotProps {
  const show = (value: number): string => number(value, 1);
  return { title: t('plot.throughput'), label: t('plot.calls'), colour: 'series-1', values, show };
}

export function latencyPlot(values: PlotProps['values']): PlotProps {
  return { title: t('plot.latency'), label: 'p95', colour: 'series-2', values, show: milliseconds, least: 10 };
}
