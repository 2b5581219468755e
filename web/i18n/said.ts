// What the gateway says (faults, alerts, diagnoses, reasons of states) in the reader's language (10.33). It speaks
// English; the table of its sentences is fetched by those who read another one.
import { effect, signal } from '@preact/signals';
import type { Translate } from '../../src/language/translate.ts';
import { language } from '../state/preferences.ts';

const chinese = signal<Translate | undefined>(undefined);

effect(() => {
  if (language.value !== 'zh' || chinese.peek() !== undefined) return;
  // Without it everything can still be read.
  Promise.all([import('../../src/language/translate.ts'), import('../../src/language/said-zh.ts')]).then(
    ([{ translator }, { SAID }]) => {
      chinese.value = translator(SAID);
    },
    () => undefined,
  );
});

export function said(text: string): string {
  return language.value === 'zh' ? (chinese.value?.(text) ?? text) : text;
}
