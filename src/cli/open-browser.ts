// Opens an address in the browser of whoever sits here. The address came from a server: it is checked, and handed over
// as one argument of a program, never as a line for a shell (CVE-2025-6514).
import { spawn } from 'node:child_process';

/** The programs that open an address, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};
const OTHERS: readonly [string, ...string[]] = ['xdg-open'];

/** Whether an address is one for a browser: https, or http on this machine. */
export function isForBrowser(address: string): boolean {
  if (!URL.canParse(address) || /[\s"'`<>\\]/.test(address)) return false;
  const { protocol, hostname } = new URL(address);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLocal);
}

/** False where there is no browser to be opened; whoever asked prints the address anyway. */
export function openBrowser(address: string, platform: NodeJS.Platform = process.platform): Promise<boolean> {
  if (!isForBrowser(address)) return Promise.resolve(false);
  const [program, ...args] = OPENERS[platform] ?? OTHERS;
  return new Promise((resolve) => {
    const child = spawn(program, [...args, address], { stdio: 'ignore', detached: true, shell: false });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
