// Text from elsewhere, made safe to look at: what a screen would not show, or show in another place, stands as its code.

/**
 * Code points that are not seen: controls but for tab and line breaks, zero widths, marks and overrides of direction,
 * fillers, variation selectors that no picture needs, tags.
 */
const HIDDEN: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0e],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
/** Nothing else has to be looked at. */
const UNUSUAL = /[^\n\r\t -~]/;

/** Whether a character, given as a text, is one that nobody sees. */
export function isHidden(char: string): boolean {
  const code = char.codePointAt(0) ?? 0x20;
  return HIDDEN.some(([from, to]) => code >= from && code <= to);
}

/** Whether a text can hold a hidden character at all. */
export function isUnusual(text: string): boolean {
  return UNUSUAL.test(text);
}

/** The text with every hidden character as `{U+200B}`. */
export function visible(text: string): string {
  if (!isUnusual(text)) return text;
  let shown = '';
  for (const char of text)
    shown += isHidden(char) ? `{U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}` : char;
  return shown;
}
