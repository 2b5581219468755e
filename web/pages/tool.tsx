// One tool: what it says of itself, what it costs, and a form to try it.
import { useSignal } from '@preact/signals';
import { api, path } from '../api/client.ts';
import type { JsonObject, ToolView, Tried } from '../api/types.ts';
import { Findings, Waits } from '../components/held.tsx';
import { Json, Text } from '../components/json.tsx';
import { Card, Empty, Facts, Page } from '../components/page.tsx';
import { Problem } from '../components/problem.tsx';
import { Safety } from '../components/safety.tsx';
import { SchemaForm } from '../components/schema-form.tsx';
import { TriedResult } from '../components/tried.tsx';
import { bytes, number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { place, to } from '../router.ts';
import { useLoad } from '../state/load.ts';
import { attempt } from '../state/toasts.ts';

export function Tool() {
  const [upstream = '', name = ''] = place.value.rest;
  const tool = useLoad(() => api.get<ToolView>(path('tools', upstream, name)), [upstream, name]);
  const tried = useSignal<Tried | undefined>(undefined);
  const run = (args: JsonObject): Promise<unknown> =>
    attempt(async () => {
      tried.value = undefined;
      tried.value = await api.post<Tried>(path('tools', upstream, name, 'call'), { arguments: args });
    });
  return (
    <Page
      title={name}
      lead={
        <>
          <a href={to('tools')}>{t('nav.tools')}</a> / <a href={to('upstreams', [upstream])}>{upstream}</a> / {name}
        </>
      }
    >
      {tool.problem !== undefined && <Problem error={tool.problem} again={tool.again} />}
      {tool.value === undefined ? (
        tool.problem === undefined && <Empty>{t('app.wait')}</Empty>
      ) : (
        <div class="columns">
          <div class="stack-cards">
            <Card title={t('tool.try')}>
              {tool.value.safety === 'write' && <p class="notice warn">{t('tool.writes')}</p>}
              <SchemaForm schema={tool.value.inputSchema ?? {}} verb={t('do.run')} run={run} />
              {tried.value !== undefined && <TriedResult tried={tried.value} />}
            </Card>
          </div>
          <div class="stack-cards">
            <Card title={t('tool.about')}>
              {tool.value.held !== undefined && <Waits why={tool.value.held} />}
              <Findings found={tool.value.findings ?? []} />
              {tool.value.description !== '' && <p class="prose">{tool.value.description}</p>}
              <Facts
                rows={[
                  [t('column.offered'), tool.value.enabled ? t('tool.isOffered') : t('tool.notOffered')],
                  tool.value.exposed !== undefined && [
                    t('tool.exposed'),
                    <code key="exposed">{tool.value.exposed}</code>,
                  ],
                  [t('column.safety'), <Safety key="safety" safety={tool.value.safety} />],
                  tool.value.tokens !== undefined && [
                    t('column.tokens'),
                    `${number(tool.value.tokens)} (${bytes(tool.value.bytes)})`,
                  ],
                ]}
              />
              {tool.value.signature !== undefined && <Text text={tool.value.signature} label={t('tool.signature')} />}
            </Card>
            <Card title={t('tool.schema')}>
              <Json value={tool.value.inputSchema} label={t('tool.schema')} />
              {tool.value.outputSchema != null && <Json value={tool.value.outputSchema} label={t('tool.output')} />}
            </Card>
          </div>
        </div>
      )}
    </Page>
  );
}
