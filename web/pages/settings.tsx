// What this browser shows, what the gateway logs, and who may log in.
import { useSignal } from '@preact/signals';
import { api } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { SelectField } from '../components/field.tsx';
import { Text } from '../components/json.tsx';
import { Keys } from '../components/keys.tsx';
import { Card, Facts, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { t } from '../i18n/index.ts';
import { useLoad } from '../state/load.ts';
import { type Language, language, setLanguage, setTheme, type Theme, theme } from '../state/preferences.ts';
import { isAdmin, session } from '../state/session.ts';
import { attempt } from '../state/toasts.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export function Settings() {
  return (
    <Page title={t('nav.settings')}>
      <div class="columns">
        <Card title={t('settings.browser')}>
          <SelectField
            label={t('settings.language')}
            value={language.value}
            onInput={(value) => setLanguage(value as Language)}
            choices={[
              { value: 'en', label: 'English' },
              { value: 'zh', label: '简体中文' },
            ]}
          />
          <SelectField
            label={t('settings.theme')}
            value={theme.value}
            onInput={(value) => setTheme(value as Theme)}
            choices={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`theme.${value}`) }))}
          />
        </Card>
        <Card title={t('settings.gateway')}>
          <Facts
            rows={[
              [t('settings.version'), session.value?.version],
              [t('settings.you'), `${session.value?.principal} (${session.value?.roles.join(', ')})`],
            ]}
          />
          {isAdmin.value && <Level />}
          {isAdmin.value && (
            <p>
              <a href="api/v1/support-bundle" download="holdfast-support.json">
                {t('settings.bundle')}
              </a>
              <span class="hint"> {t('settings.bundle.hint')}</span>
            </p>
          )}
        </Card>
      </div>
      {isAdmin.value && <Keys />}
      {isAdmin.value && <Link />}
    </Page>
  );
}

function Level() {
  const level = useLoad(() => api.get<{ level: string }>('/log'), []);
  const change = async (value: string): Promise<void> => {
    await attempt(() => api.put('/log', { level: value }), t('settings.levelIs', { level: value }));
    level.again();
  };
  if (level.problem !== undefined) return <Problem error={level.problem} again={level.again} />;
  return (
    <SelectField
      label={t('settings.level')}
      hint={t('settings.level.hint')}
      value={level.value?.level ?? 'info'}
      onInput={(value) => void change(value)}
      choices={LEVELS.map((value) => ({ value, label: value }))}
    />
  );
}

/** For another browser, or another person. */
function Link() {
  const link = useSignal<string | undefined>(undefined);
  const make = (): Promise<unknown> =>
    attempt(async () => {
      const { code } = await api.post<{ code: string }>('/login/codes');
      // By the name under which this browser knows the gateway, which may be another one than its own.
      link.value = `${location.href.replace(/#.*$/, '')}#code=${code}`;
    });
  return (
    <Card title={t('settings.link')}>
      <p class="mute">{t('settings.link.what')}</p>
      <div class="actions">
        <Button onClick={make}>{t('settings.link.make')}</Button>
      </div>
      {link.value !== undefined && <Text text={link.value} label={t('settings.link')} />}
    </Card>
  );
}
