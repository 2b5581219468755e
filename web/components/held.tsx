// One thing that waits for approval: what would be started, what differs from what was approved, what the scanner found.
import type { ComponentChildren } from 'preact';
import type { ApprovalWaiting } from '../api/types.ts';
import { t, tOr } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { to } from '../router.ts';
import { Badge, type Tone } from './badge.tsx';
import { Difference } from './difference.tsx';
import { Time } from './time.tsx';

const TONES: Readonly<Record<ApprovalWaiting['why'], Tone>> = {
  new: 'info',
  changed: 'warn',
  flagged: 'bad',
  rejected: 'off',
};

/** As the gateway writes it where nobody was asked. */
const FIRST_SIGHT = 'first sight';

export function nameOf({ upstream, tool }: Pick<ApprovalWaiting, 'upstream' | 'tool'>): string {
  return tool === undefined ? upstream : `${upstream} / ${tool}`;
}

/** In one line, as it is asked about again before it is decided. */
export function startOf({ starts = {} }: ApprovalWaiting): string | undefined {
  return starts.command ?? starts.url;
}

export function Held({ waiting, children }: { waiting: ApprovalWaiting; children: ComponentChildren }) {
  const { why, by, at, starts = {}, diff, findings = [], approved, rejected } = waiting;
  const told: readonly [string, { by?: string | undefined; at?: string | undefined } | undefined][] = [
    ['approvals.asked', by === undefined ? undefined : { by, at }],
    [approved?.by === FIRST_SIGHT ? 'approvals.firstSight' : 'approvals.approvedBy', approved],
    ['approvals.rejectedBy', rejected],
  ];
  return (
    <article class="held" aria-label={nameOf(waiting)}>
      <header>
        <h2>{nameOf(waiting)}</h2>
        <Badge tone={TONES[why]}>{t(`approvals.why.${why}`)}</Badge>
        <span class="mute grow">
          {told.map(
            ([key, one]) =>
              one !== undefined && (
                <span key={key}>
                  {tOr(key, key).replace('{by}', one.by ?? '')} {one.at !== undefined && <Time at={one.at} />}{' '}
                </span>
              ),
          )}
        </span>
        {children}
      </header>
      {Object.entries(starts).map(([key, text]) => (
        <div key={key} class="starts">
          <span class="mute">{tOr(`approvals.starts.${key}`, key)}</span>
          <code>{text}</code>
        </div>
      ))}
      <Findings found={findings} />
      {(waiting.tool !== undefined || approved !== undefined) &&
        diff.map(({ path, from, to }) => (
          <div key={path}>
            <p class="mute mono">{path}</p>
            <Difference before={from ?? ''} after={to ?? ''} label={`${nameOf(waiting)}: ${path}`} />
          </div>
        ))}
    </article>
  );
}

/** What the scanner found in a tool. */
export function Findings({ found }: { found: NonNullable<ApprovalWaiting['findings']> }) {
  return (
    <>
      {found.map(({ rule, place, says, excerpt }) => (
        <div key={rule + place} class="notice bad">
          <div class="grow">
            <p>
              <code>{place}</code> {said(says)}
            </p>
            <code>{excerpt}</code>
          </div>
        </div>
      ))}
    </>
  );
}

/** Says that something waits, and leads to where it is decided. */
export function Waits({ why }: { why: ApprovalWaiting['why'] }) {
  return (
    <a href={to('approvals')}>
      <Badge tone={TONES[why]}>{t(`approvals.why.${why}`)}</Badge>
    </a>
  );
}
