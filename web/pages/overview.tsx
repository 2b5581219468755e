// Everything at a glance: how well it goes, what is wrong, what just happened.

import { api } from '../api/client.ts';
import type { AlertInfo, Diagnostics, Overview as Facts, SampleRow, StateName } from '../api/types.ts';
import { Badge, SeverityBadge, State } from '../components/badge.tsx';
import { HappeningList } from '../components/happenings.tsx';
import { Icon } from '../components/icon.tsx';
import { callsPlot, latencyPlot, timesOf, valuesOf } from '../components/known-plots.ts';
import { Card, Empty, Page } from '../components/page.tsx';
import { Plots } from '../components/plot.tsx';
import { Problem } from '../components/problem.tsx';
import { Time } from '../components/time.tsx';
import { bytes, duration, milliseconds, number, percent } from '../format.ts';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { to } from '../router.ts';
import { undecided } from '../state/approvals.ts';
import { happenings, overview, points, revisions } from '../state/live.ts';
import { useEvery, useLoad } from '../state/load.ts';

/** An hour of samples at the usual pace. */
const SAMPLES = 360;

export function Overview() {
  const facts = overview.value;
  const samples = useLoad(
    () => api.get<{ samples: SampleRow[] }>('/upstreams/gateway/samples', { limit: SAMPLES }),
    [],
  );
  const alerts = useLoad(() => api.get<{ open: AlertInfo[] }>('/alerts'), [], revisions.alerts);
  const advice = useLoad(() => api.get<Diagnostics>('/diagnostics'), [], revisions.alerts);
  useEvery(30_000, () => {
    samples.again();
    advice.again();
  });
  return (
    <Page
      title={t('nav.overview')}
      lead={
        facts === undefined ? undefined : t('overview.lead', { version: facts.version, uptime: duration(facts.uptime) })
      }
    >
      {undecided() > 0 && (
        <div class="notice warn">
          <Icon name="approvals" />
          <p class="grow">
            {t('approvals.wait', { n: undecided() })} <a href={to('approvals')}>{t('approvals.look')}</a>
          </p>
        </div>
      )}
      {facts === undefined ? <Empty>{t('app.wait')}</Empty> : <Figures facts={facts} />}
      {samples.problem !== undefined && <Problem error={samples.problem} again={samples.again} />}
      <History rows={samples.value?.samples ?? []} />
      <div class="columns">
        <Card title={t('overview.alerts')} actions={<a href={to('alerts')}>{t('overview.allAlerts')}</a>}>
          {alerts.problem !== undefined && <Problem error={alerts.problem} again={alerts.again} />}
          {alerts.value !== undefined && <Alerts open={alerts.value.open} />}
        </Card>
        <Card title={t('overview.advice')}>
          {advice.problem !== undefined && <Problem error={advice.problem} again={advice.again} />}
          {advice.value !== undefined && <Advice report={advice.value} />}
        </Card>
      </div>
      <Card title={t('overview.happened')}>
        {happenings.value.length === 0 ? (
          <Empty>{t('overview.quiet')}</Empty>
        ) : (
          <HappeningList list={happenings.value.slice(0, 12)} />
        )}
      </Card>
    </Page>
  );
}

