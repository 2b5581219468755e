// Prompts of all upstreams, with a form to fill one in.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { JsonObject, Tried } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { SchemaForm } from '../components/schema-form.tsx';
import { SearchField } from '../components/search.tsx';
import { type Column, Table } from '../components/table.tsx';
import { TriedResult } from '../components/tried.tsx';
import { t } from '../i18n/index.ts';
import { changeQuery, place, to } from '../router.ts';
import { revisions } from '../state/live.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

interface Prompt {
  upstream: string;
  name: string;
  title?: string;
  description?: string;
  arguments?: readonly { name: string; description?: string; required?: boolean }[];
}

export function Prompts() {
  const q = (place.value.query.get('q') ?? '').toLowerCase();
  const chosen = useSignal<Prompt | undefined>(undefined);
  const found = useLoad(() => api.get<{ prompts: Prompt[] }>('/prompts'), [], revisions.catalog);
  const choose = (prompt: Prompt | undefined): void => {
    chosen.value = prompt;
  };
  const columns: readonly Column<Prompt>[] = [
    {
      id: 'name',
      title: t('column.name'),
      by: ({ name }) => name,
      cell: (one) => (
        <span class="stack">
          <span class="strong">{one.name}</span>
          {one.title !== undefined && <span class="mute">{one.title}</span>}
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
      none: (one) => one.description === undefined,
      cell: (one) => one.description ?? '–',
    },
    {
      id: 'arguments',
      title: t('form.arguments'),
      none: (one) => (one.arguments ?? []).length === 0,
      cell: (one) => (
        <code>
          {(one.arguments ?? []).map(({ name, required }) => (required === true ? `${name}*` : name)).join(', ') || '–'}
        </code>
      ),
    },
    {
      id: 'fill',
      title: t('column.actions'),
      cell: (one) => (
        <Button small label={`${t('prompts.fill')} ${one.name}`} onClick={() => choose(one)}>
          {t('prompts.fill')}
        </Button>
      ),
    },
  ];
  const rows = (found.value?.prompts ?? []).filter((one) =>
    `${one.upstream} ${one.name} ${one.title ?? ''} ${one.description ?? ''}`.toLowerCase().includes(q),
  );
  return (
    <Page title={t('nav.prompts')} lead={t('prompts.lead')}>
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      <Card flush>
        <div class="toolbar">
          <SearchField label={t('prompts.search')} value={q} onInput={(next) => changeQuery({ q: next })} />
        </div>
        {found.value === undefined ? (
          <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.prompts')}
            columns={columns}
            rows={rows}
            id={(one) => `${one.upstream} ${one.name}`}
            empty={t('prompts.none')}
          />
        )}
      </Card>
      {chosen.value !== undefined && <Filler prompt={chosen.value} close={() => choose(undefined)} />}
    </Page>
  );
}

function Filler({ prompt, close }: { prompt: Prompt; close(): void }) {
  const tried = useSignal<Tried | undefined>(undefined);
  const given = prompt.arguments ?? [];
  const schema: JsonObject = {
    type: 'object',
    properties: Object.fromEntries(given.map(({ name, description = '' }) => [name, { type: 'string', description }])),
    required: given.filter(({ required }) => required === true).map(({ name }) => name),
  };
  return (
    <Dialog title={prompt.title ?? prompt.name} close={close} wide>
      <SchemaForm
        schema={schema}
        verb={t('prompts.fill')}
        run={(args) =>
          attempt(async () => {
            tried.value = await api.post<Tried>(path('prompts', prompt.upstream, prompt.name, 'get'), {
              arguments: args,
            });
          })
        }
      />
      {tried.value !== undefined && <TriedResult tried={tried.value} />}
    </Dialog>
  );
}
