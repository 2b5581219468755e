// What was read from a text: each server by a name of one's own, to be added or left.
import { useSignal } from '@preact/signals';
import type { JsonObject } from '../api/types.ts';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { upstreams } from '../state/live.ts';
import type { Found } from './add-upstream.tsx';
import { Button } from './button.tsx';
import { CheckField, TextField } from './field.tsx';
import { Json } from './json.tsx';

interface Choice {
  wanted: boolean;
  name: string;
  config: JsonObject;
}

export interface FoundProps {
  found: Found;
  add(name: string, config: JsonObject): Promise<boolean>;
  back(): void;
  close(): void;
}

export function FoundUpstreams({ found, add, back, close }: FoundProps) {
  const taken = new Set((upstreams.value ?? []).map(({ name }) => name));
  const choices = useSignal<readonly Choice[]>(
    Object.entries(found.upstreams).map(([name, config]) => ({ wanted: !taken.has(name), name, config })),
  );
  const change = (index: number, part: Partial<Choice>): void => {
    choices.value = choices.value.map((one, at) => (at === index ? { ...one, ...part } : one));
  };
  const chosen = choices.value.filter(({ wanted }) => wanted);
  const addAll = async (): Promise<void> => {
    const left = new Set<Choice>();
    // One after the other: each is a version of the configuration of its own.
    for (const one of chosen) if (!(await add(one.name, one.config))) left.add(one);
    if (left.size === 0) return close();
    choices.value = choices.value.map((one) => ({ ...one, wanted: left.has(one) }));
  };
  return (
    <div class="form">
      <p class="mute">{t('add.found', { n: choices.value.length, format: found.format })}</p>
      {found.notes.map((note) => (
        <p key={note.path + note.message} class="hint">
          <code>{note.path}</code> {said(note.message)} {note.hint !== undefined && said(note.hint)}
        </p>
      ))}
      {choices.value.map((one, index) => (
        // The same server all along, whatever it is called meanwhile.
        <fieldset key={index}>
          <legend class="unseen">{one.name}</legend>
          <div class="form-row">
            <TextField
              label={t('column.name')}
              value={one.name}
              problem={one.wanted && taken.has(one.name) ? t('add.taken') : undefined}
              onInput={(name) => change(index, { name })}
            />
            <CheckField label={t('add.this')} checked={one.wanted} onChange={(wanted) => change(index, { wanted })} />
          </div>
          <Json value={one.config} label={one.name} />
        </fieldset>
      ))}
      <div class="form-actions">
        <Button onClick={back}>{t('add.back')}</Button>
        <Button
          kind="main"
          disabled={chosen.length === 0 || chosen.some(({ name }) => name === '' || taken.has(name))}
          onClick={addAll}
        >
          {t('add.do', { n: chosen.length })}
        </Button>
      </div>
    </div>
  );
}
