// Logging in: with a key, or with the one-time code of a link, which brings it along.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { LanguageButton, ThemeButton } from '../components/preferences.tsx';
import { t } from '../i18n/index.ts';
import { login, loginProblem } from '../state/session.ts';

export function Login() {
  const key = useSignal('');
  const busy = useSignal(false);
  useEffect(() => {
    document.title = `${t('login.title')} · Holdfast`;
  });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (key.value.trim() === '' || busy.value) return;
    busy.value = true;
    await login({ key: key.value.trim() });
    busy.value = false;
  };
  return (
    <main class="login">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M16 6v17M9 16c0 6 3 9 7 9s7-3 7-9M11 11h10" />
        </svg>
        <h1>{t('login.title')}</h1>
        <p class="lead">{t('login.lead')}</p>
        <LoginProblem />
        <TextField
          label={t('login.key')}
          hint={t('login.key.hint')}
          type="password"
          value={key.value}
          onInput={(value) => {
            key.value = value;
          }}
        />
        <Button kind="main" submit disabled={busy.value || key.value.trim() === ''}>
          {t('login.do')}
        </Button>
        <p class="hint">{t('login.link')}</p>
      </form>
      <div class="actions">
        <LanguageButton />
        <ThemeButton />
      </div>
    </main>
  );
}

function LoginProblem() {
  const problem = loginProblem.value;
  if (problem === undefined) return null;
  const known: Partial<Record<number, string>> = {
    0: `${t('problem.unreachable')} ${t('problem.unreachable.what')}`,
    401: problem.message === 'over' ? t('login.over') : t('login.refused'),
    403: problem.message.includes('code') ? t('login.code') : t('login.refused'),
  };
  return (
    <div class="notice bad" role="alert">
      <Icon name="alert" />
      <p>{known[problem.status] ?? problem.message}</p>
    </div>
  );
}
