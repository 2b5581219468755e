// Resources and templates of all upstreams, with a way to read one.
import { useSignal } from '@preact/signals';
import { api } from '../api/client.ts';
import type { Tried } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { SearchField } from '../components/search.tsx';
import { type Column, Table } from '../components/table.tsx';
import { TriedResult } from '../components/tried.tsx';
import { t } from '../i18n/index.ts';
import { changeQuery, place, to } from '../router.ts';
import { revisions } from '../state/live.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

interface Resource {
  upstream: string;
  uri?: string;
  uriTemplate?: string;
  name?: string;
  title?: string;
  description?: string;
  mimeType?: string;
}

export function Resources() {
  const q = (place.value.query.get('q') ?? '').toLowerCase();
  const reading = useSignal<Resource | undefined>(undefined);
  const found = useLoad(
    () => api.get<{ resources: Resource[]; templates: Resource[] }>('/resources'),
    [],
    revisions.catalog,
  );
  const fits = (one: Resource): boolean => Object.values(one).join(' ').toLowerCase().includes(q);
  const columns: readonly Column<Resource>[] = [
    {
      id: 'name',
      title: t('column.name'),
      by: (one) => one.title ?? one.name ?? '',
      cell: (one) => <span class="strong">{one.title ?? one.name ?? addressOf(one)}</span>,
    },
    {
      id: 'upstream',
      title: t('column.upstream'),
      by: (one) => one.upstream,
      cell: (one) => <a href={to('upstreams', [one.upstream])}>{one.upstream}</a>,
    },
    {
      id: 'uri',
      title: 'URI',
      wide: true,
      by: addressOf,
      cell: (one) => (
        <span class="reason">
          <code>{addressOf(one)}</code>
          {one.description !== undefined && <span class="clamp mute">{one.description}</span>}
        </span>
      ),
    },
    { id: 'type', title: t('column.type'), cell: (one) => one.mimeType ?? '–' },
    {
      id: 'read',
      title: t('column.actions'),
      cell: (one) => (
        <Button small label={`${t('resources.read')} ${addressOf(one)}`} onClick={() => open(reading, one)}>
          {t('resources.read')}
        </Button>
      ),
    },
  ];
  return (
    <Page title={t('nav.resources')} lead={t('resources.lead')}>
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      <Card flush>
        <div class="toolbar">
          <SearchField label={t('resources.search')} value={q} onInput={(next) => changeQuery({ q: next })} />
        </div>
        {found.value === undefined ? (
          <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.resources')}
            columns={columns}
            rows={found.value.resources.filter(fits)}
            id={idOf}
            empty={t('resources.none')}
          />
        )}
      </Card>
      {found.value !== undefined && found.value.templates.length > 0 && (
        <Card flush title={t('resources.templates')}>
          <Table
            label={t('resources.templates')}
            columns={columns}
            rows={found.value.templates.filter(fits)}
            id={idOf}
            empty={t('resources.none')}
          />
        </Card>
      )}
      {reading.value !== undefined && <Reader resource={reading.value} close={() => open(reading, undefined)} />}
    </Page>
  );
}

function open(reading: { value: Resource | undefined }, resource: Resource | undefined): void {
  reading.value = resource;
}

function addressOf({ uri, uriTemplate }: Resource): string {
  return uri ?? uriTemplate ?? '';
}

function idOf(one: Resource): string {
  return `${one.upstream} ${addressOf(one)}`;
}

function Reader({ resource, close }: { resource: Resource; close(): void }) {
  const uri = useSignal(addressOf(resource));
  const tried = useSignal<Tried | undefined>(undefined);
  const read = (): Promise<unknown> =>
    attempt(async () => {
      tried.value = await api.post<Tried>('/resources/read', { upstream: resource.upstream, uri: uri.value });
    });
  return (
    <Dialog title={resource.title ?? resource.name ?? addressOf(resource)} close={close} wide>
      <Form run={read} verb={t('resources.read')}>
        <TextField
          label="URI"
          mono
          value={uri.value}
          hint={resource.uriTemplate === undefined ? undefined : t('resources.template')}
          onInput={(value) => {
            uri.value = value;
          }}
        />
      </Form>
      {tried.value !== undefined && <TriedResult tried={tried.value} />}
    </Dialog>
  );
}
