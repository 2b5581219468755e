// What a file of VS Code asks its user for, `${input:…}`: taken by option or variable, or asked for on a terminal. What is
// a password goes to the store of secrets, never into a file (requirements 8.2).
import { createInterface } from 'node:readline/promises';
import { isObject, type JsonObject } from '../core/json.ts';
import type { ConfigEdits } from '../core/ports.ts';
import { SecretStore, SecretsFailed } from '../store/secret-store.ts';
import { EXIT } from './exit.ts';
import { readInput } from './input.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

/** One of them; without a definition it is taken for a password. */
export interface AskedInput {
  id: string;
  description?: string;
  password: boolean;
  fallback?: string;
  options?: readonly string[];
}

/** The inputs that the servers of a file name, with what the file says of them. `input`: native keys of the file. */
export function inputsOf(input: JsonObject): AskedInput[] {
  const program = isObject(input.extensions) ? input.extensions.vscode : undefined;
  const defined = isObject(program) && Array.isArray(program.inputs) ? program.inputs.filter(isObject) : [];
  if (defined.length === 0) return [];
  const named = new Set(
    [...JSON.stringify(input.upstreams ?? {}).matchAll(REFERENCE)].map(([, name]) => name as string),
  );
  // In the order of the file, which is the one in which its user was asked.
  const order = defined.map(({ id }) => String(id)).filter((id) => named.has(id));
  return [...new Set([...order, ...named])].map((id) => {
    const found = defined.find((one) => one.id === id);
    const text = (key: string) => (typeof found?.[key] === 'string' ? (found[key] as string) : undefined);
    const options = Array.isArray(found?.options)
      ? found.options.map((one) => String(isObject(one) ? one.value : one))
      : undefined;
    const [description, fallback] = [text('description'), text('default')];
    return {
      id,
      password: found === undefined || found.password === true || text('type') === 'command',
      ...(description !== undefined && { description }),
      ...(fallback !== undefined && { fallback }),
      ...(options !== undefined && { options }),
    };
  });
}

const REFERENCE = /\$\{secret:([^}"]+)\}/g;

/** What `--input` and variables say, by id. @throws Refused for an id that nothing asks for */
export function givenInputs(
  wanted: readonly AskedInput[],
  pairs: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const given = new Map<string, string>();
  for (const { id } of wanted) {
    const value = env[variableOf(id)];
    if (value !== undefined && value !== '') given.set(id, value);
  }
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    const id = pair.slice(0, cut);
    if (cut < 1) throw new Refused(t`--input wants ID=VALUE, not ${JSON.stringify(pair)}`);
    if (!wanted.some((one) => one.id === id))
      throw new Refused(
        t`nothing asks for the input ${JSON.stringify(id)}; there are ${wanted.map((one) => one.id).join(', ') || 'none'}`,
      );
    given.set(id, pair.slice(cut + 1));
  }
  for (const { id, options } of wanted) {
    const value = given.get(id);
    if (value !== undefined && options !== undefined && !options.includes(value))
      throw new Refused(t`${id} is one of ${options.join(', ')}`);
  }
  return given;
}

export function variableOf(id: string): string {
  return `HOLDFAST_INPUT_${id.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`;
}

/** Asks for those that are missing; an empty answer takes the default, or leaves it open. Passwords are not shown. */
export async function askFor(wanted: readonly AskedInput[], known: Map<string, string>): Promise<void> {
  for (const { id, description, password, fallback, options } of wanted) {
    if (known.has(id)) continue;
    const choices = options === undefined ? '' : ` (${options.join(', ')})`;
    const prompt = `${description ?? id}${choices}${fallback === undefined || password ? '' : ` [${fallback}]`}: `;
    for (;;) {
      const answer = (password ? await readInput(prompt) : await readLine(prompt)) || (fallback ?? '');
      if (answer === '') break;
      if (options !== undefined && !options.includes(answer)) continue;
      known.set(id, answer);
      break;
    }
  }
}

async function readLine(prompt: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(prompt)).trim();
  } finally {
    lines.close();
  }
}

/**
 * Stores the passwords under their ids, and gives the edits with every other value in its place.
 * @throws Refused where a secret cannot be stored; nothing of the configuration is changed then
 */
export async function settleInputs(
  edits: readonly ConfigEdits[],
  wanted: readonly AskedInput[],
  known: ReadonlyMap<string, string>,
  dataDir: string,
): Promise<ConfigEdits[]> {
  const store = new SecretStore(dataDir, process.env);
  const plain = new Map<string, string>();
  for (const { id, password } of wanted) {
    const value = known.get(id);
    if (value === undefined) continue;
    if (!password) {
      plain.set(id, value);
      continue;
    }
    try {
      await store.set(id, value);
    } catch (error) {
      if (!(error instanceof SecretsFailed)) throw error;
      throw new Refused(t`the secret ${id} cannot be stored: ${error.message}; nothing was imported`, EXIT.failure);
    }
  }
  return edits.map(({ path, value }) => ({ path, value: filled(value, plain) }));
}

function filled(value: unknown, known: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string')
    // A value that looks like a reference stays what was typed.
    return value.replace(REFERENCE, (whole, id: string) => known.get(id)?.replaceAll('${', '$${') ?? whole);
  if (Array.isArray(value)) return value.map((one) => filled(one, known));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, known)]));
}
