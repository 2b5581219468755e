// CodeMirror for JSON with comments, with completion from the schema. It lives in a shadow root: there its styles are
// sheets made by script, which the policy of the page allows, where style elements are not.
import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { ConfigProblem, JsonObject } from '../api/types.ts';
import { said } from '../i18n/said.ts';
import { completeFrom } from './completion.ts';

export interface Editor {
  show(problems: readonly ConfigProblem[]): void;
  close(): void;
}

export interface EditorOptions {
  host: HTMLElement;
  label: string;
  text: string;
  schema: JsonObject;
  onInput(text: string): void;
}

/** Colours are those of the page: custom properties reach into a shadow root. */
const look = EditorView.theme({
  '&': {
    fontSize: '13px',
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--edge)',
    borderRadius: '8px',
  },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': {
    fontFamily: 'var(--mono)',
    lineHeight: '1.55',
    minHeight: '300px',
    maxHeight: '62vh',
    overflow: 'auto',
  },
  '.cm-gutters': {
    backgroundColor: 'var(--raised)',
    color: 'var(--mute)',
    border: 'none',
    borderRadius: '8px 0 0 8px',
  },
  '.cm-activeLine, .cm-activeLineGutter': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)',
  },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)',
  },
  '.cm-tooltip, .cm-panels': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--accent-ink)' },
  '.cm-completionInfo': { maxWidth: '320px' },
});
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--info)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--series-4)' },
  { tag: tags.comment, color: 'var(--mute)' },
]);

export function createEditor({ host, label, text, schema, onInput }: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        json(),
        autocompletion({ override: [completeFrom(schema)], icons: false }),
        look,
        syntaxHighlighting(colours),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onInput(update.state.doc.toString());
        }),
        // Escape, then Tab, leaves the editor: CodeMirror gives Tab back after Escape.
        keymap.of([...completionKeymap, ...historyKeymap, ...lintKeymap, indentWithTab, ...defaultKeymap]),
      ],
    }),
  });
  return {
    show: (problems) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.flatMap((one) => diagnosticOf(one, view)),
        ),
      ),
    close: () => view.destroy(),
  };
}

function diagnosticOf({ line, message, hint }: ConfigProblem, view: EditorView): Diagnostic[] {
  const { doc } = view.state;
  if (line === undefined || line < 1 || line > doc.lines) return [];
  const { from, to, text } = doc.line(line);
  const start = from + (text.length - text.trimStart().length);
  const told = hint === undefined ? said(message) : `${said(message)}\n${said(hint)}`;
  return [{ from: Math.min(start, to), to, severity: 'error', message: told }];
}
