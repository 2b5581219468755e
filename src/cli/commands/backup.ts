// `holdfast backup` and `restore`: the data directory in one file. Each document in it is written whole or not at all,
// so a copy made while the gateway runs has every document as it was at some moment of the copy.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isObject } from '../../core/json.ts';
import { findGateway, writeDurably } from '../../store/data-dir.ts';
import { VERSION } from '../../version.ts';
import { whyRefused } from '../errno.ts';
import { EXIT } from '../exit.ts';
import { type PlaceOptions, placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

/** Of the archive. */
const FORMAT = 1;
/** What belongs to a running program, and what is half written. */
const LEFT_OUT = /(?:^|\/)(?:gateway\.lock|holdfast\.log)$|\.tmp$|\.lock$/;

interface BackupOptions extends PlaceOptions {
  json?: boolean | undefined;
  dryRun?: boolean | undefined;
}

/** @throws Refused where there is nothing to keep, or the file exists */
export async function backup(file: string, options: BackupOptions): Promise<number> {
  const { dataDir } = placeOf(options);
  if (!existsSync(dataDir)) throw new Refused(t`there is no data directory ${dataDir}`);
  const files: Record<string, string> = {};
  const entries = readdirSync(dataDir, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = path
      .slice(dataDir.length + 1)
      .split(sep)
      .join('/');
    if (!entry.isFile() || LEFT_OUT.test(name)) continue;
    try {
      files[name] = readFileSync(path, 'base64');
    } catch (error) {
      // A version that was just taken away; anything else is told.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  const archive = { holdfastBackup: FORMAT, writtenBy: VERSION, at: new Date().toISOString(), files };
  try {
    writeFileSync(file, gzipSync(JSON.stringify(archive)), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new Refused(t`${file} cannot be written (${whyRefused(error)})`, EXIT.failure);
  }
  return said(
    options,
    { file, dataDir, files: Object.keys(files) },
    `${t`${Object.keys(files).length} files of ${dataDir} are in ${file}; keep it as you keep secrets`}\n`,
  );
}

/** @throws Refused for a file that is no backup or of a newer gateway, and where a gateway runs */
export async function restore(file: string, options: BackupOptions): Promise<number> {
  const { dataDir } = placeOf(options);
  const files = readArchive(file);
  const running = findGateway(dataDir);
  if (running !== undefined)
    throw new Refused(t`the gateway with pid ${running.pid} runs on ${dataDir}; stop it first`, EXIT.failure);
  const names = Object.keys(files);
  if (options.dryRun !== true) {
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(dataDir, name);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeDurably(path, Buffer.from(bytes, 'base64'));
    }
  }
  const count = names.length;
  return said(
    options,
    { dataDir, files: names, dryRun: options.dryRun === true },
    `${options.dryRun === true ? t`${count} files would be written to ${dataDir}` : t`${count} files were written to ${dataDir}`}\n`,
  );
}

function readArchive(file: string): Record<string, string> {
  let archive: unknown;
  try {
    archive = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8'));
  } catch (error) {
    throw new Refused(t`${file} cannot be read as a backup (${whyRefused(error, t`damaged`)})`);
  }
  if (!isObject(archive) || typeof archive.holdfastBackup !== 'number' || !isObject(archive.files))
    throw new Refused(t`${file} is no backup of holdfast`);
  if (archive.holdfastBackup > FORMAT)
    throw new Refused(
      t`${file} was written by a newer holdfast, version ${String(archive.writtenBy)}; restore it with that`,
    );
  for (const [name, bytes] of Object.entries(archive.files))
    if (typeof bytes !== 'string' || normalize(name) !== name || name.startsWith('..') || name.startsWith('/'))
      throw new Refused(t`${file} holds ${JSON.stringify(name)}, which is no file of a data directory`);
  return archive.files as Record<string, string>;
}

function said(options: BackupOptions, answer: object, text: string): number {
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : text);
  return EXIT.ok;
}
