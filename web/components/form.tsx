// A form that is sent with Enter or its button; where it can be left without sending, there is a button for that.
import type { ComponentChildren } from 'preact';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';

export interface FormProps {
  run(): Promise<unknown>;
  /** What its button says. */
  verb: string;
  /** Not all is there yet. */
  disabled?: boolean | undefined;
  close?: (() => void) | undefined;
  children: ComponentChildren;
}

export function Form({ run, verb, disabled, close, children }: FormProps) {
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      {children}
      <div class="form-actions">
        {close !== undefined && <Button onClick={close}>{t('do.cancel')}</Button>}
        <Button kind="main" submit disabled={disabled}>
          {verb}
        </Button>
      </div>
    </form>
  );
}
