// A value or a text, as it is, to be read and copied.
import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';

export function Json({ value, label }: { value: unknown; label: string }) {
  return <Text text={typeof value === 'string' ? value : JSON.stringify(value, null, 2)} label={`${label} (JSON)`} />;
}

export function Text({ text, label, wrap = true }: { text: string; label: string; wrap?: boolean }) {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    // Not there over plain HTTP on another host: then the text can still be selected.
    await navigator.clipboard?.writeText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1500);
  };
  return (
    <figure class="text-box">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label={label}>
        <pre class={wrap ? 'wrap' : ''}>{text}</pre>
      </section>
      {navigator.clipboard !== undefined && (
        <Button kind="quiet" small icon="copy" label={t('do.copy')} onClick={copy}>
          {copied.value ? t('do.copied') : null}
        </Button>
      )}
    </figure>
  );
}
