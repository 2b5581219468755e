// Adds upstreams: by form, by pasted text, or from a file that lists some (a catalogue, or the file of another program).
import { useSignal } from '@preact/signals';
import { ApiError, api } from '../api/client.ts';
import type { ConfigProblem, JsonObject } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { refreshUpstreams } from '../state/live.ts';
import { attempt } from '../state/toasts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field, TextField } from './field.tsx';
import { FoundUpstreams } from './found-upstreams.tsx';
import { Problem } from './problem.tsx';
import { UpstreamForm } from './upstream-form.tsx';

export interface Found {
  format: string;
  upstreams: Readonly<Record<string, JsonObject>>;
  notes: readonly ConfigProblem[];
}

const WAYS = ['paste', 'form', 'file'] as const;

export function AddUpstream({ close }: { close(): void }) {
  const way = useSignal<(typeof WAYS)[number]>('paste');
  const found = useSignal<Found | undefined>(undefined);
  const add = async (name: string, config: JsonObject): Promise<boolean> => {
    const done = await attempt(() => api.post('/upstreams', { name, config }), t('add.added', { name }));
    refreshUpstreams(0);
    return done;
  };
  const choose = (next: (typeof WAYS)[number]): void => {
    way.value = next;
    found.value = undefined;
  };
  return (
    <Dialog title={t('add.title')} close={close} wide>
      <fieldset class="choices">
        <legend class="unseen">{t('add.way')}</legend>
        {WAYS.map((one) => (
          <Button key={one} pressed={way.value === one} onClick={() => choose(one)}>
            {t(`add.way.${one}`)}
          </Button>
        ))}
      </fieldset>
      {way.value === 'form' && <UpstreamForm add={add} close={close} />}
      {way.value !== 'form' && found.value === undefined && (
        <Reader
          file={way.value === 'file'}
          done={(read) => {
            found.value = read;
          }}
        />
      )}
      {way.value !== 'form' && found.value !== undefined && (
        <FoundUpstreams
          found={found.value}
          add={add}
          close={close}
          back={() => {
            found.value = undefined;
          }}
        />
      )}
    </Dialog>
  );
}

function Reader({ file, done }: { file: boolean; done(found: Found): void }) {
  const text = useSignal('');
  const problem = useSignal<ApiError | undefined>(undefined);
  const read = async (): Promise<void> => {
    problem.value = undefined;
    try {
      done(await api.post<Found>('/paste', { text: text.value }));
    } catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  };
  const take = async (chosen: File | undefined): Promise<void> => {
    if (chosen === undefined) return;
    text.value = await chosen.text();
    await read();
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void read();
      }}
    >
      {file ? (
        <Field label={t('add.file')} hint={t('add.file.hint')}>
          {({ id, about }) => (
            <input
              id={id}
              type="file"
              accept=".json,.jsonc,.toml,.txt"
              aria-describedby={about}
              onChange={(event) => void take(event.currentTarget.files?.[0])}
            />
          )}
        </Field>
      ) : (
        <TextField
          label={t('add.paste')}
          hint={t('add.paste.hint')}
          mono
          rows={8}
          value={text.value}
          placeholder={'npx -y @modelcontextprotocol/server-memory'}
          onInput={(next) => {
            text.value = next;
          }}
        />
      )}
      {problem.value !== undefined && <Problem error={problem.value} />}
      {!file && (
        <div class="form-actions">
          <Button kind="main" submit disabled={text.value.trim() === ''}>
            {t('add.read')}
          </Button>
        </div>
      )}
    </form>
  );
}
