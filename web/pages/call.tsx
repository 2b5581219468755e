// One call: what was asked, how it went, where its time went; a read-only one can be made again.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { CallRow, Tried } from '../api/types.ts';
import { Outcome } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { Json } from '../components/json.tsx';
import { Card, Empty, Facts, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { TriedResult } from '../components/tried.tsx';
import { bytes, milliseconds, moment, number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { place, to } from '../router.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

export function Call() {
  const [id = ''] = place.value.rest;
  const call = useLoad(() => api.get<CallRow>(path('calls', id)), [id]);
  const tried = useSignal<Tried | undefined>(undefined);
  const replay = (): Promise<unknown> =>
    attempt(async () => {
      tried.value = await api.post<Tried>(path('calls', id, 'replay'));
    });
  const row = call.value;
  return (
    <Page
      title={row?.subject ?? id}
      lead={
        <>
          <a href={to('calls')}>{t('nav.calls')}</a> / {id}
        </>
      }
      actions={
        row?.method === 'tools/call' && (
          <Button kind="main" onClick={replay}>
            {t('call.replay')}
          </Button>
        )
      }
    >
      {call.problem !== undefined && <Problem error={call.problem} again={call.again} />}
      {row === undefined ? (
        call.problem === undefined && <Empty>{t('app.wait')}</Empty>
      ) : (
        <div class="columns">
          <Card title={t('call.about')}>
            <Facts
              rows={[
                [t('column.outcome'), <Outcome key="outcome" outcome={row.outcome} fault={row.fault} />],
                [t('column.when'), moment(row.at)],
                [t('column.client'), `${row.client} (${row.face})`],
                [
                  t('column.upstream'),
                  <a key="upstream" href={to('upstreams', [row.upstream])}>
                    {row.upstream}
                  </a>,
                ],
                [t('call.method'), <code key="method">{row.method}</code>],
                [
                  t('column.tool'),
                  row.method === 'tools/call' ? (
                    <a key="tool" href={to('tools', [row.upstream, row.subject])}>
                      {row.subject}
                    </a>
                  ) : (
                    row.subject
                  ),
                ],
                [t('column.attempts'), number(row.attempts)],
                [t('column.size'), bytes(row.bytes)],
                row.tokensSaved !== undefined && [t('call.saved'), number(row.tokensSaved)],
                [t('call.id'), <code key="id">{row.id}</code>],
              ]}
            />
          </Card>
          <Card title={t('call.time')}>
            <Facts
              rows={[
                [t('call.total'), milliseconds(row.total)],
                [t('call.queue'), milliseconds(row.queue)],
                [t('call.upstream'), milliseconds(row.upstreamTime)],
                [t('call.rest'), milliseconds(Math.max(0, row.total - row.queue - row.upstreamTime))],
              ]}
            />
          </Card>
          <Card title={t('form.arguments')}>
            {row.arguments === undefined ? (
              <p class="mute">{t('call.noArguments')}</p>
            ) : (
              <Json value={row.arguments} label={t('form.arguments')} />
            )}
          </Card>
          {tried.value !== undefined && (
            <Card title={t('call.replayed')}>
              <TriedResult tried={tried.value} />
            </Card>
          )}
        </div>
      )}
    </Page>
  );
}
