// Durations and sizes as people write them; parsed once, here, to milliseconds and bytes (requirements 8.1).
import * as z from 'zod';

const DURATION = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$/;
const SIZE = /^\s*(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)\s*$/i;
const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** The longest wait a timer can hold: longer ones would fire at once (setTimeout takes 31 bits). */
export const LONGEST_DURATION = 2 ** 31 - 1;

/** Milliseconds of a duration: a number is seconds, a string names its unit; undefined if it is neither. */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Math.round(value * 1000);
  const match = DURATION.exec(value);
  return match === null ? undefined : Math.round(Number(match[1]) * (MS[match[2] as string] as number));
}

/** Bytes of a size: a number is bytes, a string names its unit (KB is 1024 bytes); undefined if it is neither. */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Math.round(value);
  const match = SIZE.exec(value);
  return match === null
    ? undefined
    : Math.round(Number(match[1]) * (BYTES[(match[2] as string).toUpperCase()] as number));
}

const WRITTEN_DURATION = 'expected a duration: a number of seconds, or a text such as "500ms", "30s", "5m", "1h"';

const duration = (zero: boolean) =>
  z
    .union([z.number().min(0), z.string().regex(DURATION, { error: WRITTEN_DURATION })], { error: WRITTEN_DURATION })
    .transform((value, context) => {
      const ms = parseDuration(value) as number;
      if (ms > LONGEST_DURATION) context.addIssue({ code: 'custom', message: 'must not be longer than 24 days' });
      if (ms === 0 && !zero) context.addIssue({ code: 'custom', message: 'must be longer than 0' });
      return ms;
    });

/** A wait that must not be empty. */
export const someTime = duration(false).meta({ id: 'duration', title: 'duration' });

/** A wait that may be 0. */
export const anyTime = duration(true).meta({ id: 'durationOrZero', title: 'duration' });

const WRITTEN_SIZE = 'expected a size: a number of bytes, or a text such as "64KB", "4MB"';

/** An amount of bytes, at least 1. */
export const size = z
  .union([z.number().int().min(1), z.string().regex(SIZE, { error: WRITTEN_SIZE })], { error: WRITTEN_SIZE })
  .transform((value) => parseSize(value) as number)
  .meta({ id: 'size', title: 'size' });