function Figures({ facts }: { facts: Facts }) {
  const { score, trend, calls, recovery, gateway, upstreams } = facts;
  const tone = score >= 90 ? 'good' : score >= 60 ? 'warn' : 'bad';
  const states = Object.entries(upstreams.states) as [StateName, number][];
  return (
    <div class="figures">
      <section class={`figure score ${tone}`} aria-label={t('overview.score')}>
        <svg viewBox="0 0 80 80" aria-hidden="true">
          <circle cx="40" cy="40" r="34" />
          <circle
            class="value"
            cx="40"
            cy="40"
            r="34"
            pathLength={100}
            stroke-dasharray={`${score} 100`}
            transform="rotate(-90 40 40)"
          />
        </svg>
        <div>
          <p class="name">{t('overview.score')}</p>
          <p class="big" data-figure="score">
            {number(score)}
          </p>
          <p class="mute">{t(`trend.${trend}`)}</p>
        </div>
      </section>
      <section class="figure double" aria-label={t('nav.upstreams')}>
        <p class="name">{t('nav.upstreams')}</p>
        <p class="big">{number(upstreams.total)}</p>
        <p class="badges">
          {states.map(([state, count]) => (
            <span key={state} class="state-count">
              <State state={state} /> {count}
            </span>
          ))}
        </p>
      </section>
      <Figure
        name={t('overview.rate')}
        value={number(calls.perSecond, 1)}
        unit={t('unit.perSecond')}
        more={t('overview.inFlight', { n: number(calls.inFlight), of: number(calls.limit) })}
      />
      <Figure
        name={t('overview.latency')}
        value={milliseconds(calls.p95)}
        more={`p50 ${milliseconds(calls.p50)} · p99 ${milliseconds(calls.p99)}`}
      />
      <Figure
        name={t('overview.errors')}
        value={number(calls.errorPercent, 2)}
        unit="%"
        more={t('overview.errors.of')}
      />
      <Figure
        name={t('overview.recoveries')}
        value={recovery.attempts === 0 ? '–' : number(100 * recovery.successRate, 1)}
        unit={recovery.attempts === 0 ? '' : '%'}
        more={t('overview.recoveries.of', { n: number(recovery.attempts) })}
      />
      <Figure
        name={t('overview.process')}
        value={bytes(gateway.rss)}
        more={t('overview.process.more', {
          cpu: number(gateway.cpuPercent, 1),
          lag: milliseconds(gateway.eventLoopLag),
        })}
      />
    </div>
  );
}

function Figure({ name, value, unit = '', more }: { name: string; value: string; unit?: string; more: string }) {
  return (
    <section class="figure" aria-label={name}>
      <p class="name">{name}</p>
      <p class="big">
        {value}
        {unit !== '' && <small> {unit}</small>}
      </p>
      <p class="mute">{more}</p>
    </section>
  );
}

/** Kept samples, and behind the last of them what was told since. */
function History({ rows }: { rows: readonly SampleRow[] }) {
  const last = Date.parse(rows.at(-1)?.at ?? '1970-01-01') / 1000;
  const live = points.value.filter(({ at }) => at > last);
  const of = (field: keyof SampleRow, now: (facts: Facts) => number | null) => [
    ...valuesOf(rows, field),
    ...live.map(({ facts }) => now(facts)),
  ];
  return (
    <Plots
      times={[...timesOf(rows), ...live.map(({ at }) => at)]}
      plots={[
        callsPlot(of('calls_per_second', ({ calls }) => calls.perSecond)),
        latencyPlot(of('response_time_ms', ({ calls }) => calls.p95)),
        {
          title: t('plot.errors'),
          label: t('plot.failed'),
          colour: 'series-3',
          values: of('error_percent', ({ calls }) => calls.errorPercent),
          show: percent,
          least: 5,
        },
        {
          title: t('overview.score'),
          label: t('overview.score'),
          colour: 'series-4',
          values: of('score', ({ score }) => score),
          show: number,
          most: 105,
        },
      ]}
    />
  );
}

function Alerts({ open }: { open: readonly AlertInfo[] }) {
  if (open.length === 0)
    return (
      <p class="calm">
        <Badge tone="good">{t('overview.noAlerts')}</Badge>
      </p>
    );
  return (
    <ul class="list">
      {open.slice(0, 8).map((alert) => (
        <li key={alert.id}>
          <SeverityBadge severity={alert.severity} /> <span class="grow">{said(alert.message)}</span>
          <span class="mute">
            <Time at={alert.since} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Advice({ report }: { report: Diagnostics }) {
  if (report.recommendations.length === 0)
    return (
      <p class="calm">
        <Badge tone="good">{t('overview.noAdvice')}</Badge>
      </p>
    );
  return (
    <ul class="list advice">
      {report.recommendations.slice(0, 8).map((one) => (
        <li key={one}>
          <Icon name="settings" /> <span class="grow">{said(one)}</span>
        </li>
      ))}
    </ul>
  );
}
