// One upstream: what it is doing, what it offers, what it wrote, its processes, its settings.
import type { FunctionComponent } from 'preact';
import { api, path } from '../api/client.ts';
import type { ProcessInfo, SampleRow, UpstreamView } from '../api/types.ts';
import { Badge, State, UpstreamState } from '../components/badge.tsx';
import { Json, Text } from '../components/json.tsx';
import { callsPlot, latencyPlot, timesOf, valuesOf } from '../components/known-plots.ts';
import { Card, Empty, Facts, Page } from '../components/page.tsx';
import { Plots } from '../components/plot.tsx';
import { Problem } from '../components/problem.tsx';
import { Tabs } from '../components/tabs.tsx';
import { Time } from '../components/time.tsx';
import { UpstreamActions } from '../components/upstream-actions.tsx';
import { UpstreamReason } from '../components/upstream-reason.tsx';
import { bytes, milliseconds, number, percent } from '../format.ts';
import { type Key, t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { place, to } from '../router.ts';
import { upstreams } from '../state/live.ts';
import { useEvery, useLoad } from '../state/load.ts';
import { isAdmin } from '../state/session.ts';

interface Part {
  id: string;
  title: Key;
  admin?: true;
  show: FunctionComponent<{ upstream: UpstreamView }>;
}

const PARTS: readonly Part[] = [
  { id: 'state', title: 'upstream.part.state', show: StatePart },
  { id: 'logs', title: 'upstream.part.logs', admin: true, show: Logs },
  { id: 'processes', title: 'upstream.part.processes', admin: true, show: Processes },
  { id: 'settings', title: 'upstream.part.settings', admin: true, show: Settings },
];

export function Upstream() {
  const [name = '', part = 'state'] = place.value.rest;
  const upstream = upstreams.value?.find((one) => one.name === name);
  if (upstream === undefined)
    return (
      <Page title={name}>
        <Empty>{upstreams.value === undefined ? t('app.wait') : t('upstream.gone')}</Empty>
      </Page>
    );
  const parts = PARTS.filter(({ admin }) => admin !== true || isAdmin.value);
  const Shown = (parts.find(({ id }) => id === part) ?? StatePartOf).show;
  return (
    <Page
      title={name}
      lead={
        <>
          <a href={to('upstreams')}>{t('nav.upstreams')}</a> / {name}
        </>
      }
      actions={<UpstreamActions upstream={upstream} all />}
    >
      <Tabs
        label={name}
        at={part}
        tabs={parts.map(({ id, title }) => ({
          id,
          title: t(title),
          href: to('upstreams', id === 'state' ? [name] : [name, id]),
        }))}
      />
      <Shown upstream={upstream} />
    </Page>
  );
}

const StatePartOf = PARTS[0] as Part;

function StatePart({ upstream }: { upstream: UpstreamView }) {
  const { serverInfo, hint, lastExit } = upstream;
  const samples = useLoad(
    () => api.get<{ samples: SampleRow[] }>(path('upstreams', upstream.name, 'samples'), { limit: 360 }),
    [upstream.name],
  );
  useEvery(10_000, samples.again);
  const rows = samples.value?.samples ?? [];
  return (
    <>
      <div class="columns">
        <Card title={t('upstream.now')}>
          <Facts
            rows={[
              [t('column.state'), <UpstreamState key="state" upstream={upstream} />],
              [t('column.since'), <Time key="since" at={upstream.since} />],
              upstream.reason !== undefined && [
                t('column.reason'),
                <UpstreamReason key="reason" upstream={upstream} />,
              ],
              hint !== undefined && [t('upstream.whatToDo'), said(hint)],
              [t('column.score'), `${number(upstream.score)} · ${t(`trend.${upstream.trend}`)}`],
              [
                t('column.load'),
                t('upstream.loadIs', { running: number(upstream.inFlight), waiting: number(upstream.queued) }),
              ],
              [t('column.restarts'), number(upstream.restarts)],
              lastExit !== undefined && [
                t('upstream.lastExit'),
                <span key="exit">
                  {lastExit.signal ?? lastExit.code} · <Time at={lastExit.at} />
                </span>,
              ],
              upstream.lastCheck !== undefined && [
                t('upstream.lastCheck'),
                <Time key="check" at={upstream.lastCheck} />,
              ],
            ]}
          />
        </Card>
        <Card title={t('upstream.server')}>
          <Facts
            rows={[
              [
                t('upstream.server'),
                serverInfo === undefined
                  ? '–'
                  : `${serverInfo.title ?? serverInfo.name ?? ''} ${serverInfo.version ?? ''}`,
              ],
              [
                t('upstream.protocol'),
                upstream.revision === undefined ? '–' : `${upstream.revision} (${upstream.transport})`,
              ],
              [
                t('nav.tools'),
                <a key="tools" href={to('tools', [], { upstream: upstream.name })}>
                  {number(upstream.tools)}
                </a>,
              ],
              [t('nav.resources'), number(upstream.resources + upstream.resourceTemplates)],
              [t('nav.prompts'), number(upstream.prompts)],
              !upstream.confirmed &&
                upstream.tools + upstream.resources + upstream.prompts > 0 && [
                  t('upstream.lists'),
                  <Badge key="lists" tone="warn">
                    {t('upstream.unconfirmed')}
                  </Badge>,
                ],
              upstream.pid !== undefined && [t('upstream.pid'), String(upstream.pid)],
              upstream.noise > 0 && [t('upstream.noise'), number(upstream.noise)],
            ]}
          />
        </Card>
      </div>
      {samples.problem !== undefined && <Problem error={samples.problem} again={samples.again} />}
      <Plots
        times={timesOf(rows)}
        plots={[
          callsPlot(valuesOf(rows, 'calls_per_second')),
          latencyPlot(valuesOf(rows, 'response_time_ms')),
          {
            title: t('plot.memory'),
            label: 'RSS',
            colour: 'series-4',
            values: valuesOf(rows, 'memory_bytes'),
            show: bytes,
            least: 10 * 1024 ** 2,
          },
          {
            title: t('plot.cpu'),
            label: 'CPU',
            colour: 'series-3',
            values: valuesOf(rows, 'cpu_percent'),
            show: percent,
            least: 5,
          },
        ]}
      />
    </>
  );
}

function Logs({ upstream: { name } }: { upstream: UpstreamView }) {
  const logs = useLoad(() => api.get<{ lines: string[] }>(path('upstreams', name, 'logs'), { lines: 1000 }), [name]);
  useEvery(2000, logs.again);
  return (
    <Card title={t('upstream.stderr')}>
      {logs.problem !== undefined && <Problem error={logs.problem} again={logs.again} />}
      {logs.value !== undefined &&
        (logs.value.lines.length === 0 ? (
          <Empty>{t('upstream.noLogs')}</Empty>
        ) : (
          <Text text={logs.value.lines.join('\n')} label={t('upstream.stderr')} />
        ))}
    </Card>
  );
}

function Processes({ upstream: { name } }: { upstream: UpstreamView }) {
  const found = useLoad(() => api.get<{ processes: ProcessInfo[] }>(path('upstreams', name, 'processes')), [name]);
  useEvery(2000, found.again);
  const all = found.value?.processes ?? [];
  const known = new Set(all.map(({ pid }) => pid));
  return (
    <Card title={t('upstream.part.processes')}>
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      {found.value !== undefined &&
        (all.length === 0 ? (
          <Empty>{t('upstream.noProcesses')}</Empty>
        ) : (
          <Tree all={all} under={all.filter(({ parent }) => !known.has(parent))} />
        ))}
    </Card>
  );
}

function Tree({ all, under }: { all: readonly ProcessInfo[]; under: readonly ProcessInfo[] }) {
  return (
    <ul class="tree">
      {under.map((one) => {
        const children = all.filter(({ parent }) => parent === one.pid);
        return (
          <li key={one.pid}>
            <span class="mono strong">{one.pid}</span> <State state={`process.${one.state}`} />{' '}
            <span class="mute">
              {bytes(one.rss)} · CPU {milliseconds(one.cpu)}
            </span>
            {children.length > 0 && <Tree all={all} under={children} />}
          </li>
        );
      })}
    </ul>
  );
}

function Settings({ upstream: { name } }: { upstream: UpstreamView }) {
  const whole = useLoad(() => api.get<UpstreamView>(path('upstreams', name)), [name]);
  if (whole.problem !== undefined) return <Problem error={whole.problem} again={whole.again} />;
  if (whole.value === undefined) return <Empty>{t('app.wait')}</Empty>;
  const { config, capabilities, instructions, excluded = [] } = whole.value;
  return (
    <>
      <Card
        title={t('upstream.part.settings')}
        actions={<a href={to('configuration')}>{t('upstream.editSettings')}</a>}
      >
        <Json value={config} label={t('upstream.part.settings')} />
      </Card>
      {excluded.length > 0 && (
        <Card title={t('upstream.excluded')}>
          <ul class="list">
            {excluded.map((one) => (
              <li key={one.kind + one.name}>
                <code>{one.name}</code> <span class="grow">{said(one.reason)}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title={t('upstream.capabilities')}>
        <Json value={capabilities} label={t('upstream.capabilities')} />
        {typeof instructions === 'string' && instructions !== '' && (
          <Text text={instructions} label={t('upstream.instructions')} />
        )}
      </Card>
    </>
  );
}
