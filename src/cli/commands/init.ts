// `holdfast init`: a few questions, and a configuration to begin with. Without a terminal it goes by its options.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { writeDurably } from '../../config/durable.ts';
import { editText } from '../../config/edit.ts';
import { parseConfig } from '../../config/load.ts';
import type { ConfigInput } from '../../config/schema.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ConfigEdits } from '../../core/ports.ts';
import { userConfig } from '../at-rest.ts';
import { CLIENTS, placesHere } from '../clients.ts';
import { EXIT } from '../exit.ts';
import { existingFiles, gather } from '../found-servers.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface InitOptions {
  import?: string[] | boolean;
  port?: string;
  host?: string;
  view?: string;
  yes?: boolean;
  json?: boolean;
}

/** @throws Refused where the file exists: nothing is ever written over */
export async function init(given: string | undefined, options: InitOptions): Promise<number> {
  const ask = process.stdin.isTTY && options.yes !== true ? questions() : undefined;
  try {
    const file = resolve(
      given ?? (await ask?.text(t`Where shall the configuration be?`, userConfig())) ?? userConfig(),
    );
    if (existsSync(file)) throw new Refused(t`${file} exists already and stays as it is; holdfast add changes it`);
    const gathered = await gather(await sourcesOf(options, ask), {}, [process.argv[1] as string]);
    const port = options.port ?? (await ask?.text(t`Which port shall it listen on?`, '8000'));
    const server = {
      ...(options.host !== undefined && { host: options.host }),
      ...(port !== undefined && port !== '8000' && { port: numberOf(port) }),
    };
    const settings: ConfigEdits[] = [
      ...(Object.keys(server).length > 0 ? [{ path: ['server'], value: server }] : []),
      ...(options.view === undefined ? [] : [{ path: ['defaultView'], value: options.view }]),
    ];
    const text = editText(
      template(),
      [...settings, ...gathered.edits].map(({ path, value }) => ({ path: [...path], value })),
    );
    const result = parseConfig(settingsOf([...settings, ...gathered.edits]) as ConfigInput, { env: process.env });
    if (!result.ok) throw new Refused([t`nothing was written`, ...result.problems.map(saidProblem)].join('\n  '));
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeDurably(file, text);
    const upstreams = Object.keys(result.config.upstreams);
    if (options.json) process.stdout.write(`${JSON.stringify({ file, upstreams, secrets: gathered.secrets })}\n`);
    else process.stdout.write(next(file, upstreams));
    return EXIT.ok;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EROFS' || code === 'ENOSPC' || code === 'ENOTDIR')
      throw new Refused(t`the configuration cannot be written (${code})`, EXIT.failure);
    throw error;
  } finally {
    ask?.close();
  }
}

function template(): string {
  const schema = fileURLToPath(new URL('../schema/holdfast.schema.json', import.meta.url));
  return `{
  // Where editors find what may stand here.
  "$schema": ${JSON.stringify(schema)},
  "version": 1,
  // One entry for each MCP server: { "command": "npx", "args": ["-y", "…"] } or { "url": "https://…/mcp" }.
  // A secret stays out of this file as \${env:NAME} or \${file:path}.
  "upstreams": {}
}
`;
}

/** The programs whose servers are taken over. */
async function sourcesOf(options: InitOptions, ask: Questions | undefined) {
  const found = existingFiles(CLIENTS, (client) => client.files(placesHere()));
  const names = [...new Set(found.map(({ client }) => client))];
  if (options.import === true) return found;
  if (Array.isArray(options.import)) {
    const missing = options.import.filter((name) => !names.includes(name));
    if (missing.length > 0)
      throw new Refused(t`nothing was found of ${missing.join(', ')}; there is ${names.join(', ') || t`nothing`}`);
    return found.filter(({ client }) => (options.import as string[]).includes(client));
  }
  if (ask === undefined || names.length === 0) return [];
  const answer = await ask.text(t`Take over the servers of ${names.join(', ')}? Names, all or none`, 'all');
  if (answer === 'none') return [];
  const wanted = answer === 'all' ? names : answer.split(/[\s,]+/);
  return found.filter(({ client }) => wanted.includes(client));
}

function numberOf(port: string): number {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new Refused(t`a port is a number from 0 to 65535, not ${JSON.stringify(port)}`);
  return Number(port);
}

/** The same as a value, to be checked before it is written. */
function settingsOf(edits: readonly ConfigEdits[]): JsonObject {
  const result: JsonObject = {};
  for (const { path, value } of edits) {
    let at = result;
    for (const part of path.slice(0, -1)) {
      at[part] ??= {};
      at = at[part] as JsonObject;
    }
    at[path.at(-1) as string] = value;
  }
  return result;
}

function next(file: string, upstreams: readonly string[]): string {
  const first =
    upstreams.length === 0
      ? `  holdfast add <name> -- <command>     ${t`adds a server`}`
      : `  ${t`${upstreams.length} servers: ${upstreams.join(', ')}`}`;
  const more = [
    `  holdfast start                       ${t`starts the gateway`}`,
    `  holdfast connect <client>            ${t`writes it into a client`}`,
    `  holdfast doctor                      ${t`says what is wrong`}`,
  ];
  return `${[t`written: ${file}`, first, ...more].join('\n')}\n`;
}

interface Questions {
  text(question: string, standard: string): Promise<string>;
  close(): void;
}

function questions(): Questions {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  return {
    text: async (question, standard) => (await prompt.question(`${question} [${standard}] `)).trim() || standard,
    close: () => prompt.close(),
  };
}
