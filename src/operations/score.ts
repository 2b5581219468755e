// The score of the whole gateway, and whether things get better or worse (requirements 10.1, B-33).
import type { Severity } from '../config/schema-monitor.ts';
import { type Field, type Series, slope } from './series.ts';

export type Trend = 'improving' | 'steady' | 'worsening';

/** Mean of the upstreams' scores weighted by their calls (+1 each), less 10 per critical alert and 5 per other one. */
export function systemScore(
  upstreams: Iterable<{ score: number; calls: number }>,
  open: Iterable<{ severity: Severity }>,
): number {
  let weight = 0;
  let sum = 0;
  for (const { score, calls } of upstreams) {
    weight += calls + 1;
    sum += score * (calls + 1);
  }
  let value = weight === 0 ? 100 : sum / weight;
  for (const { severity } of open) value -= severity === 'critical' ? 10 : 5;
  return Math.max(0, Math.round(value * 10) / 10);
}

/** Points of score per hour that count as a change. */
const NOTICEABLE = 2;

export function trendOf(series: Series | undefined): Trend {
  const perHour = series === undefined ? undefined : slope(series.since('score', 0));
  if (perHour === undefined || Math.abs(perHour) < NOTICEABLE) return 'steady';
  return perHour > 0 ? 'improving' : 'worsening';
}

/** Seconds until a value that grows as it does now reaches `threshold`; undefined when it does not. */
export function secondsTo(threshold: number, series: Series | undefined, field: Field): number | undefined {
  if (series === undefined) return undefined;
  const values = [...series.since(field, 0)];
  const perHour = slope(values);
  const now = values.at(-1)?.value;
  if (perHour === undefined || now === undefined || perHour <= 0 || now >= threshold) return undefined;
  const seconds = ((threshold - now) / perHour) * 3600;
  return seconds > LONGEST_FORECAST ? undefined : Math.round(seconds);
}

/** A day; nobody should trust a longer straight line. */
const LONGEST_FORECAST = 86_400;
