// Buttons. One that does something waits for it, and cannot be pressed twice meanwhile.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps {
  children: ComponentChildren;
  onClick?: (() => unknown) | undefined;
  kind?: 'plain' | 'main' | 'danger' | 'quiet' | undefined;
  small?: boolean | undefined;
  icon?: IconName | undefined;
  disabled?: boolean | undefined;
  submit?: boolean | undefined;
  /** What it is called where its words alone do not say it. */
  label?: string | undefined;
  /** For a button that is on or off. */
  pressed?: boolean | undefined;
  expanded?: boolean | undefined;
}

export function Button({
  children,
  onClick,
  kind = 'plain',
  small,
  icon,
  disabled,
  submit,
  label,
  pressed,
  expanded,
}: ButtonProps) {
  const busy = useSignal(false);
  const click = async (): Promise<void> => {
    const running = onClick?.();
    if (!(running instanceof Promise)) return;
    busy.value = true;
    try {
      await running;
    } finally {
      busy.value = false;
    }
  };
  return (
    <button
      type={submit === true ? 'submit' : 'button'}
      class={`button ${kind}${small === true ? ' small' : ''}`}
      disabled={disabled === true || busy.value}
      aria-busy={busy.value}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      onClick={onClick === undefined ? undefined : () => void click()}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
