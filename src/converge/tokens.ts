// How many tokens a text costs a model: an estimate from its letters, no tokenizer (requirements 10.35).

/**
 * Bytes per token of what the gateway sends, measured with o200k by `npm run figures:converged`; for places that know
 * only a size.
 */
export const BYTES_PER_TOKEN = 3.6;

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

const PIECES = /[A-Za-z]+|\d+|[ \t]+|[\r\n]+|[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]+|[^\sA-Za-z\d]+/g;

function weigh(text: string): number {
  let sum = 0;
  for (const [piece] of text.matchAll(PIECES)) {
    const code = piece.charCodeAt(0);
    const { length } = piece;
    if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122)) sum += length <= 7 ? 1 : 1 + (length - 7) * 0.2;
    else if (code >= 48 && code <= 57) sum += Math.ceil(length / 3);
    else if (code === 32 || code === 9) sum += length > 1 ? 1 : 0;
    else if (code === 10 || code === 13) sum += 1;
    else if (code >= 0x3000) sum += length * 0.75;
    else sum += length <= 2 ? 0.8 : length * 0.45;
  }
  return sum;
}
