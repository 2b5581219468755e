// The editor, which comes over the wire only when somebody edits; until then, and should it not come, a plain field.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ConfigProblem, JsonObject } from '../api/types.ts';
import type { Editor } from '../editor/editor.ts';

export interface CodeEditorProps {
  label: string;
  text: string;
  schema: JsonObject;
  problems: readonly ConfigProblem[];
  onInput(text: string): void;
}

export function CodeEditor({ label, text, schema, problems, onInput }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | undefined>(undefined);
  const there = useSignal(false);
  const latest = useRef(onInput);
  latest.current = onInput;
  useEffect(() => {
    let gone = false;
    import('../editor/editor.ts').then(
      ({ createEditor }) => {
        if (gone || host.current === null) return;
        editor.current = createEditor({
          host: host.current,
          label,
          text,
          schema,
          onInput: (next) => latest.current(next),
        });
        there.value = true;
      },
      () => undefined,
    );
    return () => {
      gone = true;
      editor.current?.close();
      editor.current = undefined;
    };
  }, []);
  useEffect(() => editor.current?.show(problems), [problems, there.value]);
  return (
    <>
      <div ref={host} class={there.value ? 'code' : ''} />
      {!there.value && (
        <textarea
          class="mono"
          rows={20}
          aria-label={label}
          value={text}
          spellcheck={false}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </>
  );
}
