// Changes an alert rule, or makes one.
import { useSignal } from '@preact/signals';
import { api } from '../api/client.ts';
import type { JsonObject, Rule } from '../api/types.ts';
import { t, tOr } from '../i18n/index.ts';
import { isObject } from '../schema.ts';
import { useLoad } from '../state/load.ts';
import { Dialog } from './dialog.tsx';
import { SelectField, TextField } from './field.tsx';
import { Form } from './form.tsx';

export function RuleDialog({
  rule,
  close,
  save,
}: {
  rule: Rule | undefined;
  close(): void;
  save(name: string, change: object): Promise<void>;
}) {
  const text = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value);
  const form = useSignal({
    name: rule?.name ?? '',
    metric: rule?.metric ?? 'response_time_ms',
    warning: text(rule?.warning),
    error: text(rule?.error),
    critical: text(rule?.critical),
    window: rule?.window ?? '120s',
    upstreams: rule?.upstreams.join(', ') ?? '',
    action: rule?.action ?? 'none',
  });
  const schema = useLoad(() => api.get<JsonObject>('/config/schema'), []);
  const set = (key: keyof typeof form.value) => (value: string) => {
    form.value = { ...form.value, [key]: value };
  };
  const submit = async (): Promise<void> => {
    const { name, metric, window, upstreams, action, ...levels } = form.value;
    const given = Object.fromEntries(
      Object.entries(levels)
        .filter(([, value]) => value !== '')
        .map(([key, value]) => [key, Number(value)]),
    );
    const names = upstreams
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean);
    await save(name, {
      ...(rule?.default !== true && { metric }),
      ...given,
      window,
      action,
      ...(names.length > 0 && { upstreams: names }),
    });
    close();
  };
  return (
    <Dialog title={rule?.name ?? t('alerts.newRule')} close={close}>
      <Form run={submit} verb={t('do.save')} disabled={form.value.name === ''} close={close}>
        {rule === undefined && (
          <div class="form-row">
            <TextField label={t('column.name')} value={form.value.name} onInput={set('name')} required />
            <SelectField
              label={t('rule.metric')}
              value={form.value.metric}
              onInput={set('metric')}
              choices={metricsOf(schema.value).map((value) => ({ value, label: tOr(`metric.${value}`, value) }))}
            />
          </div>
        )}
        <div class="form-row">
          {(['warning', 'error', 'critical'] as const).map((severity) => (
            <TextField
              key={severity}
              label={t(`severity.${severity}`)}
              type="number"
              value={form.value[severity]}
              onInput={set(severity)}
              hint={rule?.unit}
            />
          ))}
        </div>
        <div class="form-row">
          <TextField
            label={t('column.window')}
            value={form.value.window}
            onInput={set('window')}
            hint={t('rule.window.hint')}
          />
          <SelectField
            label={t('column.action')}
            value={form.value.action}
            onInput={set('action')}
            choices={[
              { value: 'none', label: '–' },
              { value: 'restart', label: t('rule.restart') },
            ]}
          />
        </div>
        <TextField
          label={t('nav.upstreams')}
          value={form.value.upstreams}
          onInput={set('upstreams')}
          hint={t('rule.upstreams.hint')}
        />
      </Form>
    </Dialog>
  );
}

/** What a rule can look at, as the schema of the configuration says it. */
function metricsOf(schema: JsonObject | undefined): string[] {
  let at: unknown = schema;
  for (const key of ['properties', 'monitor', 'properties', 'rules', 'items', 'properties', 'metric', 'enum'])
    at = isObject(at) ? at[key] : undefined;
  return Array.isArray(at) ? at.map(String) : [];
}
