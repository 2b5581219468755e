// The calls of late: searched by time, client, upstream, tool and outcome.
import { useSignal } from '@preact/signals';
import { api } from '../api/client.ts';
import type { CallRow } from '../api/types.ts';
import { Outcome } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { SearchField } from '../components/search.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { bytes, milliseconds, number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { changeQuery, place, to } from '../router.ts';
import { revisions, upstreams } from '../state/live.ts';
import { useLoad } from '../state/load.ts';

const OUTCOMES = ['result', 'tool-error', 'rpc-error', 'fault'] as const;
const FACES = ['mcp', 'openapi', 'xiaozhi', 'admin'] as const;
const KEYS = ['q', 'upstream', 'tool', 'client', 'outcome', 'face', 'since', 'until', 'slowerThan'] as const;
type Search = Partial<Record<(typeof KEYS)[number], string>>;
const MOST = 500;

export function Calls() {
  const { query } = place.value;
  const search: Search = Object.fromEntries(KEYS.map((key) => [key, query.get(key) ?? '']));
  const more = useSignal(KEYS.slice(2).some((key) => key !== 'outcome' && search[key] !== ''));
  const still = useSignal(false);
  const asked = { ...search, since: isoOf(search.since), until: isoOf(search.until), limit: MOST };
  const calls = useLoad(
    () => api.get<{ calls: CallRow[] }>('/calls', asked),
    [JSON.stringify(asked), still.value],
    still.value ? undefined : revisions.calls,
  );
  return (
    <Page
      title={t('nav.calls')}
      lead={t('calls.lead')}
      actions={
        <Button
          small
          pressed={still.value}
          onClick={() => {
            still.value = !still.value;
          }}
        >
          {t('calls.hold')}
        </Button>
      }
    >
      <Card flush>
        <div class="toolbar">
          <SearchField label={t('calls.search')} value={search.q ?? ''} onInput={(q) => changeQuery({ q })} />
          <SelectField
            label={t('column.upstream')}
            value={search.upstream ?? ''}
            onInput={(upstream) => changeQuery({ upstream })}
            choices={[
              { value: '', label: t('calls.any') },
              ...(upstreams.value ?? []).map(({ name }) => ({ value: name, label: name })),
            ]}
          />
          <SelectField
            label={t('column.outcome')}
            value={search.outcome ?? ''}
            onInput={(outcome) => changeQuery({ outcome })}
            choices={[
              { value: '', label: t('calls.any') },
              ...OUTCOMES.map((value) => ({ value, label: t(`outcome.${value}`) })),
            ]}
          />
          <Button
            expanded={more.value}
            onClick={() => {
              more.value = !more.value;
            }}
          >
            {t('calls.more')}
          </Button>
        </div>
        {more.value && (
          <div class="toolbar">
            <TextField label={t('column.tool')} value={search.tool ?? ''} onInput={(tool) => changeQuery({ tool })} />
            <TextField
              label={t('column.client')}
              value={search.client ?? ''}
              onInput={(client) => changeQuery({ client })}
            />
            <SelectField
              label={t('column.face')}
              value={search.face ?? ''}
              onInput={(face) => changeQuery({ face })}
              choices={[{ value: '', label: t('calls.any') }, ...FACES.map((value) => ({ value, label: value }))]}
            />
            <TextField
              label={t('calls.since')}
              type="datetime-local"
              value={search.since ?? ''}
              onInput={(since) => changeQuery({ since })}
            />
            <TextField
              label={t('calls.until')}
              type="datetime-local"
              value={search.until ?? ''}
              onInput={(until) => changeQuery({ until })}
            />
            <TextField
              label={t('calls.slower')}
              type="number"
              value={search.slowerThan ?? ''}
              onInput={(slowerThan) => changeQuery({ slowerThan })}
            />
          </div>
        )}
        {calls.problem !== undefined && <Problem error={calls.problem} again={calls.again} />}
        {calls.value === undefined ? (
          calls.problem === undefined && <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.calls')}
            columns={columns()}
            rows={calls.value.calls}
            id={(one) => one.id}
            empty={t('calls.none')}
          />
        )}
      </Card>
    </Page>
  );
}

/** What a field for a time holds, as the API takes it. */
function isoOf(local: string | undefined): string | undefined {
  const at = local === undefined || local === '' ? Number.NaN : new Date(local).getTime();
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

function columns(): readonly Column<CallRow>[] {
  return [
    {
      id: 'subject',
      title: t('column.tool'),
      by: ({ subject }) => subject,
      cell: ({ id, subject, method }) => (
        <span class="stack">
          <a class="strong" href={to('calls', [id])}>
            {subject || method}
          </a>
          {method !== 'tools/call' && <span class="mute">{method}</span>}
        </span>
      ),
    },
    { id: 'upstream', title: t('column.upstream'), by: (one) => one.upstream, cell: (one) => one.upstream },
    {
      id: 'outcome',
      title: t('column.outcome'),
      by: (one) => one.outcome,
      cell: ({ outcome, fault }) => <Outcome outcome={outcome} fault={fault} />,
    },
    {
      id: 'client',
      title: t('column.client'),
      by: ({ client }) => client,
      cell: ({ client, face }) => (
        <span>
          {client} <span class="mute">{face}</span>
        </span>
      ),
    },
    { id: 'at', title: t('column.when'), by: ({ at }) => at, cell: ({ at }) => <Time at={at} /> },
    {
      id: 'total',
      title: t('column.took'),
      numeric: true,
      by: ({ total }) => total,
      cell: ({ total }) => milliseconds(total),
    },
    {
      id: 'attempts',
      title: t('column.attempts'),
      numeric: true,
      by: ({ attempts }) => attempts,
      cell: ({ attempts }) => number(attempts),
    },
    { id: 'bytes', title: t('column.size'), numeric: true, by: (one) => one.bytes, cell: (one) => bytes(one.bytes) },
  ];
}
