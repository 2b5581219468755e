// Waiting for a fact with a bound: for what gives no event of its own (/proc, files, another process's state).
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds after which it is an error; 30,000 by default, because a machine may be busy. */
  within?: number;
  /** Milliseconds between two looks; 10 by default. */
  every?: number;
  /** What is waited for, for the error message; a function is asked at the end. */
  what?: string | (() => string);
}

/** Looks until `look` gives something truthy and returns that. @throws Error after `within` */
export async function waitFor<T>(
  look: () => T | Promise<T>,
  { within = 30_000, every = 10, what = 'the condition' }: WaitOptions = {},
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const end = performance.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<T, false | null | undefined | 0 | ''>;
    if (performance.now() >= end) {
      throw new Error(`waited ${within} ms for ${typeof what === 'function' ? what() : what}`);
    }
    await delay(every);
  }
}

/** Rejects when `promise` takes longer than `within` milliseconds; its timer never outlives the call. */
export async function inTime<T>(promise: Promise<T>, within: number, what: string | (() => string)): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${within} ms for ${typeof what === 'function' ? what() : what}`)),
      within,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
