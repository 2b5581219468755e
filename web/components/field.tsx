// Fields of forms. Each has a name that belongs to it, and room for what it means.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  required?: boolean | undefined;
}

export function Field({
  label,
  hint,
  problem,
  required,
  children,
}: FieldProps & { children: (ids: { id: string; about: string | undefined }) => ComponentChildren }) {
  const id = useId();
  const about = hint === undefined && problem === undefined ? undefined : `${id}-about`;
  return (
    <div class="field">
      <label for={id}>
        {label}
        {required === true && (
          <span class="required" aria-hidden="true">
            {' '}
            *
          </span>
        )}
      </label>
      {children({ id, about })}
      {about !== undefined && (
        <p id={about} class={problem === undefined ? 'hint' : 'hint bad'}>
          {problem ?? hint}
        </p>
      )}
    </div>
  );
}

interface Text extends FieldProps {
  value: string;
  onInput(value: string): void;
  type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local' | undefined;
  placeholder?: string | undefined;
  mono?: boolean | undefined;
  rows?: number | undefined;
  autofocus?: boolean | undefined;
}

export function TextField({ value, onInput, type = 'text', placeholder, mono, rows, ...field }: Text) {
  return (
    <Field {...field}>
      {({ id, about }) => {
        const shared = {
          id,
          value,
          placeholder,
          required: field.required === true,
          'aria-describedby': about,
          'aria-invalid': field.problem !== undefined,
          class: mono === true ? 'mono' : '',
          spellcheck: false,
          autocomplete: 'off',
        };
        if (rows !== undefined)
          return <textarea {...shared} rows={rows} onInput={(event) => onInput(event.currentTarget.value)} />;
        // The types know one shape for every kind of input; `text` stands for all of them.
        return (
          <input {...shared} type={type as 'text'} step="any" onInput={(event) => onInput(event.currentTarget.value)} />
        );
      }}
    </Field>
  );
}

export interface Choice {
  value: string;
  label: string;
}

export function SelectField({
  value,
  onInput,
  choices,
  ...field
}: FieldProps & { value: string; onInput(value: string): void; choices: readonly Choice[] }) {
  return (
    <Field {...field}>
      {({ id, about }) => (
        <select id={id} value={value} aria-describedby={about} onChange={(event) => onInput(event.currentTarget.value)}>
          {choices.map((one) => (
            <option key={one.value} value={one.value} selected={one.value === value}>
              {one.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField({
  label,
  checked,
  onChange,
  hint,
}: {
  label: string;
  checked: boolean;
  onChange(checked: boolean): void;
  hint?: string | undefined;
}) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-about`}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint !== undefined && (
        <p id={`${id}-about`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** On or off, at once. */
export function Switch({
  label,
  on,
  onChange,
  disabled,
}: {
  label: string;
  on: boolean;
  onChange(on: boolean): unknown;
  disabled?: boolean | undefined;
}) {
  return (
    <button
      type="button"
      class="switch"
      role="switch"
      aria-checked={on}
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={() => void onChange(!on)}
    >
      <span aria-hidden="true" />
    </button>
  );
}
