// Alerts that are open, those that are over, the rules that raise them, and who is told.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { AlertInfo, Rule, SilenceInfo } from '../api/types.ts';
import { Badge, SeverityBadge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { Switch } from '../components/field.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { RuleDialog } from '../components/rule-dialog.tsx';
import { SilenceDialog } from '../components/silence-dialog.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Tabs } from '../components/tabs.tsx';
import { Time } from '../components/time.tsx';
import { number } from '../format.ts';
import { t, tOr } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { place, to } from '../router.ts';
import { revisions } from '../state/live.ts';
import { useEvery, useLoad } from '../state/load.ts';
import { isAdmin } from '../state/session.ts';
import { attempt, tell } from '../state/toasts.ts';

const PARTS = ['open', 'history', 'rules', 'silences'] as const;

export function Alerts() {
  const [part = 'open'] = place.value.rest;
  return (
    <Page
      title={t('nav.alerts')}
      lead={t('alerts.lead')}
      actions={isAdmin.value && <Button onClick={testSinks}>{t('alerts.testSinks')}</Button>}
    >
      <Tabs
        label={t('nav.alerts')}
        at={part}
        tabs={PARTS.map((id) => ({ id, title: t(`alerts.part.${id}`), href: to('alerts', id === 'open' ? [] : [id]) }))}
      />
      {part === 'rules' ? <Rules /> : part === 'silences' ? <Silences /> : <List over={part === 'history'} />}
    </Page>
  );
}

function testSinks(): Promise<unknown> {
  return attempt(async () => {
    const told = Object.entries(await api.post<Record<string, string | null>>('/sinks/test'));
    if (told.length === 0) tell('bad', t('alerts.noSinks'));
    for (const [name, why] of told)
      tell(why === null ? 'good' : 'bad', why === null ? t('alerts.sinkOk', { name }) : `${name}: ${why}`);
  });
}

function List({ over }: { over: boolean }) {
  const alerts = useLoad(() => api.get<{ open: AlertInfo[]; history: AlertInfo[] }>('/alerts'), [], revisions.alerts);
  const silencing = useSignal<AlertInfo | undefined>(undefined);
  useEvery(10_000, alerts.again);
  const silence = (alert: AlertInfo | undefined): void => {
    silencing.value = alert;
  };
  const end = async (alert: AlertInfo): Promise<void> => {
    await attempt(() => api.post(path('alerts', alert.id, 'resolve')), t('alerts.resolved'));
    alerts.again();
  };
  const columns: readonly Column<AlertInfo>[] = [
    {
      id: 'message',
      title: t('column.alert'),
      wide: true,
      cell: (one) => (
        <span class="reason">
          <span class="strong">{said(one.message)}</span>
          <span class="mute">
            {one.rule} · {one.subject}
            {one.action !== undefined && ` · ${said(one.action)}`}
          </span>
        </span>
      ),
    },
    {
      id: 'severity',
      title: t('column.severity'),
      by: ({ severity }) => ['critical', 'error', 'warning'].indexOf(severity),
      cell: (one) => (
        <span class="badges">
          <SeverityBadge severity={one.severity} />
          {one.silenced && <Badge tone="off">{t('alerts.silenced')}</Badge>}
        </span>
      ),
    },
    {
      id: 'value',
      title: t('column.value'),
      numeric: true,
      cell: ({ value, threshold }) => `${number(value, 1)} / ${number(threshold, 1)}`,
    },
    { id: 'since', title: t('column.since'), by: ({ since }) => since, cell: ({ since }) => <Time at={since} /> },
    ...(over
      ? [{ id: 'resolved', title: t('alert.over'), cell: ({ resolved }: AlertInfo) => <Time at={resolved} /> }]
      : isAdmin.value
        ? [
            {
              id: 'actions',
              title: t('column.actions'),
              cell: (one: AlertInfo) => (
                <span class="actions">
                  <Button small onClick={() => silence(one)}>
                    {t('alerts.silence')}
                  </Button>
                  <Button small onClick={() => end(one)}>
                    {t('alerts.resolve')}
                  </Button>
                </span>
              ),
            },
          ]
        : []),
  ];
  const rows = over ? (alerts.value?.history ?? []) : (alerts.value?.open ?? []);
  return (
    <Card flush>
      {alerts.problem !== undefined && <Problem error={alerts.problem} again={alerts.again} />}
      {alerts.value === undefined ? (
        <Empty>{t('app.wait')}</Empty>
      ) : (
        <Table
          label={t('nav.alerts')}
          columns={columns}
          rows={rows}
          id={(one) => one.id + one.since}
          empty={over ? t('alerts.noHistory') : <Badge tone="good">{t('overview.noAlerts')}</Badge>}
        />
      )}
      {silencing.value !== undefined && (
        <SilenceDialog
          rule={silencing.value.rule}
          subject={silencing.value.subject}
          close={() => silence(undefined)}
          done={alerts.again}
        />
      )}
    </Card>
  );
}

function Rules() {
  const rules = useLoad(() => api.get<{ rules: Rule[] }>('/rules'), [], revisions.config);
  const editing = useSignal<Rule | 'new' | undefined>(undefined);
  const edit = (rule: Rule | 'new' | undefined): void => {
    editing.value = rule;
  };
  const put = async (name: string, change: object): Promise<void> => {
    await attempt(() => api.put(path('rules', name), change), t('alerts.ruleSaved', { name }));
    rules.again();
  };
  const reset = async ({ name }: Rule): Promise<void> => {
    await attempt(() => api.delete(path('rules', name)), t('alerts.ruleReset', { name }));
    rules.again();
  };
  // The rest of a unit ("% of a core") stands with what the rule looks at.
  const limit = (value: number | null, unit: string): string =>
    value === null ? '–' : [number(value, 1), unit.split(' ')[0]].filter(Boolean).join(' ');
  const columns: readonly Column<Rule>[] = [
    {
      id: 'name',
      title: t('column.rule'),
      wide: true,
      by: ({ name }) => name,
      cell: (one) => (
        <span class="stack">
          <span class="strong">{tOr(`rule.${one.name}`, one.name)}</span>
          <span class="mute">
            {one.name} · {tOr(`metric.${one.metric}`, one.title)}
            {one.upstreams.some((name) => name !== '*') && ` · ${one.upstreams.join(', ')}`}
          </span>
        </span>
      ),
    },
    { id: 'warning', title: t('severity.warning'), numeric: true, cell: (one) => limit(one.warning, one.unit) },
    { id: 'error', title: t('severity.error'), numeric: true, cell: (one) => limit(one.error, one.unit) },
    { id: 'critical', title: t('severity.critical'), numeric: true, cell: (one) => limit(one.critical, one.unit) },
    { id: 'window', title: t('column.window'), numeric: true, cell: (one) => one.window },
    {
      id: 'action',
      title: t('column.action'),
      none: ({ action }) => action !== 'restart',
      cell: (one) => (one.action === 'restart' ? t('rule.restart') : '–'),
    },
    {
      id: 'on',
      title: t('column.on'),
      cell: (one) => (
        <Switch
          label={t('rule.on', { name: one.name })}
          on={one.enabled}
          disabled={!isAdmin.value}
          onChange={(enabled) => put(one.name, { ...own(one), enabled })}
        />
      ),
    },
    ...(isAdmin.value
      ? [
          {
            id: 'actions',
            title: t('column.actions'),
            cell: (one: Rule) => (
              <span class="actions">
                <Button small label={`${t('do.edit')} ${one.name}`} onClick={() => edit(one)}>
                  {t('do.edit')}
                </Button>
                <Button
                  small
                  kind="quiet"
                  label={`${one.default ? t('alerts.reset') : t('do.remove')} ${one.name}`}
                  onClick={() => reset(one)}
                >
                  {one.default ? t('alerts.reset') : t('do.remove')}
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ];
  return (
    <Card
      flush
      actions={
        isAdmin.value && (
          <Button icon="add" onClick={() => edit('new')}>
            {t('alerts.newRule')}
          </Button>
        )
      }
    >
      {rules.problem !== undefined && <Problem error={rules.problem} again={rules.again} />}
      {rules.value !== undefined && (
        <Table
          label={t('alerts.part.rules')}
          columns={columns}
          rows={rules.value.rules}
          id={(one) => one.name}
          empty="–"
        />
      )}
      {editing.value !== undefined && (
        <RuleDialog
          rule={editing.value === 'new' ? undefined : editing.value}
          close={() => edit(undefined)}
          save={put}
        />
      )}
    </Card>
  );
}

/** What a rule of one's own must keep when only one key of it changes. */
function own({ default: isDefault, metric, warning, error, critical, window, upstreams, action }: Rule): object {
  const levels = {
    ...(warning !== null && { warning }),
    ...(error !== null && { error }),
    ...(critical !== null && { critical }),
  };
  return { ...(!isDefault && { metric }), ...levels, window, action, ...(upstreams.length > 0 && { upstreams }) };
}

function Silences() {
  const silences = useLoad(() => api.get<{ silences: SilenceInfo[] }>('/silences'), []);
  const adding = useSignal(false);
  const open = (yes: boolean): void => {
    adding.value = yes;
  };
  const end = async ({ id }: SilenceInfo): Promise<void> => {
    await attempt(() => api.delete(path('silences', id)), t('alerts.silenceEnded'));
    silences.again();
  };
  const columns: readonly Column<SilenceInfo>[] = [
    {
      id: 'about',
      title: t('alerts.about'),
      wide: true,
      cell: ({ rule, subject, reason }) => (
        <span class="stack">
          <span class="strong">
            {rule} · {subject}
          </span>
          <span class="mute">{reason}</span>
        </span>
      ),
    },
    { id: 'until', title: t('column.until'), cell: ({ until }) => <Time at={until} /> },
    { id: 'by', title: t('column.by'), cell: ({ by }) => by },
    ...(isAdmin.value
      ? [
          {
            id: 'actions',
            title: t('column.actions'),
            cell: (one: SilenceInfo) => (
              <Button small onClick={() => end(one)}>
                {t('alerts.end')}
              </Button>
            ),
          },
        ]
      : []),
  ];
  return (
    <Card
      flush
      actions={
        isAdmin.value && (
          <Button icon="add" onClick={() => open(true)}>
            {t('alerts.newSilence')}
          </Button>
        )
      }
    >
      {silences.problem !== undefined && <Problem error={silences.problem} again={silences.again} />}
      {silences.value !== undefined && (
        <Table
          label={t('alerts.part.silences')}
          columns={columns}
          rows={silences.value.silences}
          id={(one) => one.id}
          empty={t('alerts.noSilences')}
        />
      )}
      {adding.value && <SilenceDialog close={() => open(false)} done={silences.again} />}
    </Card>
  );
}
