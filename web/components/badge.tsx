// States as words with a colour; never a colour alone.
import type { ComponentChildren } from 'preact';
import type { Severity, UpstreamView } from '../api/types.ts';
import { t, tOr } from '../i18n/index.ts';
import { to } from '../router.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'off';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <span class="dot" aria-hidden="true" />
      {children}
    </span>
  );
}

const TONES: Readonly<Record<string, Tone>> = {
  ready: 'good',
  initialised: 'good',
  degraded: 'warn',
  starting: 'info',
  dialling: 'info',
  connected: 'info',
  draining: 'info',
  stopping: 'info',
  backoff: 'bad',
  cooling_down: 'bad',
  failed: 'bad',
  replaced: 'warn',
  needs_auth: 'warn',
  quarantined: 'warn',
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? 'off';
}

export function State({ state }: { state: string }) {
  return <Badge tone={toneOf(state)}>{tOr(`state.${state}`, state)}</Badge>;
}

/** With who paused it, and how many of its tools wait for approval. */
export function UpstreamState({ upstream }: { upstream: UpstreamView }) {
  return (
    <span class="badges">
      <State state={upstream.state} />
      {upstream.toolsWaiting !== undefined && (
        <a href={to('approvals')}>
          <Badge tone="warn">{t('approvals.tools', { n: upstream.toolsWaiting })}</Badge>
        </a>
      )}
      {upstream.paused !== undefined && (
        <Badge tone="warn">{t('upstream.pausedBy', { who: upstream.paused.by })}</Badge>
      )}
    </span>
  );
}

const SEVERITIES: Readonly<Record<Severity, Tone>> = { warning: 'warn', error: 'bad', critical: 'bad' };

export function SeverityBadge({ severity }: { severity: Severity }) {
  return <Badge tone={SEVERITIES[severity]}>{t(`severity.${severity}`)}</Badge>;
}

const OUTCOMES: Readonly<Record<string, Tone>> = {
  result: 'good',
  'tool-error': 'warn',
  'rpc-error': 'warn',
  fault: 'bad',
};

export function Outcome({ outcome, fault }: { outcome: string; fault?: string | undefined }) {
  return <Badge tone={OUTCOMES[outcome] ?? 'off'}>{fault ?? tOr(`outcome.${outcome}`, outcome)}</Badge>;
}
