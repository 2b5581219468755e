// The one way to the management API. Failures become `ApiError`, which says what to do next.
import type { ConfigProblem } from './types.ts';

export class ApiError extends Error {
  /** 0: there was no answer. */
  readonly status: number;
  readonly hint: string | undefined;
  readonly near: readonly string[];
  readonly problems: readonly ConfigProblem[];

  constructor(status: number, message: string, detail: Record<string, unknown> = {}) {
    super(message);
    this.status = status;
    this.hint = typeof detail.hint === 'string' ? detail.hint : undefined;
    this.near = Array.isArray(detail.near) ? detail.near.map(String) : [];
    this.problems = Array.isArray(detail.problems) ? (detail.problems as ConfigProblem[]) : [];
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Called when the login is over. */
let signedOut: () => void = () => {};
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** Where the API is, seen from `/ui`. */
export const BASE = 'api/v1';

/** A path below `/api/v1` from its parts, each of them any text. */
export function path(...parts: readonly string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('');
}

async function send<T>(method: string, url: string, body?: unknown, key?: string): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(BASE + url, {
      method,
      credentials: 'same-origin',
      headers: {
        ...(method !== 'GET' && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(method !== 'GET' && { body: JSON.stringify(body ?? {}) }),
    });
  } catch {
    throw new ApiError(0, 'unreachable');
  }
  const text = await answer.text();
  let value: unknown;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    value = { detail: text.slice(0, 500) };
  }
  if (answer.ok) return value as T;
  if (answer.status === 401 && url !== '/login') signedOut();
  throw failure(answer.status, (value as { detail?: unknown } | null)?.detail);
}

function failure(status: number, detail: unknown): ApiError {
  if (typeof detail === 'string') return new ApiError(status, detail);
  if (Array.isArray(detail)) {
    const said = detail.map(
      (one: { loc?: unknown[]; msg?: string }) => `${(one.loc ?? []).slice(1).join('.')}: ${one.msg ?? ''}`,
    );
    return new ApiError(status, said.join('; '));
  }
  const known = (detail ?? {}) as Record<string, unknown>;
  return new ApiError(status, typeof known.message === 'string' ? known.message : `HTTP ${status}`, known);
}

export const api = {
  get: <T>(url: string, query: Query = {}): Promise<T> => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const words = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return send('GET', words === '' ? url : `${url}?${words}`);
  },
  post: <T>(url: string, body?: unknown): Promise<T> => send('POST', url, body),
  put: <T>(url: string, body?: unknown): Promise<T> => send('PUT', url, body),
  patch: <T>(url: string, body: unknown): Promise<T> => send('PATCH', url, body),
  delete: <T>(url: string): Promise<T> => send('DELETE', url),
  /** With a key, or with the one-time code of a dashboard link. */
  login: (by: { key: string } | { code: string }): Promise<unknown> =>
    'key' in by ? send('POST', '/login', {}, by.key) : send('POST', '/login', by),
};
