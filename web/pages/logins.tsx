// Upstreams that want somebody to log in to them (OAuth).
import type { UpstreamView } from '../api/types.ts';
import { UpstreamState } from '../components/badge.tsx';
import { LoginActions } from '../components/login-button.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { to } from '../router.ts';
import { upstreams } from '../state/live.ts';

export function Logins() {
  const all = upstreams.value;
  const rows = (all ?? []).filter(({ state, auth }) => state === 'needs_auth' || auth !== undefined);
  const columns: readonly Column<UpstreamView>[] = [
    {
      id: 'name',
      title: t('column.name'),
      cell: ({ name }) => (
        <a class="strong" href={to('upstreams', [name])}>
          {name}
        </a>
      ),
    },
    { id: 'state', title: t('column.state'), cell: (one) => <UpstreamState upstream={one} /> },
    {
      id: 'reason',
      title: t('column.reason'),
      wide: true,
      cell: ({ reason, hint }) => (
        <span class="reason">
          <span>{said(reason ?? '')}</span>
          <span class="mute">{said(hint ?? '')}</span>
        </span>
      ),
    },
    { id: 'since', title: t('column.since'), cell: ({ since }) => <Time at={since} /> },
    { id: 'actions', title: t('column.actions'), cell: (one) => <LoginActions upstream={one} /> },
  ];
  return (
    <Page title={t('nav.logins')} lead={t('logins.lead')}>
      <Card flush>
        {all === undefined ? (
          <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.logins')}
            columns={columns}
            rows={rows}
            id={({ name }) => name}
            empty={t('logins.none')}
          />
        )}
      </Card>
    </Page>
  );
}
