// Logging in to an upstream (OAuth), in a tab of its own.
import { api, path } from '../api/client.ts';
import type { UpstreamView } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { refreshUpstreams } from '../state/live.ts';
import { attempt } from '../state/toasts.ts';
import { Button } from './button.tsx';

/** Leads to where one logs in; the upstream goes on by itself afterwards. */
export function LoginButton({ name }: { name: string }) {
  const login = (): Promise<unknown> =>
    attempt(async () => {
      // Opened at once, or the browser takes it for an advertisement.
      const tab = window.open('', '_blank');
      try {
        const { url } = await api.post<{ url: string }>(path('upstreams', name, 'login'));
        if (!/^https?:/.test(url)) throw new Error(url);
        if (tab === null) location.assign(url);
        else {
          tab.opener = null;
          tab.location.href = url;
        }
      } catch (error) {
        tab?.close();
        throw error;
      }
    });
  return (
    <Button small kind="main" label={`${t('logins.do')} ${name}`} onClick={login}>
      {t('logins.do')}
    </Button>
  );
}

/** Logging in anew, and forgetting the login there is. */
export function LoginActions({ upstream: { name, auth } }: { upstream: UpstreamView }) {
  const logout = async (): Promise<void> => {
    await attempt(() => api.delete(path('upstreams', name, 'login')), t('logins.forgotten', { name }));
    refreshUpstreams(0);
  };
  return (
    <span class="actions">
      <LoginButton name={name} />
      {auth !== undefined && auth.state !== 'needs_login' && (
        <Button small label={`${t('logins.forget')} ${name}`} onClick={logout}>
          {t('logins.forget')}
        </Button>
      )}
    </span>
  );
}
