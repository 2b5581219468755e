// Versions of the configuration: when, by whom, why; what differs; and back to one of them.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { ConfigVersionInfo } from '../api/types.ts';
import { Badge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { Confirm, Dialog } from '../components/dialog.tsx';
import { Difference } from '../components/difference.tsx';
import { Card, Empty } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { type Column, Table } from '../components/table.tsx';
import { moment } from '../format.ts';
import { t } from '../i18n/index.ts';
import { revisions } from '../state/live.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

export function ConfigHistory() {
  const found = useLoad(() => api.get<{ versions: ConfigVersionInfo[] }>('/config/versions'), [], revisions.config);
  const comparing = useSignal<ConfigVersionInfo | undefined>(undefined);
  const returning = useSignal<ConfigVersionInfo | undefined>(undefined);
  const compare = (version: ConfigVersionInfo | undefined): void => {
    comparing.value = version;
  };
  const ask = (version: ConfigVersionInfo | undefined): void => {
    returning.value = version;
  };
  const versions = [...(found.value?.versions ?? [])].sort((a, b) => b.version - a.version);
  const newest = versions[0]?.version;
  const columns: readonly Column<ConfigVersionInfo>[] = [
    {
      id: 'version',
      title: t('column.version'),
      cell: ({ version }) => (
        <span class="badges">
          <span class="strong">{version}</span>
          {version === newest && <Badge tone="good">{t('config.inForce')}</Badge>}
        </span>
      ),
    },
    { id: 'at', title: t('column.when'), cell: ({ at }) => moment(at) },
    { id: 'by', title: t('column.by'), cell: ({ by }) => by },
    { id: 'reason', title: t('column.reason'), wide: true, cell: ({ reason }) => reason },
    {
      id: 'actions',
      title: t('column.actions'),
      cell: (one) => (
        <span class="actions">
          <Button small label={`${t('config.compare')} ${one.version}`} onClick={() => compare(one)}>
            {t('config.compare')}
          </Button>
          {one.version !== newest && (
            <Button small label={`${t('config.back')} ${one.version}`} onClick={() => ask(one)}>
              {t('config.back')}
            </Button>
          )}
        </span>
      ),
    },
  ];
  return (
    <Card flush>
      {found.problem !== undefined && <Problem error={found.problem} again={found.again} />}
      {found.value === undefined ? (
        <Empty>{t('app.wait')}</Empty>
      ) : (
        <Table
          label={t('config.part.history')}
          columns={columns}
          rows={versions}
          id={({ version }) => String(version)}
          empty={t('config.noHistory')}
        />
      )}
      {comparing.value !== undefined && (
        <Compare versions={versions} version={comparing.value} close={() => compare(undefined)} />
      )}
      {returning.value !== undefined && (
        <Confirm
          title={t('config.returning', { version: returning.value.version })}
          what={t('config.returning.what')}
          verb={t('config.back')}
          close={() => ask(undefined)}
          run={async () => {
            await attempt(
              () => api.post(path('config', 'versions', String(returning.value?.version), 'rollback')),
              t('config.returned'),
            );
            found.again();
          }}
        />
      )}
    </Card>
  );
}

/** With the version before it; the oldest with nothing. */
function Compare({
  versions,
  version,
  close,
}: {
  versions: readonly ConfigVersionInfo[];
  version: ConfigVersionInfo;
  close(): void;
}) {
  const before = versions.find((one) => one.version < version.version);
  const read = (of: ConfigVersionInfo | undefined): Promise<string> =>
    of === undefined
      ? Promise.resolve('')
      : api.get<{ text: string }>(path('config', 'versions', String(of.version))).then(({ text }) => text);
  const texts = useLoad(() => Promise.all([read(before), read(version)]), [version.version]);
  return (
    <Dialog
      wide
      title={
        before === undefined
          ? t('config.first', { version: version.version })
          : t('config.between', { from: before.version, to: version.version })
      }
      close={close}
    >
      {texts.problem !== undefined && <Problem error={texts.problem} again={texts.again} />}
      {texts.value === undefined ? (
        <Empty>{t('app.wait')}</Empty>
      ) : (
        <Difference before={texts.value[0]} after={texts.value[1]} />
      )}
    </Dialog>
  );
}
