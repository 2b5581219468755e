// A dialog over the page: the browser keeps the focus in it, and Escape closes it.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';

export function Dialog({
  title,
  close,
  children,
  wide,
}: {
  title: string;
  close(): void;
  children: ComponentChildren;
  wide?: boolean | undefined;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={wide === true ? 'wide' : ''} aria-labelledby={id} onClose={close}>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" small icon="close" label={t('do.close')} onClick={close}>
          {null}
        </Button>
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** Asks before something that cannot be taken back, or that much hangs on. */
export function Confirm({
  title,
  what,
  verb,
  kind = 'danger',
  run,
  close,
}: {
  title: string;
  what: ComponentChildren;
  verb: string;
  kind?: 'danger' | 'main';
  run(): Promise<unknown>;
  close(): void;
}) {
  return (
    <Dialog title={title} close={close}>
      <p>{what}</p>
      <div class="form-actions">
        <Button onClick={close}>{t('do.cancel')}</Button>
        <Button
          kind={kind}
          onClick={async () => {
            await run();
            close();
          }}
        >
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
