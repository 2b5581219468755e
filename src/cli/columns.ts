// Text in columns of a terminal: a Chinese character fills two, a combining mark none.
import stringWidth from 'string-width';

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Columns that a text fills. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** The text in at most `columns` columns; what is cut ends in `…`. */
export function cut(text: string, columns: number): string {
  if (text.length <= columns / 2 || stringWidth(text) <= columns) return text;
  let kept = '';
  let filled = 1;
  for (const { segment } of segments.segment(text)) {
    filled += stringWidth(segment);
    if (filled > columns) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}

/** The text in exactly `columns` columns, cut or filled up; numbers stand at the `end`. */
export function padded(text: string, columns: number, at: 'start' | 'end' = 'start'): string {
  const shown = cut(text, columns);
  const room = ' '.repeat(Math.max(0, columns - stringWidth(shown)));
  return at === 'start' ? shown + room : room + shown;
}
