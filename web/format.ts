// Numbers and times as people read them, in their language.
import { signal } from '@preact/signals';
import { t } from './i18n/index.ts';
import { language } from './state/preferences.ts';

/** Ticks every second, for "3 s ago". */
export const now = signal(Date.now());
setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1000);

const locale = (): string => (language.value === 'zh' ? 'zh-CN' : 'en-GB');

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}

export function percent(value: number): string {
  return `${number(value, 1)} %`;
}

/** 950 ms, 1.25 s. */
export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value < 1) return `${number(value, 2)} ms`;
  if (value < 10) return `${number(value, 1)} ms`;
  return value < 1000 ? `${number(value)} ms` : `${number(value / 1000, 2)} s`;
}

export function bytes(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value < 1024) return `${number(value)} B`;
  if (value < 1024 ** 2) return `${number(value / 1024, 1)} KB`;
  return value < 1024 ** 3 ? `${number(value / 1024 ** 2, 1)} MB` : `${number(value / 1024 ** 3, 2)} GB`;
}

/** How long something lasts: 8 s, 3 min, 2 h 5 min, 4 d. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t('time.seconds', { n: whole });
  if (whole < 3600) return t('time.minutes', { n: Math.floor(whole / 60) });
  if (whole < 86_400) return t('time.hours', { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
  return t('time.days', { d: Math.floor(whole / 86_400), h: Math.floor((whole % 86_400) / 3600) });
}

export function moment(at: string | number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));
}

export function clock(at: string | number): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: 'medium' }).format(new Date(at));
}

/** "3 s ago", or "in 3 s". */
export function relative(at: string | number): string {
  // The tick only says when to look again: up to a second old, it would put what just happened into the future.
  const seconds = (new Date(at).getTime() - Math.max(now.value, Date.now())) / 1000;
  return seconds > 0.5 ? t('time.in', { time: duration(seconds) }) : t('time.ago', { time: duration(-seconds) });
}
