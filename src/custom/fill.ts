// Puts arguments into configured texts, each encoded for the place it goes to, so that none can be more than a value
// there: not another host, path, header or member (D-40; reliability §4, Outbound).
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { fillText, lookUp, placeholdersOf, solePlaceholder } from '../core/placeholders.ts';
import { asText } from './results.ts';

/** @throws GatewayFault ARGUMENTS_INVALID */
function refuse(path: readonly string[], what: string): never {
  throw new GatewayFault('ARGUMENTS_INVALID', `argument "${path.join('.')}" ${what}`, {
    data: { argument: path.join('.') },
  });
}

/**
 * The URL of one request. Arguments go into path and query percent-encoded; one in the path must not be empty, and
 * a query member that is nothing but an absent argument is left out.
 * @throws GatewayFault ARGUMENTS_INVALID
 */
export function fillUrl(template: string, args: JsonObject): URL {
  const [before = '', ...rest] = template.split('#')[0]?.split('?') ?? [];
  const query = rest.join('?');
  const path = fillText(before, 'both', (name) => {
    const value = lookUp(args, name);
    const text = asText(value);
    if (text === '') refuse(name, 'is part of the address and must not be empty');
    return encoded(text, name);
  });
  if (
    path.split(/[/\\]/).some((segment) => /^(\.|%2e){1,2}$/i.test(segment)) &&
    placeholdersOf(before, 'both').length > 0
  )
    throw new GatewayFault('ARGUMENTS_INVALID', 'an argument that is part of the address must not be "." or ".."');
  const members = query.split('&').flatMap((member) => {
    const [first, ...others] = placeholdersOf(member, 'both');
    const sole = first !== undefined && others.length === 0 && /=\s*\{+[^{}]*\}+\s*$/.test(member);
    if (sole && (lookUp(args, first) ?? undefined) === undefined) return [];
    return [fillText(member, 'both', (name) => encoded(asText(lookUp(args, name)), name))];
  });
  const search = members.join('&');
  const url = new URL(search === '' ? path : `${path}?${search}`);
  // The configuration was checked so that this cannot happen; a request elsewhere would be too bad to rely on that.
  if (url.origin !== originOf(template)) refuse([], 'changes where the request goes');
  return url;
}

/** Where requests of this template go, whatever the arguments are. */
export function originOf(template: string): string {
  return new URL(fillText(template, 'both', () => 'x')).origin;
}

function encoded(text: string, path: readonly string[]): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return refuse(path, 'is not well-formed Unicode');
  }
}

/** @throws GatewayFault ARGUMENTS_INVALID for what no header can hold */
export function fillHeader(template: string, args: JsonObject): string {
  return fillText(template, 'double', (path) => {
    const text = asText(lookUp(args, path));
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text))
      refuse(path, 'goes into a header and holds characters that no header can');
    return text;
  });
}

/** A JSON text: inside quotes an argument is escaped, elsewhere it is written as JSON; an absent one is null. */
export function fillJson(template: string, args: JsonObject): string {
  let at = 0;
  let quoted = false;
  return fillText(template, 'double', (path, start) => {
    for (; at < start; at++) {
      const char = template[at];
      if (quoted && char === '\\') at++;
      else if (char === '"') quoted = !quoted;
    }
    const value = lookUp(args, path);
    return quoted ? JSON.stringify(asText(value)).slice(1, -1) : (JSON.stringify(value) ?? 'null');
  });
}

/** Any other text: encoded for a form, or as it is. */
export function fillPlain(template: string, args: JsonObject, form: boolean): string {
  return fillText(template, 'double', (path) => {
    const text = asText(lookUp(args, path));
    return form ? encoded(text, path) : text;
  });
}

/** A configured JSON value: a text that is one placeholder becomes the value itself, with its type. */
export function fillValue(template: unknown, values: JsonObject): unknown {
  if (typeof template === 'string') {
    const sole = solePlaceholder(template);
    if (sole !== undefined) return lookUp(values, sole);
    return fillPlain(template, values, false);
  }
  if (Array.isArray(template)) return template.map((entry) => fillValue(entry, values) ?? null);
  if (!isObject(template)) return template;
  return Object.fromEntries(Object.entries(template).map(([key, entry]) => [key, fillValue(entry, values)]));
}
