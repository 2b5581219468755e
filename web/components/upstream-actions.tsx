// What an admin may do to an upstream.
import { api, path } from '../api/client.ts';
import type { UpstreamView } from '../api/types.ts';
import { milliseconds } from '../format.ts';
import { t } from '../i18n/index.ts';
import { refreshUpstreams } from '../state/live.ts';
import { isAdmin } from '../state/session.ts';
import { attempt, tell } from '../state/toasts.ts';
import { Button } from './button.tsx';
import { LoginButton } from './login-button.tsx';

export async function act(upstream: string, verb: string, done: string): Promise<void> {
  await attempt(() => api.post(path('upstreams', upstream, verb)), done);
  refreshUpstreams(0);
}

async function restart({ name }: UpstreamView, force: boolean): Promise<void> {
  await attempt(async () => {
    const { ok, retryAfterMs = 0 } = await api.post<{ ok: boolean; retryAfterMs?: number }>(
      `${path('upstreams', name, 'restart')}${force ? '?force=true' : ''}`,
    );
    if (ok) tell('good', t('upstream.restarting', { name }));
    else tell('bad', t('upstream.coolingDown', { name, time: milliseconds(retryAfterMs) }));
  });
  refreshUpstreams(0);
}

async function check({ name }: UpstreamView): Promise<void> {
  await attempt(async () => {
    const answer = await api.post<{ healthy: boolean; ms?: number; detail?: string }>(path('upstreams', name, 'check'));
    if (answer.healthy) tell('good', t('upstream.answers', { name, time: milliseconds(answer.ms) }));
    else tell('bad', `${name}: ${answer.detail ?? ''}`);
  });
}

/** `all`: also what is seldom needed. */
export function UpstreamActions({ upstream, all = false }: { upstream: UpstreamView; all?: boolean }) {
  if (!isAdmin.value) return null;
  const { name, enabled, paused, state } = upstream;
  const label = (verb: string): string | undefined => (all ? undefined : `${verb} ${name}`);
  if (!enabled)
    return (
      <span class="actions">
        <Button
          small
          label={label(t('upstream.enable'))}
          onClick={() => act(name, 'enable', t('upstream.enabled', { name }))}
        >
          {t('upstream.enable')}
        </Button>
      </span>
    );
  return (
    <span class="actions">
      {state === 'needs_auth' && <LoginButton name={name} />}
      <Button small label={label(t('upstream.restart'))} onClick={() => restart(upstream, false)}>
        {t('upstream.restart')}
      </Button>
      {(all || state === 'cooling_down') && (
        <Button small label={label(t('upstream.force'))} onClick={() => restart(upstream, true)}>
          {t('upstream.force')}
        </Button>
      )}
      {paused === undefined ? (
        <Button
          small
          label={label(t('upstream.pause'))}
          onClick={() => act(name, 'pause', t('upstream.paused', { name }))}
        >
          {t('upstream.pause')}
        </Button>
      ) : (
        <Button
          small
          kind="main"
          label={label(t('upstream.resume'))}
          onClick={() => act(name, 'resume', t('upstream.resumed', { name }))}
        >
          {t('upstream.resume')}
        </Button>
      )}
      {all && (
        <>
          <Button small onClick={() => check(upstream)}>
            {t('upstream.check')}
          </Button>
          <Button small onClick={() => act(name, 'disable', t('upstream.disabled', { name }))}>
            {t('upstream.disable')}
          </Button>
        </>
      )}
    </span>
  );
}
