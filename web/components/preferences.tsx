// Language and theme, at hand on every page.
import { t } from '../i18n/index.ts';
import { language, setLanguage, setTheme, type Theme, theme } from '../state/preferences.ts';
import { Button } from './button.tsx';

export function LanguageButton() {
  const other = language.value === 'en' ? 'zh' : 'en';
  return (
    <Button
      kind="quiet"
      small
      label={other === 'zh' ? '切换到中文' : 'Switch to English'}
      onClick={() => setLanguage(other)}
    >
      {other === 'zh' ? '中文' : 'English'}
    </Button>
  );
}

const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' };
const ICONS = { auto: 'auto', light: 'sun', dark: 'moon' } as const;

export function ThemeButton() {
  const now = theme.value;
  return (
    <Button
      kind="quiet"
      small
      icon={ICONS[now]}
      label={t('theme.now', { theme: t(`theme.${now}`), next: t(`theme.${NEXT[now]}`) })}
      onClick={() => setTheme(NEXT[now])}
    >
      {null}
    </Button>
  );
}
