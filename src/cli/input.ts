// Values that must not stand on the command line: from stdin, or typed where nobody reads along.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** What stdin holds, without its last line end; from a terminal one line that is not shown. */
export async function readInput(prompt: string): Promise<string> {
  if (!process.stdin.isTTY) {
    let text = '';
    for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk as string;
    return text.replace(/\r?\n$/, '');
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  // First the terminal stops to show what is typed, then it is asked for.
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(prompt);
  try {
    return await new Promise<string>((resolve) => lines.once('line', resolve));
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
