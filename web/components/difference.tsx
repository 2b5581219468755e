// Two texts, line by line: what went, what came, and a little of what stayed around it.
import { differenceOf, type Line } from '../difference.ts';
import { t } from '../i18n/index.ts';

/** Lines that are shown around a change. */
const AROUND = 3;

export interface DifferenceProps {
  before: string;
  after: string;
  /** What is compared, where more than one difference stands on a page. */
  label?: string;
}

export function Difference({ before, after, label }: DifferenceProps) {
  const lines = differenceOf(before, after);
  const near = (index: number): boolean =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== 'same');
  const shown = lines.map((line, index) => ({ line, index })).filter(({ index }) => near(index));
  if (shown.length === 0) return <p class="mute">{t('config.same')}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must be reachable by keyboard
    <section class="difference mono" tabIndex={0} aria-label={label ?? t('config.compare')}>
      {shown.map(({ line, index }, at) => (
        <div key={index} class={`${line.kind}${at > 0 && shown[at - 1]?.index !== index - 1 ? ' gap' : ''}`}>
          <span class="sign">{SIGNS[line.kind]}</span>
          {line.text === '' ? ' ' : line.text}
        </div>
      ))}
    </section>
  );
}

const SIGNS: Readonly<Record<Line['kind'], string>> = { same: ' ', gone: '−', come: '+' };
