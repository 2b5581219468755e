// A form made from a JSON Schema; whoever likes better writes JSON.
import { type Signal, useSignal } from '@preact/signals';
import type { JsonObject } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { argumentsOf, type Part, partsOf } from '../schema.ts';
import { Button } from './button.tsx';
import { CheckField, SelectField, TextField } from './field.tsx';

type Values = Record<string, unknown>;

export function SchemaForm({
  schema,
  verb,
  run,
}: {
  schema: JsonObject;
  verb: string;
  run(args: JsonObject): Promise<unknown>;
}) {
  const parts = partsOf(schema);
  const values = useSignal<Values>(initialOf(parts));
  const text = useSignal<string | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);

  const read = (): JsonObject | undefined => {
    try {
      problem.value = undefined;
      return text.value === undefined
        ? argumentsOf(parts, values.value)
        : (JSON.parse(text.value || '{}') as JsonObject);
    } catch (error) {
      problem.value = text.value === undefined ? t('form.json', { name: (error as Error).message }) : t('form.notJson');
      return undefined;
    }
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const args = read();
    if (args === undefined || busy.value) return;
    busy.value = true;
    await run(args);
    busy.value = false;
  };
  const swap = (): void => {
    if (text.value !== undefined) text.value = undefined;
    else text.value = JSON.stringify(read() ?? {}, null, 2);
  };
  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      {text.value !== undefined ? (
        <TextField
          label={t('form.arguments')}
          mono
          rows={10}
          value={text.value}
          onInput={(value) => set(text, value)}
          problem={problem.value}
        />
      ) : parts.length === 0 ? (
        <p class="mute">{t('form.none')}</p>
      ) : (
        <Parts parts={parts} values={values.value} change={(next) => set(values, next)} />
      )}
      {problem.value !== undefined && text.value === undefined && (
        <p class="hint bad" role="alert">
          {problem.value}
        </p>
      )}
      <div class="form-actions">
        <Button onClick={swap} pressed={text.value !== undefined}>
          JSON
        </Button>
        <Button kind="main" submit disabled={busy.value}>
          {verb}
        </Button>
      </div>
    </form>
  );
}

function set<T>(signal: Signal<T>, value: T): void {
  signal.value = value;
}

function initialOf(parts: readonly Part[]): Values {
  const shown = (part: Part): unknown => {
    if (part.kind === 'group') return initialOf(part.parts);
    if (part.initial === undefined) return part.kind === 'boolean' && part.required ? false : undefined;
    if (part.kind === 'choice') return String(part.choices.indexOf(part.initial));
    return part.kind === 'json' ? JSON.stringify(part.initial) : part.initial;
  };
  return Object.fromEntries(parts.map((part) => [part.name, shown(part)]));
}

function Parts({ parts, values, change }: { parts: readonly Part[]; values: Values; change(values: Values): void }) {
  return (
    <>
      {parts.map((part) => (
        <Input
          key={part.name}
          part={part}
          value={values[part.name]}
          change={(value) => change({ ...values, [part.name]: value })}
        />
      ))}
    </>
  );
}

function Input({ part, value, change }: { part: Part; value: unknown; change(value: unknown): void }) {
  const { kind, name, title, description, required, choices } = part;
  const shared = {
    label: title === name ? name : `${title} (${name})`,
    hint: description === '' ? undefined : description,
    required,
  };
  const text = value === undefined || value === null ? '' : String(value);
  if (kind === 'group')
    return (
      <fieldset>
        <legend>{shared.label}</legend>
        <Parts parts={part.parts} values={(value as Values | undefined) ?? {}} change={change} />
      </fieldset>
    );
  if (kind === 'boolean')
    return <CheckField label={shared.label} hint={shared.hint} checked={value === true} onChange={change} />;
  if (kind === 'choice')
    return (
      <SelectField
        {...shared}
        value={text}
        onInput={change}
        choices={[
          { value: '', label: '–' },
          ...choices.map((one, index) => ({
            value: String(index),
            label: typeof one === 'string' ? one : JSON.stringify(one),
          })),
        ]}
      />
    );
  if (kind === 'number' || kind === 'integer')
    return <TextField {...shared} type="number" value={text} onInput={change} />;
  if (kind === 'json') return <TextField {...shared} mono rows={3} placeholder="JSON" value={text} onInput={change} />;
  return <TextField {...shared} value={text} onInput={change} {...(kind === 'long-text' && { rows: 3 })} />;
}
