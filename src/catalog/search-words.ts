// Takes text apart for the index and for questions: identifiers into words, words to their stems, Chinese into
// characters and pairs of them.

/** A run of letters and digits of one script. */
const RUNS = /[\p{Script=Han}]+|[\p{L}\p{N}]+/gu;
/** Most text is plain, and taken apart in one step. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is
const ASCII = /^[\x00-\x7f]*$/;
const ASCII_WORDS = /[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])|[A-Z]/g;
const HAN = /^\p{Script=Han}/u;

export interface Pieces {
  /** Stems of words in other scripts than Chinese. */
  words: string[];
  /** Runs of Chinese characters. */
  chinese: string[];
}

/**
 * Words and Chinese runs of a text in their order; `camelCase` and `snake_case` come apart.
 * @param stemOf takes the ending off, for whoever keeps what it found
 */
export function piecesOf(text: string, stemOf: (word: string) => string = stem): Pieces {
  const words: string[] = [];
  const chinese: string[] = [];
  if (ASCII.test(text)) {
    for (const [word] of text.matchAll(ASCII_WORDS)) words.push(stemOf(word.toLowerCase()));
    return { words, chinese };
  }
  const apart = text
    .normalize('NFKC')
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase();
  for (const [run] of apart.matchAll(RUNS)) {
    if (HAN.test(run)) chinese.push(run);
    else {
      // A word that Chinese characters follow directly is cut there.
      for (const part of run.split(
        /(?<=[^\p{Script=Han}])(?=\p{Script=Han})|(?<=\p{Script=Han})(?=[^\p{Script=Han}])/u,
      )) {
        if (HAN.test(part)) chinese.push(part);
        else words.push(stemOf(part));
      }
    }
  }
  return { words, chinese };
}

/** Characters and pairs of a Chinese run. */
export function gramsOf(run: string): string[] {
  const characters = [...run];
  const grams = [...characters];
  for (let index = 0; index + 1 < characters.length; index++)
    grams.push(`${characters[index]}${characters[index + 1]}`);
  return grams;
}

/** English endings off, cautiously: what is cut too short is cut the same way on both sides. */
export function stem(word: string): string {
  if (word.length <= 3 || !/^[a-z]+$/.test(word)) return word;
  let base = word;
  if (base.endsWith('ies') && base.length > 4) base = `${base.slice(0, -3)}y`;
  else if (/(ss|us|is)$/.test(base)) return base;
  else if (/(ches|shes|sses|xes|zes)$/.test(base)) base = base.slice(0, -2);
  else if (base.endsWith('s')) base = base.slice(0, -1);
  if (base.length > 5 && base.endsWith('ing')) base = undouble(base.slice(0, -3));
  else if (base.length > 4 && base.endsWith('ed')) base = undouble(base.slice(0, -2));
  return base.length > 4 && base.endsWith('e') ? base.slice(0, -1) : base;
}

function undouble(base: string): string {
  return /([bdfgmnprt])\1$/.test(base) ? base.slice(0, -1) : base;
}
