// Why the system refused a file, in words of a person.
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** `there is no such file or folder (ENOENT)`; the code alone where it needs no explanation. */
export function whyRefused(error: unknown, otherwise = 'unknown error'): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return otherwise;
  return WORDS[code] === undefined ? code : `${WORDS[code]}, ${code}`;
}
