// Adds to package-lock.json the packages of other platforms that npm left out of it: it forgets those that the registry
// it was run against does not have, and `npm ci` then refuses the whole file. Run after `npm install <package>`.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url).pathname;
const lock = JSON.parse(readFileSync(file, 'utf8'));
const { packages } = lock;
const PLATFORM =
  /(android|darwin|freebsd|netbsd|openbsd|linux|win32|sunos|aix|openharmony|wasm32-wasi)(?:-(arm64|x64|arm|ia32|ppc64|ppc64le|s390x|riscv64|mips64el|loong64))?(?:-(.*))?$/;

/** The entry that `from` would load `name` from, looking upwards as Node does. */
function seen(from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const entry = packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`];
    if (entry !== undefined || at === '') return entry;
  }
}

let added = 0;
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
  if (path === '') continue;
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const entry = seen(path, name);
    const [, os, cpu, rest = ''] = PLATFORM.exec(name) ?? [];
    if (os === undefined || !/^\d+\.\d+\.\d+/.test(version) || entry?.version === version) continue;
    const wasm = os === 'wasm32-wasi';
    packages[`${entry === undefined ? '' : `${path}/`}node_modules/${name}`] = {
      version,
      ...(wasm ? { cpu: ['wasm32'] } : cpu !== undefined && { cpu: [cpu] }),
      ...(dev && { dev }),
      ...(os === 'linux' && /musl|gnu$/.test(rest) && { libc: [rest.includes('musl') ? 'musl' : 'glibc'] }),
      optional: true,
      ...(!wasm && { os: [os] }),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(packages).sort(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : a.localeCompare(b, 'en'))),
);
if (added > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} added\n`);
