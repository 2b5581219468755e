// What an approval is for, as a SHA-256: a tool as a model sees it, and what an upstream starts or dials (requirements
// 10.21; reliability F-L11; CVE-2025-54136).
import { createHash } from 'node:crypto';
import type { UpstreamConfig } from '../config/schema.ts';
import type { HeldKind } from '../core/held.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { visible } from './visible.ts';

/** Parts that tell a model what something is; the rest (icons, sizes, `_meta`) may change freely. */
const PARTS: Readonly<Record<HeldKind, readonly string[]>> = {
  tool: ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'],
  prompt: ['name', 'title', 'description', 'arguments'],
  resource: ['uri', 'name', 'title', 'description', 'mimeType'],
  template: ['uriTemplate', 'name', 'title', 'description', 'mimeType'],
  server: ['instructions'],
};

/** The parts of a tool, or of something else, that an approval is for. */
export function approvedParts(definition: JsonObject, kind: HeldKind = 'tool'): JsonObject {
  return Object.fromEntries(PARTS[kind].flatMap((part) => (part in definition ? [[part, definition[part]]] : [])));
}

/** SHA-256 over those parts, in hex. */
export function partsPrint(definition: JsonObject, kind: HeldKind): string {
  return sha256(textOf(approvedParts(definition, kind)));
}

/** Nested so deep that its keys cannot be put in order, it counts as it is written. */
function textOf(parts: JsonObject): string {
  try {
    return canonicalJson(parts);
  } catch {
    return JSON.stringify(parts);
  }
}

/**
 * What one or several servers behind a name are started with or dialled at, by key: a text to show, without secrets, and
 * a digest of the value itself.
 */
export type Start = Record<string, { shown: string; digest: string }>;

type Server = UpstreamConfig['replicas'][number] & Partial<Pick<UpstreamConfig, 'inheritEnv'>>;

/**
 * `redact` takes secrets out of what is shown. A variable or header that is a reference counts as such: a rotated secret
 * is no change. In a command or an address every change is one.
 */
export function startOf(config: UpstreamConfig, redact: (text: string) => string): Start {
  const start: Start = {};
  const own = config.replicas.length === 0 ? [config] : [];
  const masked = (value: string) => config.secrets.reduce((text, secret) => text.replaceAll(secret, '\u0000'), value);
  const add = (key: string, value: string | undefined, shown: string | undefined = value) => {
    if (value === undefined || value === '') return;
    start[key] = { shown: visible(redact(shown ?? '')), digest: sha256(value).slice(0, 32) };
  };
  const servers: readonly Server[] = [...own, ...config.replicas];
  servers.forEach((server, index) => {
    const at = own.length > 0 ? '' : `replica ${index + 1} `;
    const words = server.command === undefined ? undefined : [server.command, ...(server.args ?? [])];
    add(`${at}command`, words && JSON.stringify(words), words && commandLine(words));
    add(`${at}url`, server.url);
    add(`${at}cwd`, server.cwd);
    for (const [name, value] of Object.entries(server.env ?? {})) add(`${at}env.${name}`, `=${masked(value)}`, '***');
    for (const [name, value] of Object.entries(server.headers ?? {}))
      add(`${at}headers.${name.toLowerCase()}`, `=${masked(value)}`, '***');
  });
  const { inheritEnv } = config;
  if (config.command !== undefined || config.replicas.some(({ command }) => command !== undefined))
    add('inheritEnv', inheritEnv === 'all' ? 'all' : inheritEnv.toSorted().join(', '));
  return start;
}

export function startPrint(start: Start): string {
  return sha256(canonicalJson(Object.fromEntries(Object.entries(start).map(([key, { digest }]) => [key, digest]))));
}

/** A command as one line; words that a shell would take apart stand in quotes. */
function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./~-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
