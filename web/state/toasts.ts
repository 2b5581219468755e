// Short words about what was just done, at the edge of the page.
import { signal } from '@preact/signals';
import { ApiError } from '../api/client.ts';
import { explain } from '../components/problem.tsx';

export interface Toast {
  id: number;
  tone: 'good' | 'bad';
  text: string;
}
export const toasts = signal<readonly Toast[]>([]);
let count = 0;

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function tell(tone: Toast['tone'], text: string): void {
  const id = ++count;
  toasts.value = [...toasts.value.slice(-3), { id, tone, text }];
  setTimeout(() => dismiss(id), tone === 'bad' ? 12_000 : 4000);
}

/** Runs something a person asked for, and says how it ended. Gives whether it went well. */
export async function attempt(run: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await run();
    if (done !== undefined) tell('good', done);
    return true;
  } catch (error) {
    const { title, what } = explain(error instanceof ApiError ? error : new ApiError(0, String(error)));
    tell('bad', what === '' ? title : `${title} ${what}`);
    return false;
  }
}
