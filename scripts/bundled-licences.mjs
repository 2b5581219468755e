// What is packed into dist/ from other packages comes with their licences, in dist/LICENSES.txt.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of the package that a module belongs to, if it is not ours. */
function packageOf(module) {
  return /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
}

/** The licences of the packages that these modules (ids of a bundler's output) belong to. @throws Error without one */
export function writeLicences(file, modules) {
  const folders = [...new Set(modules.flatMap((module) => packageOf(module) ?? []))].sort();
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const found = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
    if (found === undefined) throw new Error(`${name} is packed into dist/ and has no file with its licence`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, found), 'utf8').trim()}\n`;
  });
  writeFileSync(file, texts.join(`\n${'-'.repeat(80)}\n\n`));
}
