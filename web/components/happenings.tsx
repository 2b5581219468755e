// What has happened, in words.
import { clock } from '../format.ts';
import { t, tOr } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import type { Happening } from '../state/live.ts';
import { Badge, SeverityBadge, State, type Tone } from './badge.tsx';

export function HappeningList({ list }: { list: readonly Happening[] }) {
  return (
    <ul class="list">
      {list.map((one) => (
        <li key={one.id}>
          <time class="mute mono" dateTime={new Date(one.at).toISOString()}>
            {clock(one.at)}
          </time>
          <Words {...one} />
        </li>
      ))}
    </ul>
  );
}

const TONES: Readonly<Record<string, Tone>> = {
  'config.applied': 'info',
  'config.rejected': 'bad',
  'face.connected': 'good',
  'face.lost': 'bad',
  'auth.refused': 'warn',
  'admin.action': 'info',
  'process.exited': 'warn',
  'approval.waiting': 'warn',
  'approval.decided': 'info',
};

function Words({ type, fact }: Happening) {
  const text = (name: string): string => (fact[name] === undefined || fact[name] === null ? '' : String(fact[name]));
  if (type === 'upstream.state')
    return (
      <>
        <State state={text('to')} />
        <span class="grow">
          <strong>{text('upstream')}</strong> {said(text('reason'))}
        </span>
      </>
    );
  if (type.startsWith('alert.')) {
    return (
      <>
        {type === 'alert.resolved' ? (
          <Badge tone="good">{t('alert.over')}</Badge>
        ) : (
          <SeverityBadge severity={fact.severity as 'warning'} />
        )}
        <span class="grow">{said(text('message'))}</span>
      </>
    );
  }
  const thing = (): string => [text('upstream'), text('tool')].filter(Boolean).join(' / ');
  const words: Readonly<Record<string, () => string>> = {
    'process.exited': () =>
      t('happened.exited', { upstream: text('upstream'), pid: text('pid'), how: text('signal') || text('code') }),
    'config.applied': () => t('happened.version', { version: text('version') }),
    'config.rejected': () => (fact.problems as string[]).join('; '),
    'approval.waiting': () => `${thing()} ${tOr(`approvals.why.${text('why')}`, text('why'))}`,
    'approval.decided': () => `${text('by')}: ${tOr(`approvals.was.${text('decision')}`, text('decision'))} ${thing()}`,
    'auth.refused': () => text('reason'),
    'admin.action': () => `${text('by')}: ${text('action')} ${text('subject')}`,
  };
  return (
    <>
      <Badge tone={TONES[type] ?? 'info'}>{tOr(`event.${type}`, type)}</Badge>
      <span class="grow">{words[type]?.() ?? `${text('endpoint')} ${said(text('reason'))}`}</span>
    </>
  );
}
