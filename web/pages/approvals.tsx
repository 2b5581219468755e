// What is held back until somebody approves it: servers with what they would start, tools with what has changed (10.21).
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, path } from '../api/client.ts';
import type { ApprovalMade, ApprovalWaiting } from '../api/types.ts';
import { Badge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { Confirm } from '../components/dialog.tsx';
import { Held, nameOf, startOf } from '../components/held.tsx';
import { Card, Empty, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { t } from '../i18n/index.ts';
import { approvals, approvalsProblem, refreshApprovals } from '../state/approvals.ts';
import { attempt } from '../state/toasts.ts';

type Verb = 'approve' | 'reject';
interface Asked {
  verb: Verb;
  upstream: string;
  /** All of them, as they were looked at. */
  about: readonly ApprovalWaiting[];
}

export function Approvals() {
  const asked = useSignal<Asked | undefined>(undefined);
  useEffect(() => void refreshApprovals(), []);
  const found = approvals.value;
  const ask = (next: Asked | undefined): void => {
    asked.value = next;
  };
  return (
    <Page title={t('nav.approvals')} lead={t('approvals.lead')}>
      {approvalsProblem.value !== undefined && <Problem error={approvalsProblem.value} again={refreshApprovals} />}
      {found === undefined ? (
        approvalsProblem.value === undefined && <Empty>{t('app.wait')}</Empty>
      ) : (
        <>
          {found.approval === 'off' && (
            <div class="notice warn">
              <p class="grow">
                {t('approvals.off')} <code>"security": {'{ "approval": "changed" }'}</code>
              </p>
            </div>
          )}
          {found.approval !== 'off' && found.waiting.length === 0 && (
            <Card>
              <Badge tone="good">{t('approvals.none')}</Badge>
            </Card>
          )}
          {byUpstream(found.waiting).map(([upstream, about]) => (
            <Card
              key={upstream}
              title={about.length > 1 ? upstream : undefined}
              actions={
                about.length > 1 ? (
                  <Decide ask={ask} upstream={upstream} about={about} count={about.length} />
                ) : undefined
              }
            >
              {about.map((one) => (
                <Held key={one.fingerprint + (one.tool ?? '')} waiting={one}>
                  <Decide ask={ask} upstream={upstream} about={[one]} />
                </Held>
              ))}
            </Card>
          ))}
          {found.decisions.length > 0 && (
            <Card flush title={t('approvals.decisions')}>
              <Table
                label={t('approvals.decisions')}
                columns={columns()}
                rows={found.decisions}
                id={(one) => `${one.at} ${nameOf(one)}`}
                empty="–"
              />
            </Card>
          )}
        </>
      )}
      {asked.value !== undefined && <Sure asked={asked.value} close={() => ask(undefined)} />}
    </Page>
  );
}

function byUpstream(waiting: readonly ApprovalWaiting[]): [string, ApprovalWaiting[]][] {
  const groups = new Map<string, ApprovalWaiting[]>();
  for (const one of waiting) groups.set(one.upstream, [...(groups.get(one.upstream) ?? []), one]);
  return [...groups];
}

interface DecideProps {
  ask(asked: Asked): void;
  upstream: string;
  about: readonly ApprovalWaiting[];
  /** Of all together. */
  count?: number;
}

function Decide({ ask, upstream, about, count }: DecideProps) {
  const name = count === undefined && about[0] !== undefined ? nameOf(about[0]) : upstream;
  const text = (verb: Verb): string =>
    count === undefined ? t(`approvals.${verb}`) : t(`approvals.${verb}All`, { n: count });
  return (
    <span class="actions">
      <Button
        small
        kind="main"
        label={`${text('approve')} ${name}`}
        onClick={() => ask({ verb: 'approve', upstream, about })}
      >
        {text('approve')}
      </Button>
      {about.some(({ why }) => why !== 'rejected') && (
        <Button
          small
          kind="danger"
          label={`${text('reject')} ${name}`}
          onClick={() => ask({ verb: 'reject', upstream, about })}
        >
          {text('reject')}
        </Button>
      )}
    </span>
  );
}

/** Asked once more, with what it is about; decided for exactly what was looked at. */
function Sure({ asked: { verb, upstream, about }, close }: { asked: Asked; close(): void }) {
  const [first] = about;
  const name = about.length === 1 && first !== undefined ? nameOf(first) : upstream;
  const tools = about.flatMap(({ tool }) => tool ?? []);
  const starts = about.flatMap((one) => startOf(one) ?? []);
  const run = async (): Promise<void> => {
    const body = {
      ...(tools.length === about.length && { tools }),
      fingerprints: about.map(({ fingerprint }) => fingerprint),
    };
    const done = t(verb === 'approve' ? 'approvals.approved' : 'approvals.rejected', { name });
    await attempt(() => api.post(path('approvals', upstream, verb), body), done);
    await refreshApprovals();
  };
  return (
    <Confirm
      title={t(`approvals.${verb}.sure`, { name })}
      what={
        <>
          {t(`approvals.${verb}.what`)}
          {starts.map((text) => (
            <code key={text} class="starts-line">
              {text}
            </code>
          ))}
        </>
      }
      verb={t(`approvals.${verb}`)}
      kind={verb === 'approve' ? 'main' : 'danger'}
      close={close}
      run={run}
    />
  );
}

function columns(): readonly Column<ApprovalMade>[] {
  return [
    { id: 'what', title: t('column.name'), wide: true, cell: (one) => <span class="strong">{nameOf(one)}</span> },
    {
      id: 'decision',
      title: t('approvals.decision'),
      cell: ({ decision }) => (
        <Badge tone={decision === 'approved' ? 'good' : 'off'}>{t(`approvals.was.${decision}`)}</Badge>
      ),
    },
    { id: 'by', title: t('column.by'), cell: ({ by }) => by },
    { id: 'at', title: t('column.when'), by: ({ at }) => at, cell: ({ at }) => <Time at={at} /> },
  ];
}
