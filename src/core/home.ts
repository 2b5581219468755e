import { homedir } from 'node:os';

/**
 * The home folder of whoever runs this: `HOME`, else what the system knows. A container may run under a user that
 * nobody knows, without either (F-D8): that is `/`, as for the user nobody.
 */
export function homeFolder(home: string | undefined = process.env.HOME): string {
  if (home !== undefined && home !== '') return home;
  try {
    return homedir();
  } catch {
    return '/';
  }
}
