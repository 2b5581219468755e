// A field to search with; it waits for a moment of rest before anything is asked.
import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';

const REST = 200;

export function SearchField({ label, value, onInput }: { label: string; value: string; onInput(value: string): void }) {
  const text = useSignal(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef(onInput);
  latest.current = onInput;
  const id = useId();
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class="search">
      <label for={id} class="unseen">
        {label}
      </label>
      <input
        id={id}
        type="search"
        placeholder={label}
        value={text.value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => {
          const next = event.currentTarget.value;
          text.value = next;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => latest.current(next), REST);
        }}
      />
    </div>
  );
}
