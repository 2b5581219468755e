// The text of the configuration in an editor that knows its schema. What a change would do is shown before it is done.
import { useSignal } from '@preact/signals';
import { ApiError, api } from '../api/client.ts';
import type { ConfigPlan, ConfigView, JsonObject } from '../api/types.ts';
import { Badge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { CodeEditor } from '../components/code-editor.tsx';
import { TextField } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { Card, Empty } from '../components/page.tsx';
import { Plan } from '../components/plan.tsx';
import { Problem } from '../components/problem.tsx';
import { t } from '../i18n/index.ts';
import { revisions } from '../state/live.ts';
import { useLoad } from '../state/load.ts';
import { tell } from '../state/toasts.ts';

export function ConfigEditor() {
  const now = useLoad(() => api.get<ConfigView>('/config'), []);
  const schema = useLoad(() => api.get<JsonObject>('/config/schema'), []);
  if (now.problem !== undefined) return <Problem error={now.problem} again={now.again} />;
  if (now.value === undefined || (schema.value === undefined && schema.problem === undefined))
    return <Empty>{t('app.wait')}</Empty>;
  return <Editor key={now.value.etag} view={now.value} schema={schema.value ?? {}} again={now.again} />;
}

function Editor({ view, schema, again }: { view: ConfigView; schema: JsonObject; again(): void }) {
  const text = useSignal(view.text);
  const reason = useSignal('');
  const plan = useSignal<ConfigPlan | undefined>(undefined);
  const problem = useSignal<ApiError | undefined>(undefined);
  const changed = text.value !== view.text;
  const newer = useNewer(view.version);
  const ask = async (method: 'plan' | 'apply'): Promise<void> => {
    problem.value = undefined;
    plan.value = undefined;
    const body = { text: text.value, etag: view.etag, ...(reason.value !== '' && { reason: reason.value }) };
    try {
      if (method === 'plan') plan.value = (await api.post<{ plan: ConfigPlan }>('/config/plan', body)).plan;
      else {
        const done = await api.put<{ version: number }>('/config', body);
        tell('good', t('config.applied', { version: done.version }));
        again();
      }
    } catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  };
  return (
    <>
      {view.rejected !== undefined && (
        <div class="notice warn" role="status">
          <Icon name="alert" />
          <div class="grow">
            <p class="strong">{t('config.rejected')}</p>
            {view.rejected.problems.map((one) => (
              <p key={one}>{one}</p>
            ))}
          </div>
        </div>
      )}
      {newer && (
        <div class="notice warn" role="status">
          <Icon name="alert" />
          <p class="grow">{t('config.newer')}</p>
          <Button small onClick={again}>
            {t('config.reload')}
          </Button>
        </div>
      )}
      <Card>
        <p class="mute">
          {t('config.version', { version: view.version })} · {view.file ?? t('config.noFile')} ·{' '}
          {t(`config.writes.${view.writes}`)}
        </p>
        <CodeEditor
          label={t('config.text')}
          text={text.value}
          schema={schema}
          problems={problem.value?.problems ?? []}
          onInput={(next) => {
            text.value = next;
            plan.value = undefined;
          }}
        />
        <p class="hint">{t('config.hint')}</p>
        {problem.value !== undefined && <Problem error={problem.value} />}
        {plan.value !== undefined && <Plan plan={plan.value} />}
        <div class="form-row end">
          <TextField
            label={t('config.reason')}
            value={reason.value}
            onInput={(value) => {
              reason.value = value;
            }}
          />
          <div class="form-actions">
            {changed && <Badge tone="info">{t('config.changed')}</Badge>}
            <Button disabled={!changed} onClick={() => ask('plan')}>
              {t('config.plan')}
            </Button>
            <Button kind="main" disabled={!changed} onClick={() => ask('apply')}>
              {t('config.apply')}
            </Button>
          </div>
        </div>
      </Card>
    </>
  );
}

/** Whether somebody else has changed the configuration since it was read. */
function useNewer(version: number): boolean {
  const now = useLoad(() => api.get<ConfigView>('/config'), [version], revisions.config);
  return now.value !== undefined && now.value.version > version;
}
