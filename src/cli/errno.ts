// Why the system refused a file, in words of a person.
import { t } from './words.ts';

const WORDS: Readonly<Record<string, () => string>> = {
  ENOENT: () => t`there is no such file or folder`,
  ENOTDIR: () => t`a part of its path is no folder`,
  EISDIR: () => t`it is a folder`,
  EACCES: () => t`this user may not`,
  EPERM: () => t`this user may not`,
  EROFS: () => t`the file system is read-only`,
  ENOSPC: () => t`the disk is full`,
};

/** `there is no such file or folder (ENOENT)`; the code alone where it needs no explanation. */
export function whyRefused(error: unknown, otherwise = t`unknown error`): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return otherwise;
  const words = WORDS[code];
  return words === undefined ? code : `${words()}, ${code}`;
}
