// All upstreams: what each is doing, why, and what can be done about it.

import { useSignal } from '@preact/signals';
import type { UpstreamView } from '../api/types.ts';
import { AddUpstream } from '../components/add-upstream.tsx';
import { toneOf, UpstreamState } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { SearchField } from '../components/search.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { UpstreamActions } from '../components/upstream-actions.tsx';
import { UpstreamReason } from '../components/upstream-reason.tsx';
import { number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { changeQuery, place, to } from '../router.ts';
import { refreshUpstreams, upstreams, upstreamsProblem } from '../state/live.ts';
import { isAdmin } from '../state/session.ts';

/** What wants to be looked at comes first. */
const WEIGHT: Readonly<Record<string, number>> = { bad: 0, warn: 1, info: 2, good: 3, off: 4 };

export function Upstreams() {
  const adding = useSignal(false);
  const words = (place.value.query.get('q') ?? '').toLowerCase();
  const all = upstreams.value;
  const shown = (all ?? [])
    .filter((one) => `${one.name} ${one.state} ${one.transport} ${one.reason ?? ''}`.toLowerCase().includes(words))
    .sort((a, b) => weightOf(a) - weightOf(b) || a.name.localeCompare(b.name));
  return (
    <Page
      title={t('nav.upstreams')}
      lead={t('upstreams.lead')}
      actions={
        isAdmin.value && (
          <Button kind="main" icon="add" onClick={() => open(adding, true)}>
            {t('add.title')}
          </Button>
        )
      }
    >
      {adding.value && <AddUpstream close={() => open(adding, false)} />}
      {upstreamsProblem.value !== undefined && (
        <Problem error={upstreamsProblem.value} again={() => refreshUpstreams(0)} />
      )}
      <Card flush>
        <div class="toolbar">
          <SearchField label={t('upstreams.search')} value={words} onInput={(q) => changeQuery({ q })} />
        </div>
        {all === undefined ? (
          <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.upstreams')}
            columns={columns()}
            rows={shown}
            id={(one) => one.name}
            empty={all.length === 0 ? t('upstreams.none') : t('upstreams.noMatch')}
          />
        )}
      </Card>
    </Page>
  );
}

function open(adding: { value: boolean }, yes: boolean): void {
  adding.value = yes;
}

function weightOf({ state, paused }: UpstreamView): number {
  return paused !== undefined ? 1 : (WEIGHT[toneOf(state)] ?? 3);
}

function columns(): readonly Column<UpstreamView>[] {
  return [
    {
      id: 'name',
      title: t('column.name'),
      by: ({ name }) => name,
      cell: ({ name, transport, serverInfo }) => (
        <span class="stack">
          <a class="strong" href={to('upstreams', [name])}>
            {name}
          </a>
          <span class="mute">
            {transport}
            {serverInfo?.name !== undefined && ` · ${serverInfo.title ?? serverInfo.name} ${serverInfo.version ?? ''}`}
          </span>
        </span>
      ),
    },
    {
      id: 'state',
      title: t('column.state'),
      by: (one) => weightOf(one),
      cell: (one) => (
        <span class="stack">
          <UpstreamState upstream={one} />
          <span class="mute">
            <Time at={one.since} />
          </span>
        </span>
      ),
    },
    {
      id: 'reason',
      title: t('column.reason'),
      wide: true,
      none: ({ reason, attempt }) => reason === undefined && attempt === undefined,
      cell: (one) => <UpstreamReason upstream={one} />,
    },
    {
      id: 'score',
      title: t('column.score'),
      numeric: true,
      by: ({ score }) => score,
      cell: ({ score }) => number(score),
    },
    { id: 'tools', title: t('nav.tools'), numeric: true, by: ({ tools }) => tools, cell: ({ tools }) => number(tools) },
    {
      id: 'load',
      title: t('column.load'),
      numeric: true,
      by: ({ inFlight, queued }) => inFlight + queued,
      cell: ({ inFlight, queued }) => (queued > 0 ? `${inFlight} + ${queued}` : number(inFlight)),
    },
    {
      id: 'restarts',
      title: t('column.restarts'),
      numeric: true,
      by: ({ restarts }) => restarts,
      none: ({ restarts }) => restarts === 0,
      cell: ({ restarts }) => number(restarts),
    },
    ...(isAdmin.value
      ? [{ id: 'actions', title: t('column.actions'), cell: (one: UpstreamView) => <UpstreamActions upstream={one} /> }]
      : []),
  ];
}
