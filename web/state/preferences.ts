// What this browser remembers: language and theme. Kept in the browser only.
import { effect, signal } from '@preact/signals';

export type Language = 'en' | 'zh';
export type Theme = 'auto' | 'light' | 'dark';

function kept<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(`holdfast.${name}`);
    return allowed.find((one) => one === value) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`holdfast.${name}`, value);
  } catch {
    // A browser that keeps nothing forgets it with the tab.
  }
}

const spoken: Language = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
export const language = signal<Language>(kept('language', ['en', 'zh'], spoken));
export const theme = signal<Theme>(kept('theme', ['auto', 'light', 'dark'], 'auto'));

export function setLanguage(value: Language): void {
  language.value = value;
  keep('language', value);
}

/** The language of the gateway, for who has not chosen one here. */
export function suggestLanguage(locale: Language | 'auto'): void {
  if (locale !== 'auto') language.value = kept('language', ['en', 'zh'], locale);
}

export function setTheme(value: Theme): void {
  theme.value = value;
  keep('theme', value);
}

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});
effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === 'auto') delete dataset.theme;
  else dataset.theme = theme.value;
});
