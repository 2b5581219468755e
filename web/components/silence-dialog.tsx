// Tells nobody of some alerts for a while.
import { useSignal } from '@preact/signals';
import { api } from '../api/client.ts';
import { t } from '../i18n/index.ts';
import { attempt } from '../state/toasts.ts';
import { Dialog } from './dialog.tsx';
import { TextField } from './field.tsx';
import { Form } from './form.tsx';

export function SilenceDialog({
  rule = '*',
  subject = '*',
  close,
  done,
}: {
  rule?: string;
  subject?: string;
  close(): void;
  done(): void;
}) {
  const form = useSignal({ rule, subject, minutes: '60', reason: '' });
  const set = (key: keyof typeof form.value) => (value: string) => {
    form.value = { ...form.value, [key]: value };
  };
  const save = async (): Promise<void> => {
    const body = { ...form.value, minutes: Number(form.value.minutes) };
    if (!(await attempt(() => api.post('/silences', body), t('alerts.silenceMade')))) return;
    done();
    close();
  };
  return (
    <Dialog title={t('alerts.newSilence')} close={close}>
      <Form run={save} verb={t('alerts.silence')} close={close}>
        <div class="form-row">
          <TextField label={t('column.rule')} value={form.value.rule} onInput={set('rule')} hint={t('silence.any')} />
          <TextField
            label={t('silence.subject')}
            value={form.value.subject}
            onInput={set('subject')}
            hint={t('silence.subject.hint')}
          />
        </div>
        <TextField
          label={t('silence.minutes')}
          type="number"
          value={form.value.minutes}
          onInput={set('minutes')}
          required
        />
        <TextField label={t('silence.reason')} value={form.value.reason} onInput={set('reason')} />
      </Form>
    </Dialog>
  );
}
