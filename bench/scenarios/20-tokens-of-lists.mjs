export const row = 20;
export const title = 'tool list of 9 real servers, tokens at connect';

export function run() {
  return { skipped: 'needs the converged view and a tokenizer; not there yet' };
}
