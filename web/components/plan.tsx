// What a change of the configuration would do.
import type { ConfigPlan } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { Badge, type Tone } from './badge.tsx';

const KINDS: readonly { key: keyof ConfigPlan; tone: Tone }[] = [
  { key: 'added', tone: 'good' },
  { key: 'removed', tone: 'bad' },
  { key: 'restarted', tone: 'warn' },
  { key: 'updated', tone: 'info' },
  { key: 'settings', tone: 'info' },
  { key: 'needsRestart', tone: 'warn' },
  { key: 'waits', tone: 'warn' },
];

export function Plan({ plan }: { plan: ConfigPlan }) {
  const shown = KINDS.flatMap(({ key, tone }) => {
    const names = plan[key] ?? [];
    return names.length === 0 ? [] : [{ key, tone, names }];
  });
  return (
    <section class="plan" aria-label={t('plan.title')} aria-live="polite">
      <h3>{t('plan.title')}</h3>
      {shown.length === 0 ? (
        <p class="mute">{t('plan.nothing')}</p>
      ) : (
        <ul class="list">
          {shown.map(({ key, tone, names }) => (
            <li key={key}>
              <Badge tone={tone}>{t(`plan.${key}`)}</Badge>
              <span class="grow">{names.join(', ')}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
