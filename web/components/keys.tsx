// Keys of callers: made, rotated, revoked. A key is shown once, when it is made.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { KeyInfo } from '../api/types.ts';
import { moment } from '../format.ts';
import { t } from '../i18n/index.ts';
import { revisions } from '../state/live.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';
import { Badge } from './badge.tsx';
import { Button } from './button.tsx';
import { Confirm, Dialog } from './dialog.tsx';
import { CheckField, TextField } from './field.tsx';
import { Form } from './form.tsx';
import { Text } from './json.tsx';
import { Card, Empty } from './page.tsx';
import { Problem } from './problem.tsx';
import { type Column, Table } from './table.tsx';
import { Time } from './time.tsx';

const ROLES = ['read', 'call', 'admin'] as const;

interface Made {
  name: string;
  key: string;
  /** Until when the one before it is good. */
  previousUntil?: string;
}

export function Keys() {
  const found = useLoad(() => api.get<{ keys: KeyInfo[] }>('/keys'), [], revisions.config);
  const adding = useSignal(false);
  const revoking = useSignal<string | undefined>(undefined);
  const made = useSignal<Made | undefined>(undefined);
  const open = (yes: boolean): void => {
    adding.value = yes;
  };
  const ask = (name: string | undefined): void => {
    revoking.value = name;
  };
  const show = (key: Made | undefined): void => {
    made.value = key;
    found.again();
  };
  const rotate = (name: string): Promise<unknown> =>
    attempt(async () => show(await api.post<Made>(path('keys', name, 'rotate'))));
  const columns: readonly Column<KeyInfo>[] = [
    { id: 'name', title: t('column.name'), cell: ({ name }) => <span class="strong">{name}</span> },
    { id: 'roles', title: t('settings.roles'), cell: ({ roles }) => roles.join(', ') },
    {
      id: 'scope',
      title: t('keys.scope'),
      wide: true,
      cell: ({ upstreams, views, tools }) =>
        [...(upstreams ?? []), ...(views ?? []), ...(tools?.allow ?? [])].join(', ') || t('keys.everything'),
    },
    {
      id: 'state',
      title: t('column.state'),
      cell: ({ revoked, expired, expires }) =>
        revoked !== undefined ? (
          <Badge tone="off">{t('keys.revoked')}</Badge>
        ) : expired === true ? (
          <Badge tone="warn">{t('keys.expired')}</Badge>
        ) : (
          <Badge tone="good">{expires === undefined ? t('keys.good') : t('keys.until', { expires })}</Badge>
        ),
    },
    {
      id: 'used',
      title: t('keys.used'),
      none: ({ lastUsed }) => lastUsed === undefined,
      cell: ({ lastUsed }) => <Time at={lastUsed} />,
    },
    {
      id: 'actions',
      title: t('column.actions'),
      none: ({ source }) => source !== 'configuration',
      cell: ({ name, source, revoked }) =>
        source === 'configuration' && revoked === undefined ? (
          <span class="actions">
            <Button small label={`${t('keys.rotate')} ${name}`} onClick={() => rotate(name)}>
              {t('keys.rotate')}
            </Button>
            <Button small kind="quiet" label={`${t('keys.revoke')} ${name}`} onClick={() => ask(name)}>
              {t('keys.revoke')}
            </Button>
          </span>
        ) : null,
    },
  ];
  return (
    <Card
      flush
      title={t('settings.keys')}
      actions={
        <Button small icon="add" onClick={() => open(true)}>
          {t('keys.add')}
        </Button>
      }
    >
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      {found.value === undefined ? (
        <Empty>{t('app.wait')}</Empty>
      ) : (
        <Table
          label={t('settings.keys')}
          columns={columns}
          rows={found.value.keys}
          id={({ name, source }) => `${source} ${name}`}
          empty={t('settings.noKeys')}
        />
      )}
      {adding.value && <AddKey close={() => open(false)} done={show} />}
      {made.value !== undefined && (
        <Dialog title={t('keys.made', { name: made.value.name })} close={() => show(undefined)}>
          <p>{t('keys.once')}</p>
          {made.value.previousUntil !== undefined && (
            <p class="mute">{t('keys.overlap', { when: moment(made.value.previousUntil) })}</p>
          )}
          <Text text={made.value.key} label={t('keys.made', { name: made.value.name })} />
        </Dialog>
      )}
      {revoking.value !== undefined && (
        <Confirm
          title={t('keys.revoking', { name: revoking.value })}
          what={t('keys.revoking.what')}
          verb={t('keys.revoke')}
          close={() => ask(undefined)}
          run={async () => {
            await attempt(
              () => api.delete(path('keys', revoking.value ?? '')),
              t('keys.gone', { name: revoking.value ?? '' }),
            );
            found.again();
          }}
        />
      )}
    </Card>
  );
}

function AddKey({ close, done }: { close(): void; done(made: Made): void }) {
  const name = useSignal('');
  const expires = useSignal('');
  const roles = useSignal<readonly string[]>(['call']);
  const save = (): Promise<unknown> =>
    attempt(async () => {
      const body = { name: name.value, roles: roles.value, ...(expires.value !== '' && { expires: expires.value }) };
      const made = await api.post<Made>('/keys', body);
      close();
      done(made);
    });
  return (
    <Dialog title={t('keys.add')} close={close}>
      <Form run={save} verb={t('do.add')} disabled={name.value === '' || roles.value.length === 0} close={close}>
        <TextField
          label={t('column.name')}
          value={name.value}
          required
          onInput={(value) => {
            name.value = value;
          }}
        />
        <fieldset>
          <legend>{t('settings.roles')}</legend>
          {ROLES.map((role) => (
            <CheckField
              key={role}
              label={role}
              hint={t(`keys.role.${role}`)}
              checked={roles.value.includes(role)}
              onChange={(yes) => {
                roles.value = ROLES.filter((one) => (one === role ? yes : roles.value.includes(one)));
              }}
            />
          ))}
        </fieldset>
        <TextField
          label={t('endpoints.expires')}
          hint={t('keys.expires.hint')}
          value={expires.value}
          onInput={(value) => {
            expires.value = value;
          }}
        />
      </Form>
    </Dialog>
  );
}
