// `holdfast import`: the servers of other programs into the configuration of the gateway, after a preview; or one whole
// file of another program, with its overlay, into a native one (requirements 8.2, 10.16, E-01 … E-05).
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { writeDurably } from '../../config/durable.ts';
import { type ConfigFormat, FORMATS } from '../../config/import/formats.ts';
import type { JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { readLive } from '../../live-source.ts';
import { SecretStore } from '../../store/secret-store.ts';
import { type AskedInput, askFor, givenInputs, settleInputs, variableOf } from '../asked-inputs.ts';
import { dataDirAtRest } from '../at-rest.ts';
import { type ChangeOptions, changeConfig, type Target, targetOf, tellChange } from '../change.ts';
import { callApi } from '../client.ts';
import { CLIENTS, type Client, placesHere } from '../clients.ts';
import { EXIT } from '../exit.ts';
import { existingFiles, type ForeignFile, type Gathered, gather } from '../found-servers.ts';
import { placeOf } from '../place.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface ImportOptions extends ChangeOptions {
  format?: string;
  write?: string;
  yes?: boolean;
  input?: string[];
}

/** @throws Refused where nothing is found (1), a file is broken (2), or nobody can be asked (2) */
export async function importConfigs(wanted: readonly string[], options: ImportOptions): Promise<number> {
  if (options.write !== undefined) return convert(wanted, options.write, options);
  const files = filesOf(wanted, options);
  const target = await targetOf(options);
  const present = await presentIn(target, options);
  const own = target.kind === 'gateway' ? target.remote.url : `http://127.0.0.1:${target.config.server.port}`;
  const self = [process.argv[1] as string, own, own.replace('127.0.0.1', 'localhost')];
  const gathered = await gather(files, present, self);
  const { servers } = gathered;
  let { edits } = gathered;
  if (options.json !== true) process.stderr.write(report(gathered));
  const broken = gathered.files.filter(({ problems }) => problems.length > 0);
  if (broken.length > 0 && (wanted.length > 0 || broken.length === gathered.files.length))
    throw new Refused(t`${broken.map(({ path }) => path).join(', ')} cannot be read; nothing was changed`);
  const known = givenInputs(gathered.inputs, options.input ?? [], process.env);
  const names = servers.filter(({ verdict }) => verdict === 'new' || verdict === 'renamed').map(({ as }) => as);
  if (edits.length === 0) {
    if (options.json) process.stdout.write(`${JSON.stringify({ ...factsOf(gathered), changed: false })}\n`);
    else process.stdout.write(`${t`nothing to import: everything is there already`}\n`);
    return EXIT.ok;
  }
  const done = `imported ${names.length === 0 ? 'settings' : names.join(', ')}`;
  const told = names.length === 0 ? t`imported settings` : t`imported ${names.join(', ')}`;
  const preview = await changeConfig(target, edits, done, { ...options, dryRun: true });
  if (options.dryRun !== true && options.yes !== true) {
    if (options.json !== true) tellChange(preview, {}, told);
    if (!(await agrees())) {
      process.stdout.write(`${t`nothing was changed`}\n`);
      return EXIT.ok;
    }
  }
  if (options.dryRun !== true && options.url === undefined) {
    const dataDir = target.kind === 'gateway' ? placeOf(options).dataDir : dataDirAtRest(options);
    // What is there already is not asked for again, nor what only such a server needs.
    const text = JSON.stringify(edits);
    const open = gathered.inputs.filter(({ id }) => text.includes(`\${secret:${id}}`) && !hasSecret(id, dataDir));
    if (options.yes !== true) await askFor(open, known);
    edits = await settleInputs(edits, gathered.inputs, known, dataDir);
    gathered.secrets = gathered.secrets.filter((name) => !known.has(name) && !hasSecret(name, dataDir));
  }
  const change = options.dryRun ? preview : await changeConfig(target, edits, done, options);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...factsOf(gathered), changed: !change.dryRun, ...change })}\n`);
    return EXIT.ok;
  }
  return tellChange(change, options, told);
}

/** Set already; asking again would only replace it. */
function hasSecret(name: string, dataDir: string): boolean {
  try {
    return new SecretStore(dataDir, process.env).list().some((one) => one.name === name);
  } catch {
    return false; // storing it says what is wrong
  }
}

/** What is there, as written; from a gateway elsewhere with `***` for every secret. */
async function presentIn(target: Target, options: ImportOptions): Promise<JsonObject> {
  if (target.kind === 'file') return target.input;
  const { file, dataDir } = placeOf(options);
  if (file !== undefined && options.url === undefined) {
    const { result } = await readLive({ file, env: process.env }, dataDir);
    if (result.ok) return result.input;
  }
  return callApi(target.remote, 'GET', '/config/effective');
}

/** The named programs and files; without names, everything that is found in the usual places. */
function filesOf(wanted: readonly string[], options: ImportOptions): ForeignFile[] {
  const places = placesHere();
  const format = options.format as ConfigFormat | undefined;
  if (format !== undefined && !FORMATS.includes(format))
    throw new Refused(t`there is no format ${JSON.stringify(format)}; there are ${FORMATS.join(', ')}`);
  if (wanted.length === 0) {
    const found = existingFiles(CLIENTS, (client) => client.files(places));
    if (found.length > 0) return found;
    const looked = CLIENTS.flatMap((client) => client.files(places).map(({ path }) => `  ${client.title}: ${path}`));
    throw new Refused(t`no configuration of another program was found; looked for\n${looked.join('\n')}`, EXIT.failure);
  }
  return wanted.flatMap((word): ForeignFile[] => {
    const client = CLIENTS.find(({ id }) => id === word);
    if (client !== undefined) {
      const found = existingFiles([client], (one) => one.files(places));
      if (found.length > 0) return found;
      throw new Refused(
        missing(
          client,
          client.files(places).map(({ path }) => path),
        ),
        EXIT.failure,
      );
    }
    const path = resolve(word);
    if (existsSync(path)) return [{ path, format, project: false, client: 'file' }];
    const near = nearest(
      word,
      CLIENTS.map(({ id }) => id),
    );
    const hint =
      near.length > 0
        ? t`did you mean ${near.join(t` or `)}?`
        : t`programs are ${CLIENTS.map(({ id }) => id).join(', ')}`;
    throw new Refused(t`${JSON.stringify(word)} is neither a file nor a program; ${hint}`);
  });
}

function missing({ title }: Client, paths: readonly string[]): string {
  return t`${title} has no configuration here; looked for ${paths.join(', ')}`;
}

function factsOf({ files, servers, secrets }: Gathered) {
  return { files, servers, secrets };
}

const VERDICTS = { new: '+', renamed: '+', same: '=', gateway: '·' } as const;

/** What was found in which file, what is ambiguous, what becomes of every server. */
function report({ files, servers, secrets, inputs }: Gathered): string {
  const lines: string[] = [];
  for (const { path, client, format, problems, warnings } of files) {
    const mine = servers.filter((server) => server.file === path);
    lines.push(`${client}  ${path}${format === undefined ? `  ${t`(no servers)`}` : `  (${format})`}`);
    for (const { name, as, verdict } of mine) {
      const what = {
        new: '',
        renamed: `  ${t`as ${as}: the name is taken by another server`}`,
        same: `  ${as === name ? t`is there already` : t`is there already as ${as}`}`,
        gateway: `  ${t`is this gateway; left out`}`,
      }[verdict];
      lines.push(`  ${VERDICTS[verdict]} ${name}${what}`);
    }
    lines.push(...problems.map((text) => `  ✗ ${text}`), ...warnings.map((text) => `  ! ${text}`));
  }
  if (secrets.length > 0)
    lines.push(
      `  ! ${t`these secrets are asked for by name and must be given: ${secrets.join(', ')}`}${howToGive(inputs)}`,
    );
  return `${lines.join('\n')}\n`;
}

function howToGive(inputs: readonly AskedInput[]): string {
  const first = inputs.find(({ password }) => password) ?? inputs[0];
  return first === undefined
    ? ' (holdfast secret set NAME)'
    : t` (on a terminal they are asked for; elsewhere by variables such as ${variableOf(first.id)}, --input, or holdfast secret set)`;
}

async function agrees(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Refused(t`nobody can be asked here; --yes carries it out, --dry-run only shows it`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${t`Do it? [y/N]`} `)).trim());
  } finally {
    prompt.close();
  }
}

