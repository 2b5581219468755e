// Clients that are connected, or for which something is kept.

import type { ClientSession } from '../../src/faces/mcp/open-sessions.ts';
import { api } from '../api/client.ts';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { to } from '../router.ts';
import { recentCalls } from '../state/live.ts';
import { useEvery, useLoad } from '../state/load.ts';

export function Sessions() {
  const found = useLoad(() => api.get<{ sessions: ClientSession[] }>('/sessions'), []);
  useEvery(5000, found.again);
  const columns: readonly Column<ClientSession>[] = [
    { id: 'client', title: t('column.client'), cell: ({ client }) => <span class="strong">{client ?? '–'}</span> },
    { id: 'kind', title: t('column.type'), by: ({ kind }) => kind, cell: ({ kind }) => t(`session.${kind}`) },
    {
      id: 'principal',
      title: t('column.by'),
      none: ({ principal }) => principal === undefined,
      cell: ({ principal }) => principal ?? '–',
    },
    { id: 'view', title: t('endpoints.view'), none: ({ view }) => view === undefined, cell: ({ view }) => view ?? '–' },
    {
      id: 'revision',
      title: t('upstream.protocol'),
      none: ({ revision }) => revision === undefined,
      cell: ({ revision }) => revision ?? '–',
    },
    {
      id: 'since',
      title: t('column.since'),
      none: ({ since }) => since === undefined,
      cell: ({ since }) => <Time at={since} />,
    },
    {
      id: 'until',
      title: t('column.until'),
      none: ({ expires }) => expires === undefined,
      cell: ({ expires }) => <Time at={expires} />,
    },
    {
      id: 'log',
      title: t('session.log'),
      none: ({ logLevel }) => logLevel === undefined,
      cell: ({ logLevel }) => logLevel ?? '–',
    },
    {
      id: 'subscriptions',
      title: t('session.subscriptions'),
      wide: true,
      none: ({ subscriptions = [] }) => subscriptions.length === 0,
      cell: ({ subscriptions = [] }) => <span class="clamp">{subscriptions.join(', ') || '–'}</span>,
    },
  ];
  return (
    <Page title={t('nav.sessions')} lead={t('sessions.lead')}>
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      <Card flush>
        {found.value === undefined ? (
          <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.sessions')}
            columns={columns}
            rows={found.value.sessions}
            id={(one) => JSON.stringify(one)}
            empty={t('sessions.none')}
          />
        )}
      </Card>
      <Clients />
    </Page>
  );
}

/** Requests over HTTP need no session: who called is seen from the calls. */
function Clients() {
  const seen = new Map<string, { client: string; face: string; calls: number; last: string }>();
  for (const { client, face, at } of recentCalls.value) {
    const id = `${client} ${face}`;
    const one = seen.get(id) ?? { client, face, calls: 0, last: at };
    seen.set(id, { ...one, calls: one.calls + 1 });
  }
  return (
    <Card flush title={t('sessions.clients')}>
      <Table
        label={t('sessions.clients')}
        rows={[...seen.values()]}
        id={({ client, face }) => `${client} ${face}`}
        empty={t('sessions.noClients')}
        columns={[
          {
            id: 'client',
            title: t('column.client'),
            wide: true,
            cell: ({ client }) => <a href={to('calls', [], { client })}>{client}</a>,
          },
          { id: 'face', title: t('column.face'), cell: ({ face }) => face },
          { id: 'calls', title: t('nav.calls'), numeric: true, cell: ({ calls }) => number(calls) },
          { id: 'last', title: t('sessions.last'), cell: ({ last }) => <Time at={last} /> },
        ]}
      />
    </Card>
  );
}
