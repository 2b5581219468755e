export const row = 21;
export const title = 'results of 12 typical shapes, tokens';

export function run() {
  return { skipped: 'needs the result encodings and a tokenizer; not there yet' };
}
