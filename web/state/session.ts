// Who is logged in.
import { computed, signal } from '@preact/signals';
import { ApiError, api, onSignedOut } from '../api/client.ts';
import type { Session } from '../api/types.ts';
import { replace } from '../router.ts';
import { suggestLanguage } from './preferences.ts';

/** undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
export const isAdmin = computed(() => session.value?.roles.includes('admin') === true);
/** Why somebody has to log in (again). */
export const loginProblem = signal<ApiError | undefined>(undefined);

onSignedOut(() => {
  if (session.value !== undefined && session.value !== null) loginProblem.value = new ApiError(401, 'over');
  session.value = null;
});

async function look(): Promise<void> {
  const known = await api.get<Session>('/session');
  suggestLanguage(known.locale);
  session.value = known;
}

/** With the code of a dashboard link where the address holds one; else with the cookie of an earlier login. */
export async function begin(): Promise<void> {
  const code = /^#code=([\w-]+)/.exec(location.hash)?.[1];
  if (code !== undefined) {
    // Used up with this; it shall not stay in the history.
    replace('#/');
    return await login({ code });
  }
  try {
    await look();
  } catch (error) {
    session.value = null;
    if (error instanceof ApiError && error.status !== 401) loginProblem.value = error;
  }
}

export async function login(by: { key: string } | { code: string }): Promise<void> {
  try {
    await api.login(by);
    await look();
    loginProblem.value = undefined;
  } catch (error) {
    session.value = null;
    loginProblem.value = error instanceof ApiError ? error : new ApiError(0, String(error));
  }
}

export async function logout(): Promise<void> {
  await api.post('/logout').catch(() => undefined);
  loginProblem.value = undefined;
  session.value = null;
}
