// What somebody types wrong, and what the command line teaches then (12.1).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdfast } from '../support/holdfast.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';

let home: string;
beforeEach(async () => {
  home = await makeTempDir('wrong');
});
afterEach(() => removeDir(home));

const WRONG: [string, number, RegExp][] = [
  ['call a', 2, /missing required argument 'tool'\n\(see holdfast call --help\)/],
  ['config nope', 2, /unknown command 'nope'\n\(see holdfast config --help\)/],
  ['stop --timeout x', 2, /number of seconds/],
  ['status --url notaurl', 2, /http:\/\/127\.0\.0\.1:8000 say, not "notaurl"/],
  ['add x example.com/mcp', 2, /write it with https:\/\//],
  ['add x localhost:8000', 2, /write it with https:\/\//],
  ['secret remove nope', 1, /there are none/],
  ['backup missing/folder/x', 1, /no such file or folder/],
  ['restore none', 2, /no such file or folder/],
  ['support-bundle -o missing/folder/x', 1, /no such file or folder/],
  ['import nope', 2, /programs are claude-desktop/],
  ['--locale xx list', 2, /auto, en or zh/],
];

describe('a mistake on the command line', () => {
  it('is told with what to do, and changes nothing', async () => {
    for (const [words, code, message] of WRONG) {
      const result = await holdfast(words.split(' '), { home });
      expect([words, result.code, result.out, result.err]).toEqual([words, code, '', expect.stringMatching(message)]);
    }
    expect(existsSync(join(home, '.config'))).toBe(false);
  });
});
