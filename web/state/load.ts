// Something a page shows: asked for when the page opens, and again whenever what it hangs on changes.
import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { ApiError } from '../api/client.ts';

export interface Loaded<T> {
  value: T | undefined;
  problem: ApiError | undefined;
  loading: boolean;
  again(): void;
}

/** `on`: plain values that make it another question. `revision`: a signal that says the answer may have changed. */
export function useLoad<T>(
  ask: () => Promise<T>,
  on: readonly unknown[],
  revision?: ReadonlySignal<number>,
): Loaded<T> {
  const value = useSignal<T | undefined>(undefined);
  const problem = useSignal<ApiError | undefined>(undefined);
  const loading = useSignal(true);
  const turn = useRef(0);
  const latest = useRef(ask);
  latest.current = ask;

  const look = useCallback(() => {
    const mine = ++turn.current;
    loading.value = true;
    latest.current().then(
      (answer) => {
        if (mine !== turn.current) return;
        value.value = answer;
        problem.value = undefined;
        loading.value = false;
      },
      (error: unknown) => {
        if (mine !== turn.current) return;
        problem.value = error instanceof ApiError ? error : new ApiError(0, String(error));
        loading.value = false;
      },
    );
  }, []);

  useEffect(() => {
    look();
    return () => {
      turn.current++;
    };
  }, on);
  useEffect(() => {
    if (revision === undefined) return;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const first = revision.peek();
    const stop = revision.subscribe((now) => {
      if (now === first) return;
      waiting ??= setTimeout(() => {
        waiting = undefined;
        look();
      }, 200);
    });
    return () => {
      clearTimeout(waiting);
      stop();
    };
  }, [revision]);
  return { value: value.value, problem: problem.value, loading: loading.value, again: look };
}

/** Calls `run` every so many milliseconds while the page can be seen. */
export function useEvery(ms: number, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current();
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
}
