// Xiaozhi endpoints that the gateway dials: how each is, and what can be done about it.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { EndpointStatus } from '../api/types.ts';
import { Badge, State } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { Confirm, Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { revisions } from '../state/live.ts';
import { useEvery, useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

/** Nothing to end. */
const OFF: ReadonlySet<string> = new Set(['idle', 'disabled', 'stopped']);

export function Endpoints() {
  const found = useLoad(() => api.get<{ endpoints: EndpointStatus[] }>('/endpoints'), [], revisions.endpoints);
  const adding = useSignal(false);
  const replacing = useSignal<string | undefined>(undefined);
  const removing = useSignal<string | undefined>(undefined);
  useEvery(5000, found.again);
  const run = async (name: string, verb: 'connect' | 'disconnect'): Promise<void> => {
    await attempt(() => api.post(path('endpoints', name, verb)), t(`endpoints.${verb}ing`, { name }));
    found.again();
  };
  const ask = (name: string | undefined): void => {
    removing.value = name;
  };
  const open = (yes: boolean): void => {
    adding.value = yes;
  };
  const replace = (name: string | undefined): void => {
    replacing.value = name;
  };
  const columns: readonly Column<EndpointStatus>[] = [
    {
      id: 'name',
      title: t('column.name'),
      by: ({ name }) => name,
      cell: (one) => (
        <span class="stack">
          <span class="strong">{one.name}</span>
          <span class="mute">{one.endpoint}</span>
        </span>
      ),
    },
    {
      id: 'state',
      title: t('column.state'),
      cell: (one) => (
        <span class="stack">
          <span class="badges">
            <State state={one.state} />
            {one.role === 'standby' && (
              <Badge tone={one.promoted === true ? 'info' : 'off'}>
                {one.promoted === true ? t('endpoints.promoted') : t('endpoints.standby')}
              </Badge>
            )}
          </span>
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
      none: ({ lastError, remarks }) => lastError === undefined && remarks.length === 0,
      cell: (one) => (
        <span class="reason">
          <span class="clamp">{said(one.lastError ?? '–')}</span>
          <span class="mute">
            {one.nextTryAt !== undefined && (
              <>
                {t('upstream.attempt', { n: one.reconnectAttempts })} · {t('upstream.nextTry')}{' '}
                <Time at={one.nextTryAt} />
              </>
            )}
            {one.remarks.map(said).join('; ')}
          </span>
        </span>
      ),
    },
    {
      id: 'score',
      title: t('column.score'),
      numeric: true,
      by: ({ healthScore }) => healthScore,
      cell: ({ healthScore }) => number(healthScore),
    },
    {
      id: 'tools',
      title: t('nav.tools'),
      numeric: true,
      cell: ({ tools }) => (tools.leftOut > 0 ? `${tools.listed} (−${tools.leftOut})` : number(tools.listed)),
    },
    {
      id: 'calls',
      title: t('nav.calls'),
      numeric: true,
      by: ({ calls }) => calls,
      cell: ({ calls, inFlight }) => (inFlight > 0 ? `${calls} (${inFlight})` : number(calls)),
    },
    {
      id: 'expires',
      title: t('endpoints.expires'),
      none: ({ expiresAt }) => expiresAt === undefined,
      cell: ({ expiresAt }) => <Time at={expiresAt} />,
    },
    {
      id: 'actions',
      title: t('column.actions'),
      cell: ({ name, connected, state }) => (
        <span class="actions">
          <Button small onClick={() => run(name, connected ? 'disconnect' : 'connect')}>
            {connected ? t('endpoints.disconnect') : t('endpoints.connect')}
          </Button>
          {!connected && !OFF.has(state) && (
            <Button small onClick={() => run(name, 'disconnect')}>
              {t('endpoints.disconnect')}
            </Button>
          )}
          <Button small label={`${t('endpoints.replace')} ${name}`} onClick={() => replace(name)}>
            {t('endpoints.replace')}
          </Button>
          <Button small kind="quiet" label={`${t('do.remove')} ${name}`} onClick={() => ask(name)}>
            {t('do.remove')}
          </Button>
        </span>
      ),
    },
  ];
  return (
    <Page
      title={t('nav.endpoints')}
      lead={t('endpoints.lead')}
      actions={
        <Button kind="main" icon="add" onClick={() => open(true)}>
          {t('endpoints.add')}
        </Button>
      }
    >
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      <Card flush>
        {found.value === undefined ? (
          <Empty>{t('app.wait')}</Empty>
        ) : (
          <Table
            label={t('nav.endpoints')}
            columns={columns}
            rows={found.value.endpoints}
            id={(one) => one.name}
            empty={t('endpoints.none')}
          />
        )}
      </Card>
      {adding.value && <AddEndpoint close={() => open(false)} done={found.again} />}
      {replacing.value !== undefined && (
        <ReplaceAddress name={replacing.value} close={() => replace(undefined)} done={found.again} />
      )}
      {removing.value !== undefined && (
        <Confirm
          title={t('endpoints.removing', { name: removing.value })}
          what={t('endpoints.removing.what')}
          verb={t('do.remove')}
          close={() => ask(undefined)}
          run={async () => {
            await attempt(
              () => api.delete(path('endpoints', removing.value ?? '')),
              t('endpoints.removed', { name: removing.value ?? '' }),
            );
            found.again();
          }}
        />
      )}
    </Page>
  );
}

function AddEndpoint({ close, done }: { close(): void; done(): void }) {
  const form = useSignal({ url: '', name: '', view: '' });
  const set = (key: keyof typeof form.value) => (value: string) => {
    form.value = { ...form.value, [key]: value };
  };
  const save = async (): Promise<void> => {
    const body = Object.fromEntries(
      Object.entries(form.value)
        .map(([key, value]) => [key, value.trim()] as const)
        .filter(([, value]) => value !== ''),
    );
    if (!(await attempt(() => api.post('/endpoints', body), t('endpoints.added')))) return;
    done();
    close();
  };
  return (
    <Dialog title={t('endpoints.add')} close={close}>
      <Form run={save} verb={t('do.add')} disabled={form.value.url.trim() === ''} close={close}>
        <Address value={form.value.url} onInput={set('url')} />
        <div class="form-row">
          <TextField label={t('column.name')} value={form.value.name} onInput={set('name')} hint={t('form.optional')} />
          <TextField
            label={t('endpoints.view')}
            value={form.value.view}
            onInput={set('view')}
            hint={t('form.optional')}
          />
        </div>
      </Form>
    </Dialog>
  );
}

function Address({ value, onInput }: { value: string; onInput(value: string): void }) {
  return (
    <TextField
      label={t('endpoints.url')}
      mono
      value={value}
      onInput={onInput}
      hint={t('endpoints.url.hint')}
      placeholder="wss://…"
      required
    />
  );
}

/** For a token that is new: all else of the endpoint stays. */
function ReplaceAddress({ name, close, done }: { name: string; close(): void; done(): void }) {
  const url = useSignal('');
  const save = async (): Promise<void> => {
    const change = { url: url.value.trim() };
    if (!(await attempt(() => api.patch(path('endpoints', name), change), t('endpoints.replaced', { name })))) return;
    done();
    close();
  };
  return (
    <Dialog title={t('endpoints.replacing', { name })} close={close}>
      <Form run={save} verb={t('endpoints.replace')} disabled={url.value.trim() === ''} close={close}>
        <p>{t('endpoints.replacing.what')}</p>
        <Address
          value={url.value}
          onInput={(value) => {
            url.value = value;
          }}
        />
      </Form>
    </Dialog>
  );
}
