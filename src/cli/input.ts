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
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve) => lines.once('line', resolve));
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
