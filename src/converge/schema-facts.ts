// What a TypeScript type cannot say about a value, in the fewest words: bounds, formats, defaults.
import type { JsonObject } from '../core/json.ts';

const MAX_DEFAULT = 40;
const MAX_PATTERN = 40;

/** Facts of one flat schema, most useful first; numbers and lengths in interval notation. */
export function factsOf(keywords: JsonObject): string[] {
  const facts: string[] = [];
  const types = Array.isArray(keywords.type) ? keywords.type : [keywords.type];
  const say = (fact: string | undefined) => {
    if (fact !== undefined) facts.push(fact);
  };
  if (!Array.isArray(keywords.enum)) {
    if (typeof keywords.format === 'string' && keywords.format.length <= 30) say(keywords.format);
    if (types.includes('integer') && !types.includes('number')) say('int');
    say(numberRange(keywords));
    say(span('', keywords.minLength, keywords.maxLength, ' chars'));
    if (typeof keywords.pattern === 'string' && keywords.pattern.length <= MAX_PATTERN) say(`/${keywords.pattern}/`);
    if (typeof keywords.contentEncoding === 'string') say(keywords.contentEncoding);
    if (typeof keywords.multipleOf === 'number') say(`multiple of ${keywords.multipleOf}`);
    say(span('', keywords.minItems, keywords.maxItems, ' items'));
    if (keywords.uniqueItems === true) say('unique');
    say(span('', keywords.minProperties, keywords.maxProperties, ' keys'));
  }
  if (keywords.default !== undefined && keywords.default !== null) {
    const text = JSON.stringify(keywords.default);
    if (text.length <= MAX_DEFAULT) say(`default ${text}`);
  }
  if (keywords.deprecated === true) say('deprecated');
  return facts;
}

function numberRange(keywords: JsonObject): string | undefined {
  const low = limit(keywords.minimum, keywords.exclusiveMinimum, Math.max);
  const high = limit(keywords.maximum, keywords.exclusiveMaximum, Math.min);
  if (low !== undefined && high !== undefined && !low.open && !high.open) return `${low.at}..${high.at}`;
  const parts = [low && `>${low.open ? '' : '='}${low.at}`, high && `<${high.open ? '' : '='}${high.at}`];
  const text = parts.filter((part) => part !== undefined).join(' ');
  return text === '' ? undefined : text;
}

/** The bound that counts, in the spelling of draft-04 (a boolean) or of the later drafts (a number). */
function limit(
  closed: unknown,
  open: unknown,
  choose: (a: number, b: number) => number,
): { at: number; open: boolean } | undefined {
  // What every 53-bit integer satisfies is noise that generators write.
  const isReal = (value: unknown): value is number =>
    typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (open === true && isReal(closed)) return { at: closed, open: true };
  if (isReal(open) && (!isReal(closed) || choose(open, closed) === open)) return { at: open, open: true };
  return isReal(closed) ? { at: closed, open: false } : undefined;
}

function span(before: string, least: unknown, most: unknown, unit: string): string | undefined {
  const low = typeof least === 'number' && least > 0 ? least : undefined;
  const high = typeof most === 'number' && most < Number.MAX_SAFE_INTEGER ? most : undefined;
  if (low === undefined && high === undefined) return undefined;
  const range =
    low === undefined ? `<=${high}` : high === undefined ? `>=${low}` : low === high ? `${low}` : `${low}..${high}`;
  return `${before}${range}${unit}`;
}
