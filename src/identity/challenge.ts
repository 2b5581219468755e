// `WWW-Authenticate` as a server sends it (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1).

export interface Challenge {
  /** Where the server describes what protects it. */
  resourceMetadata?: string | undefined;
  /** Scopes that the request would have needed. */
  scopes?: readonly string[] | undefined;
  error?: string | undefined;
}

/** The `Bearer` challenge of a header; undefined where there is none. Of several schemes the others are left out. */
export function readChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined) return undefined;
  let bearer: Map<string, string> | undefined;
  let current: Map<string, string> | undefined;
  // A scheme stands alone or before its parameters, a parameter has `=`; all are separated by commas.
  for (const match of header.slice(0, 8192).matchAll(PART)) {
    const { scheme, name, quoted, plain } = match.groups ?? {};
    if (scheme !== undefined) {
      current = new Map();
      if (scheme.toLowerCase() === 'bearer') bearer ??= current;
    }
    if (name !== undefined) current?.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  if (bearer === undefined) return undefined;
  const scope = bearer.get('scope');
  return {
    resourceMetadata: bearer.get('resource_metadata'),
    scopes: scope === undefined ? undefined : scopesOf(scope),
    error: bearer.get('error'),
  };
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PART = new RegExp(
  `(?:^|[,\\s])\\s*(?:(?<name>${TOKEN})\\s*=\\s*(?:"(?<quoted>(?:[^"\\\\]|\\\\.)*)"|(?<plain>[^\\s,"]+))|(?<scheme>${TOKEN})(?=\\s|,|$))`,
  'g',
);

/** `a b` as a list, without repeats. */
export function scopesOf(text: string): string[] {
  return [...new Set(text.split(/\s+/).filter((scope) => scope !== ''))];
}

export function union(...lists: readonly (readonly string[] | undefined)[]): string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}
