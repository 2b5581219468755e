// How many tokens a text costs a model: an estimate from its letters, no tokenizer (requirements 10.35).

/**
 * Bytes per token of what the gateway sends, measured with o200k by `npm run figures:converged`; for places that know
 * only a size.
 */
export const BYTES_PER_TOKEN = 3.8;

/** Above this many characters a text is judged by samples of it. */
const SAMPLE_ABOVE = 64 * 1024;
const SAMPLES = 8;

/** Tokens of so many bytes, estimated. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** Tokens of a text, estimated: words by their length, digits in threes, punctuation, CJK characters. */
export function estimateTokens(text: string): number {
  if (text.length <= SAMPLE_ABOVE) return Math.ceil(weigh(text));
  const size = SAMPLE_ABOVE / SAMPLES;
  let sum = 0;
  for (let index = 0; index < SAMPLES; index++) {
    const at = Math.floor((index * (text.length - size)) / (SAMPLES - 1));
    sum += weigh(text.slice(at, at + size));
  }
  return Math.ceil((sum * text.length) / SAMPLE_ABOVE);
}

const PIECES =
  /[A-Za-z]+|\d+|[ \t]+|[\r\n]+|[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]+|[^\sA-Za-z\d\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]+/g;
const HUMP = /[a-z][A-Z]/g;

/** Tokens of each kind of piece, fitted to o200k over the schemas, signatures, descriptions and results of the corpus. */
const COST = {
  word: 1,
  longLetter: 0.012,
  hump: 1.2,
  digits: 1.07,
  space: 0.67,
  lines: 0.83,
  cjk: 0.77,
  underscore: 0.32,
  punctuation: 0.93,
  morePunctuation: 0.27,
  otherScript: 0.59,
};

function weigh(text: string): number {
  let sum = 0;
  for (const [piece] of text.matchAll(PIECES)) {
    const code = piece.charCodeAt(0);
    const { length } = piece;
    if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122)) {
      sum += COST.word + Math.max(0, length - 6) * COST.longLetter + (piece.match(HUMP)?.length ?? 0) * COST.hump;
    } else if (code >= 48 && code <= 57) sum += Math.ceil(length / 3) * COST.digits;
    else if (code === 32 || code === 9) sum += length > 1 ? COST.space : 0;
    else if (code === 10 || code === 13) sum += COST.lines;
    else if (code >= 0x3000 && code < 0xd800) sum += length * COST.cjk;
    else if (piece === '_') sum += COST.underscore;
    else
      sum +=
        COST.punctuation +
        Math.max(0, length - 2) * COST.morePunctuation +
        (code > 127 ? length * COST.otherScript : 0);
  }
  return sum;
}
