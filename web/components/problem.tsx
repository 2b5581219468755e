// A failure, and what to do about it.
import type { ApiError } from '../api/client.ts';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

/** What happened, and what helps. */
export function explain(error: ApiError): { title: string; what: string } {
  const near = error.near.length > 0 ? t('problem.near', { names: error.near.join(', ') }) : '';
  if (error.status === 0) return { title: t('problem.unreachable'), what: t('problem.unreachable.what') };
  const known: Partial<Record<number, string>> = {
    401: t('problem.401'),
    403: t('problem.403'),
    404: t('problem.404'),
    409: t('problem.409'),
    413: t('problem.413'),
    422: t('problem.422'),
    429: t('problem.429'),
    501: t('problem.501'),
    503: t('problem.503'),
  };
  const what = (error.hint && said(error.hint)) ?? known[error.status] ?? (error.status >= 500 ? t('problem.500') : '');
  return {
    title: sentence(said(error.message)),
    what: [near, what].filter(Boolean).join(' '),
  };
}

/** Ended, in either language. */
function sentence(text: string): string {
  return /[.!?。！？]$/.test(text) ? text : `${text}${/\p{Script=Han}/u.test(text) ? '。' : '.'}`;
}

export function Problem({ error, again }: { error: ApiError; again?: (() => void) | undefined }) {
  const { title, what } = explain(error);
  return (
    <div class="notice bad" role="alert">
      <Icon name="alert" />
      <div class="grow">
        <p class="strong">{title}</p>
        {what !== '' && <p>{what}</p>}
        {error.problems.length > 0 && (
          <ul class="problems">
            {error.problems.map((one) => (
              <li key={`${one.path}${one.message}`}>
                {one.line !== undefined && <span class="mute">{t('problem.line', { line: one.line })} </span>}
                {one.path !== '' && <code>{one.path}</code>} {said(one.message)}
                {one.hint !== undefined && <span class="mute"> {said(one.hint)}</span>}
              </li>
            ))}
          </ul>
        )}
      </div>
      {again !== undefined && (
        <Button small onClick={again}>
          {t('do.again')}
        </Button>
      )}
    </div>
  );
}
