// What the command line says, in the reader's language (requirements 10.33). The English text is the key; codes, the keys
// of the log and everything behind `--json` stay English.
import type { Translate } from '../language/translate.ts';
import { localeOf, type PlaceOptions } from './place.ts';
import { Refused } from './refused.ts';

/**
 * t`version ${number} is not kept`: the text of the table with the values in their places. A text without an entry stays
 * English; test/cli-words.test.ts fails then.
 */
export function t(parts: TemplateStringsArray, ...values: readonly unknown[]): string {
  const english = parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`);
  const text = chinese.words?.[english] ?? english;
  return text.replace(/\{(\d+)\}/g, (whole, index: string) =>
    Number(index) < values.length ? String(values[Number(index)]) : whole,
  );
}

/** The tables, once the language is settled and it is Chinese: they are a twentieth of what a start would read. */
const chinese: { words?: Readonly<Record<string, string>>; said?: Translate } = {};

/** A sentence that the gateway said: a fault, its hint, the reason of a state, an alert. */
export function said(text: string): string {
  return chinese.said?.(text) ?? text;
}

/** What was settled for this command. */
export function isChinese(): boolean {
  return process.env.HOLDFAST_LOCALE === 'zh';
}

/** The options of a command that can decide its language. */
type Deciding = PlaceOptions & { json?: boolean };

/**
 * The language of a command: `--locale`, HOLDFAST_LOCALE, `locale` of a native file, else that of the terminal.
 * @throws Refused
 */
export function languageOf(flag: string | undefined, { json, ...place }: Deciding): 'en' | 'zh' {
  const { env } = process;
  const wanted = flag ?? (env.HOLDFAST_LOCALE || localeOf(place)) ?? 'auto';
  if (wanted !== 'auto' && wanted !== 'en' && wanted !== 'zh')
    throw new Refused(
      `${flag === undefined ? 'HOLDFAST_LOCALE' : '--locale'} is auto, en or zh, not ${JSON.stringify(wanted)}`,
    );
  // What a program reads is the same everywhere.
  if (json === true) return 'en';
  const terminal = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  return wanted === 'auto' ? (/^zh/i.test(terminal) ? 'zh' : 'en') : wanted;
}

/** Settles it for this command and for what it starts. @throws Refused */
export async function settleLanguage(flag: string | undefined, options: Deciding): Promise<void> {
  process.env.HOLDFAST_LOCALE = languageOf(flag, options);
  if (!isChinese()) return;
  const { ZH, SAID, translator } = await import('./chinese.ts');
  chinese.words = ZH;
  // Made when the first sentence is asked for.
  let translate: Translate | undefined;
  chinese.said = (text) => {
    translate ??= translator(SAID);
    return translate(text);
  };
}
