// Tools of all upstreams: what each costs a model, whether it is offered, and a way to try it.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { ToolView } from '../api/types.ts';
import { SelectField, Switch } from '../components/field.tsx';
import { Waits } from '../components/held.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { Safety } from '../components/safety.tsx';
import { SearchField } from '../components/search.tsx';
import { type Column, Table } from '../components/table.tsx';
import { number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { changeQuery, place, to } from '../router.ts';
import { revisions, upstreams } from '../state/live.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

const MOST = 1000;

export function Tools() {
  const q = place.value.query.get('q') ?? '';
  const upstream = place.value.query.get('upstream') ?? '';
  const changed = useSignal<Readonly<Record<string, boolean>>>({});
  const tools = useLoad(
    () => api.get<{ total: number; tools: ToolView[] }>('/tools', { q, upstream, limit: MOST }),
    [q, upstream],
    revisions.catalog,
  );
  const rows = tools.value?.tools ?? [];
  const tokens = rows.reduce((sum, one) => sum + (one.enabled ? (one.tokens ?? 0) : 0), 0);
  const toggle = async (tool: ToolView, on: boolean): Promise<void> => {
    const id = idOf(tool);
    changed.value = { ...changed.value, [id]: on };
    const done = await attempt(
      () => api.post(path('tools', tool.upstream, tool.name, on ? 'enable' : 'disable')),
      t(on ? 'tools.on' : 'tools.off', { name: tool.name }),
    );
    if (!done) changed.value = { ...changed.value, [id]: !on };
  };
  const columns: readonly Column<ToolView>[] = [
    {
      id: 'name',
      title: t('column.name'),
      by: ({ name }) => name,
      cell: ({ upstream: of, name, exposed, title }) => (
        <span class="stack">
          <a class="strong" href={to('tools', [of, name])}>
            {name}
          </a>
          <span class="mute">{title ?? exposed ?? ''}</span>
        </span>
      ),
    },
    {
      id: 'upstream',
      title: t('column.upstream'),
      by: (one) => one.upstream,
      cell: (one) => <a href={to('upstreams', [one.upstream])}>{one.upstream}</a>,
    },
    {
      id: 'what',
      title: t('column.what'),
      wide: true,
      cell: ({ description, signature }) => (
        <span class="reason">
          {description !== '' && <span class="clamp">{description}</span>}
          {signature !== undefined && <code class="clamp mute">{signature}</code>}
        </span>
      ),
    },
    {
      id: 'safety',
      title: t('column.safety'),
      by: ({ safety }) => safety,
      cell: ({ safety }) => <Safety safety={safety} />,
    },
    {
      id: 'tokens',
      title: t('column.tokens'),
      numeric: true,
      by: (one) => one.tokens ?? 0,
      cell: (one) => (one.tokens === undefined ? '–' : number(one.tokens)),
    },
    {
      id: 'on',
      title: t('column.offered'),
      cell: (tool) =>
        tool.held !== undefined ? (
          <Waits why={tool.held} />
        ) : (
          <Switch
            label={t('tools.offer', { name: tool.name })}
            on={changed.value[idOf(tool)] ?? tool.enabled}
            onChange={(on) => toggle(tool, on)}
          />
        ),
    },
  ];
  return (
    <Page
      title={t('nav.tools')}
      lead={
        tools.value === undefined
          ? t('tools.lead')
          : t('tools.count', { n: number(tools.value.total), tokens: number(tokens) })
      }
    >
      <Card flush>
        <div class="toolbar">
          <SearchField label={t('tools.search')} value={q} onInput={(next) => changeQuery({ q: next })} />
          <SelectField
            label={t('column.upstream')}
            value={upstream}
            onInput={(next) => changeQuery({ upstream: next })}
            choices={[
              { value: '', label: t('calls.any') },
              ...(upstreams.value ?? []).map(({ name }) => ({ value: name, label: name })),
            ]}
          />
        </div>
        {tools.problem !== undefined && <Problem error={tools.problem} again={tools.again} />}
        {tools.value === undefined ? (
          tools.problem === undefined && <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table label={t('nav.tools')} columns={columns} rows={rows} id={idOf} empty={t('tools.none')} />
        )}
        {tools.value !== undefined && tools.value.total > rows.length && (
          <Empty>{t('tools.more', { n: number(tools.value.total - rows.length) })}</Empty>
        )}
      </Card>
    </Page>
  );
}

function idOf({ upstream, name }: ToolView): string {
  return `${upstream}/${name}`;
}