/** One file and its overlay, as a native file of both. */
async function convert(wanted: readonly string[], to: string, options: ImportOptions): Promise<number> {
  const [file] = filesOf(wanted, options);
  if (wanted.length !== 1 || file === undefined)
    throw new Refused(t`--write makes a native file of one file: holdfast import FILE --write holdfast.json`);
  const path = resolve(to);
  if (existsSync(path)) throw new Refused(t`${path} exists already and stays as it is; name another file`);
  const { dataDir } = placeOf({ config: file.path, dataDir: options.dataDir });
  const { result } = await readLive({ file: file.path, format: file.format, env: process.env }, dataDir);
  if (!result.ok)
    throw new Refused(
      [t`${file.path} has problems; nothing was written`, ...result.problems.map(saidProblem)].join('\n  '),
    );
  for (const warning of result.warnings) process.stderr.write(`holdfast: ${saidProblem(warning)}\n`);
  if (options.dryRun !== true) {
    await mkdir(dirname(path), { recursive: true });
    await writeDurably(path, `${JSON.stringify({ version: 1, ...result.input }, null, 2)}\n`);
  }
  const count = Object.keys(result.config.upstreams).length;
  const facts = {
    from: file.path,
    format: result.format,
    file: path,
    upstreams: count,
    changed: options.dryRun !== true,
  };
  const verb = options.dryRun ? t`would write: ${path}` : t`written: ${path}`;
  process.stdout.write(
    options.json
      ? `${JSON.stringify(facts)}\n`
      : `${verb} ${t`(${count} upstreams, from ${file.path}, read as ${result.format})`}\n`,
  );
  return EXIT.ok;
}
