// Logging in to an upstream (OAuth), in a tab of its own.
import { api, path } from '../api/client.ts';
import { t } from '../i18n/index.ts';
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
