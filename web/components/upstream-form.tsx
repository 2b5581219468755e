// One upstream by hand: one argument per field, so that none is torn apart at its spaces.
import { useSignal } from '@preact/signals';
import type { JsonObject } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';
import { SelectField, TextField } from './field.tsx';
import { Form } from './form.tsx';

const TRANSPORTS = ['auto', 'streamable-http', 'sse', 'websocket'] as const;

export interface UpstreamFormProps {
  add(name: string, config: JsonObject): Promise<boolean>;
  close(): void;
}

export function UpstreamForm({ add, close }: UpstreamFormProps) {
  const kind = useSignal<'command' | 'url'>('command');
  const form = useSignal({ name: '', command: '', cwd: '', url: '', transport: 'auto', description: '' });
  const args = useSignal<readonly string[]>(['']);
  const pairs = useSignal<readonly (readonly [string, string])[]>([['', '']]);
  const set = (key: keyof typeof form.value) => (value: string) => {
    form.value = { ...form.value, [key]: value };
  };
  const submit = async (): Promise<void> => {
    const { name, command, cwd, url, transport, description } = form.value;
    const named = Object.fromEntries(pairs.value.filter(([key]) => key.trim() !== ''));
    const some = Object.keys(named).length > 0;
    const config: JsonObject =
      kind.value === 'command'
        ? {
            command,
            args: args.value.filter((one) => one !== ''),
            ...(cwd !== '' && { cwd }),
            ...(some && { env: named }),
          }
        : { url, ...(transport !== 'auto' && { transport }), ...(some && { headers: named }) };
    if (await add(name, { ...config, ...(description !== '' && { description }) })) close();
  };
  const ready = form.value.name !== '' && (kind.value === 'command' ? form.value.command : form.value.url) !== '';
  return (
    <Form run={submit} verb={t('do.add')} disabled={!ready} close={close}>
      <div class="form-row">
        <TextField label={t('column.name')} value={form.value.name} onInput={set('name')} required />
        <SelectField
          label={t('add.kind')}
          value={kind.value}
          onInput={(value) => {
            kind.value = value as 'command' | 'url';
          }}
          choices={[
            { value: 'command', label: t('add.kind.command') },
            { value: 'url', label: t('add.kind.url') },
          ]}
        />
      </div>
      {kind.value === 'command' ? (
        <>
          <TextField label={t('add.command')} mono value={form.value.command} onInput={set('command')} required />
          <List
            label={t('add.args')}
            values={args.value}
            change={(next) => {
              args.value = next;
            }}
          />
          <TextField label={t('add.cwd')} mono value={form.value.cwd} onInput={set('cwd')} hint={t('form.optional')} />
        </>
      ) : (
        <div class="form-row">
          <TextField
            label={t('add.url')}
            mono
            value={form.value.url}
            onInput={set('url')}
            placeholder="https://…/mcp"
            required
          />
          <SelectField
            label={t('add.transport')}
            value={form.value.transport}
            onInput={set('transport')}
            choices={TRANSPORTS.map((value) => ({ value, label: value }))}
          />
        </div>
      )}
      <Pairs
        label={kind.value === 'command' ? t('add.env') : t('add.headers')}
        pairs={pairs.value}
        change={(next) => {
          pairs.value = next;
        }}
      />
      <TextField
        label={t('add.description')}
        value={form.value.description}
        onInput={set('description')}
        hint={t('form.optional')}
      />
    </Form>
  );
}

function List(props: { label: string; values: readonly string[]; change(values: readonly string[]): void }) {
  const { label, values, change } = props;
  return (
    <fieldset>
      <legend>{label}</legend>
      {values.map((value, index) => (
        <div class="row" key={index}>
          <input
            class="mono"
            aria-label={`${label} ${index + 1}`}
            value={value}
            spellcheck={false}
            onInput={(event) => change(values.map((one, at) => (at === index ? event.currentTarget.value : one)))}
          />
          <Button
            kind="quiet"
            small
            icon="close"
            label={`${t('do.remove')} ${label} ${index + 1}`}
            onClick={() => change(values.filter((_, at) => at !== index))}
          >
            {null}
          </Button>
        </div>
      ))}
      <div class="actions">
        <Button small icon="add" onClick={() => change([...values, ''])}>
          {t('do.add')}
        </Button>
      </div>
    </fieldset>
  );
}

type PairList = readonly (readonly [string, string])[];

function Pairs({ label, pairs, change }: { label: string; pairs: PairList; change(pairs: PairList): void }) {
  const put = (index: number, pair: readonly [string, string]): void =>
    change(pairs.map((one, at) => (at === index ? pair : one)));
  return (
    <fieldset>
      <legend>{label}</legend>
      {pairs.map(([name, value], index) => (
        <div class="row" key={index}>
          <input
            class="mono"
            aria-label={t('add.pair.name', { label, n: index + 1 })}
            placeholder={t('column.name')}
            value={name}
            spellcheck={false}
            onInput={(event) => put(index, [event.currentTarget.value, value])}
          />
          <input
            class="mono"
            aria-label={t('add.pair.value', { label, n: index + 1 })}
            placeholder={t('add.value')}
            value={value}
            spellcheck={false}
            onInput={(event) => put(index, [name, event.currentTarget.value])}
          />
        </div>
      ))}
      <div class="actions">
        <Button small icon="add" onClick={() => change([...pairs, ['', '']])}>
          {t('do.add')}
        </Button>
      </div>
    </fieldset>
  );
}
