// A command line as words, by the quoting rules of a POSIX shell. Nothing is expanded and nothing is run.

/** @throws Error where a quote is never closed, or where only a shell could say what is meant */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] as string;
    if (sign === "'" || sign === '"') {
      const [text, end] = quoted(line, at);
      word = (word ?? '') + text;
      at = end;
    } else if (sign === '\\') {
      const next = line[++at];
      // A line that goes on.
      if (next === '\r' && line[at + 1] === '\n') at++;
      else if (next !== '\n') word = (word ?? '') + (next ?? '\\');
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (sign === '#' && word === undefined) {
      const end = line.indexOf('\n', at);
      at = end === -1 ? line.length : end;
    } else if (/[|;&<>`]/.test(sign) || line.startsWith('$(', at)) {
      throw new Error(
        `${JSON.stringify(sign)} means something to a shell only; put it in quotes, or give one plain command`,
      );
    } else word = (word ?? '') + sign;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The text between quotes, and where the closing one stands. */
function quoted(line: string, start: number): [text: string, end: number] {
  const quote = line[start];
  let text = '';
  for (let at = start + 1; at < line.length; at++) {
    const sign = line[at] as string;
    if (sign === quote) return [text, at];
    if (quote === '"' && sign === '\\' && /["\\$`\n]/.test(line[at + 1] ?? '')) {
      at++;
      if (line[at] !== '\n') text += line[at];
    } else text += sign;
  }
  throw new Error(`the quote ${quote} is never closed`);
}
