// Where the configuration lies (requirements 12.2), and its bytes as text.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { homeFolder } from '../core/home.ts';
import type { Problem } from './problem.ts';

export interface FindInput {
  /** `--config`. */
  argument?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}

export interface FoundConfig {
  /** Absolute. A file that somebody named may not exist; reading it then says so. */
  path: string;
  /** What named it: `--config`, a variable, or `search`. */
  by: string;
}

/** The first configuration in the order of requirements 12.2; undefined = the demo. */
export function findConfig({ argument, env, cwd }: FindInput): FoundConfig | undefined {
  if (argument !== undefined) return { path: resolve(cwd, argument), by: '--config' };
  for (const by of ['HOLDFAST_CONFIG', 'MCP_CONFIG', 'MCP_SERVERS_PATH']) {
    const named = env[by];
    if (named !== undefined && named !== '') return { path: resolve(cwd, named), by };
  }
  const directory = env.XIAOZHI_CONFIG_DIR;
  if (directory !== undefined && directory !== '') {
    const path = ['xiaozhi.config.json', 'xiaozhi.config.jsonc']
      .map((name) => resolve(cwd, directory, name))
      .find((candidate) => existsSync(candidate));
    if (path !== undefined) return { path, by: 'XIAOZHI_CONFIG_DIR' };
  }
  const home = env.XDG_CONFIG_HOME;
  const shared = home !== undefined && home !== '' ? home : join(homeFolder(env.HOME), '.config');
  const path = [resolve(cwd, 'holdfast.json'), join(shared, 'holdfast', 'holdfast.json')].find((candidate) =>
    existsSync(candidate),
  );
  return path === undefined ? undefined : { path, by: 'search' };
}

/** No configuration is larger; a file that is was named by mistake. */
const LARGEST = 32 * 1024 * 1024;

export type ReadResult = { ok: true; text: string } | { ok: false; problems: Problem[] };

/** Reads a configuration file; every failure is a problem with the file's name, nothing is thrown. */
export async function readConfigFile(path: string): Promise<ReadResult> {
  const fail = (message: string): ReadResult => ({ ok: false, problems: [{ file: path, path: '', message }] });
  try {
    const { size } = await stat(path);
    if (size > LARGEST) return fail('the file is too large for a configuration');
    const text = decodeText(await readFile(path));
    return text === undefined
      ? {
          ok: false,
          problems: [{ file: path, line: 1, column: 1, path: '', message: 'this is not a text file in UTF-8' }],
        }
      : { ok: true, text };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return fail(FAILURES[code ?? ''] ?? `the file cannot be read (${code ?? 'unknown error'})`);
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'the file does not exist',
  EACCES: 'the file may not be read',
  EISDIR: 'this is a directory, not a file',
  ENOTDIR: 'the file does not exist',
  ELOOP: 'the file is a symbolic link to itself',
};

/** UTF-8, or UTF-16 with its byte order mark as some editors on Windows write it; undefined for anything else. */
export function decodeText(bytes: Buffer): string | undefined {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
