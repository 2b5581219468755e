// Secrets are taken out of everything the gateway writes or shows: by value, in the spellings they travel in, and by
// what looks like one (X-51, X-67; reliability: planted secrets in any output 0).
import { isObject } from './json.ts';

/**
 * What looks like a secret wherever it stands. What comes before its mark is bounded, or a long text without one would be
 * searched from every place of it to its end.
 */
const PATTERNS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '***'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, '$1 ***'],
  [/\beyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, '***'],
  [/\b(sk|hfk|ghp|gho|ghs|github_pat|xox[abprs]|glpat|npm)[-_][A-Za-z0-9_-]{12,}/g, '***'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, '***'],
  [/([?&](?:token|key|api_key|apikey|access_token|client_secret|secret|password|sig|signature)=)[^&\s"'#]+/gi, '$1***'],
  [/(\w{1,30}:\/\/[^\s/:@"']+:)[^\s/@"']+@/g, '$1***@'],
  [
    /((?:"|\b)[\w-]{0,100}(?:password|passwd|secret|api[-_]?key|access[-_]?token|private[-_]?key)"?\s*[:=]\s*")(?:[^"\\]|\\.)+"/gi,
    '$1***"',
  ],
];

/** Shorter values would blot out ordinary text. */
const SHORTEST = 4;

/** Of texts that are known to hold nothing. */
const LONGEST_KEPT = 64;
const MOST_KEPT = 5000;

/** Removes secrets from a text. `values` are those of the running configuration. */
export function createRedactor(values: () => readonly string[]): (text: string) => string {
  let known: readonly string[] = [];
  let spelled: readonly string[] = [];
  /** Names and words that come again and again, and hold nothing. */
  const clear = new Set<string>();
  return (text) => {
    if (text.length < SHORTEST) return text;
    const now = values();
    if (now !== known && !sameAs(now, known)) {
      spelled = spellings(now);
      clear.clear();
    }
    known = now;
    if (clear.has(text)) return text;
    let clean = text;
    for (const value of spelled) if (clean.includes(value)) clean = clean.replaceAll(value, '***');
    for (const [pattern, by] of PATTERNS) clean = clean.replace(pattern, by);
    if (clean === text && text.length <= LONGEST_KEPT) {
      if (clear.size >= MOST_KEPT) clear.clear();
      clear.add(text);
    }
    return clean;
  };
}

function sameAs(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** A value as it stands in texts, in JSON, in URLs and in Basic credentials; the longest first. */
function spellings(values: readonly string[]): string[] {
  const all = values
    .filter((value) => value.length >= SHORTEST)
    .flatMap((value) => [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value),
      ...(value.length >= 8 ? [Buffer.from(value).toString('base64').replace(/=+$/, '')] : []),
    ]);
  return [...new Set(all)].sort((a, b) => b.length - a.length);
}

/** Keys whose values are secrets, whatever they look like. */
const TELLING = /auth|token|secret|passw|pwd|api[-_]?key|access[-_]?key|private[-_]?key|credential|cookie|^key$/i;
/** A number of tokens of a text. */
const COUNTED = /^tokens|tokens$|tokens_/i;
const DEEPEST = 32;

/** A copy of a configuration, or a part of one, in which `env` and `headers` keep their names only. */
export function withoutValues(config: unknown): unknown {
  if (Array.isArray(config)) return config.map(withoutValues);
  if (!isObject(config)) return config;
  const kept = Object.entries(config).filter(([key]) => key !== 'secrets');
  return Object.fromEntries(
    kept.map(([key, inner]) => [
      key,
      (key === 'env' || key === 'headers') && isObject(inner) ? masked(inner) : withoutValues(inner),
    ]),
  );
}

function masked(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.keys(values).map((name) => [name, '***']));
}

/** A copy of a JSON value without secrets. */
export function redactValue(value: unknown, redact: (text: string) => string, depth = 0): unknown {
  if (typeof value === 'string') return redact(value);
  if (depth > DEEPEST) return '…';
  if (Array.isArray(value)) return value.map((entry) => redactValue(entry, redact, depth + 1));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const counted = typeof inner === 'number' && COUNTED.test(key);
      const secret = TELLING.test(key) && (typeof inner === 'string' || typeof inner === 'number') && !counted;
      return [redact(key), secret ? '***' : redactValue(inner, redact, depth + 1)];
    }),
  );
}
