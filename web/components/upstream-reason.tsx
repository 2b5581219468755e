// Why an upstream is not available, which attempt it is, and when the next one comes.
import type { UpstreamView } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { Time } from './time.tsx';

export function UpstreamReason({ upstream }: { upstream: UpstreamView }) {
  const { reason, attempt, nextTryAt, state, lastExit } = upstream;
  if (reason === undefined && attempt === undefined) return <span class="mute">–</span>;
  const exit = lastExit === undefined ? undefined : (lastExit.signal ?? lastExit.code);
  return (
    <span class="reason">
      {reason !== undefined && (
        <span class="clamp" title={reason}>
          {said(reason)}
        </span>
      )}
      <span class="mute">
        {attempt !== undefined && (attempt > 0 || state !== 'starting') && (
          <>{t('upstream.attempt', { n: attempt })} </>
        )}
        {nextTryAt !== undefined && (
          <>
            · {t('upstream.nextTry')} <Time at={nextTryAt} />
          </>
        )}
        {reason !== undefined && exit !== undefined && exit !== null && (
          <> · {t('upstream.exit', { how: String(exit) })}</>
        )}
      </span>
    </span>
  );
}
