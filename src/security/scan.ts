// Looks through what an upstream tells models for texts that speak to the model behind its user's back (reliability
// §4 Content, F-L10). A finding is a hint for a person: it names the rule, the place and the words.
import type { HeldKind } from '../core/held.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { approvedParts } from './fingerprint.ts';
import { isHidden, isUnusual, visible } from './visible.ts';

export interface Finding {
  rule: Rule;
  /** Where: `description`, `inputSchema.properties.path.default`. */
  place: string;
  /** The words around it, hidden characters as their codes. */
  excerpt: string;
}

export type Rule =
  | 'hidden-text'
  | 'look-alike'
  | 'overrides-instructions'
  | 'hides-from-user'
  | 'poses-as-system'
  | 'steers-other-tools'
  | 'names-secrets';

/** What each rule means, for people. */
export const RULES: Readonly<Record<Rule, string>> = {
  'hidden-text': 'holds characters that a person does not see but a model reads',
  'look-alike': 'mixes letters of several scripts that look the same',
  'overrides-instructions': 'tells the model to forget what it was told',
  'hides-from-user': 'tells the model to keep something from its user',
  'poses-as-system': 'poses as a message of the system',
  'steers-other-tools': 'says what to do before, after or in place of other tools',
  'names-secrets': 'names files that hold credentials',
};

/** Bounded everywhere, so that no text makes them slow. */
const PHRASES: readonly (readonly [Rule, RegExp])[] = [
  [
    'overrides-instructions',
    /\b(?:ignore|disregard|forget|override)\b.{0,30}\b(?:previous|prior|above|earlier|all|any|other|system)\b.{0,30}\b(?:instructions?|rules?|prompts?|guidelines?|directions?)\b/is,
  ],
  ['overrides-instructions', /(?:忽略|无视|忘记|不要遵守).{0,12}(?:指令|指示|规则|提示词?|要求)/s],
  [
    'hides-from-user',
    /\b(?:do not|don't|never|must not|without)\b.{0,20}\b(?:tell|telling|inform|informing|mention|mentioning|reveal|revealing|show|showing|notify|notifying|ask|asking|alert|alerting)\b.{0,30}\b(?:user|human|person|operator|anyone)\b/is,
  ],
  ['hides-from-user', /(?:不要|不得|切勿|禁止|别).{0,6}(?:告诉|告知|通知|提及|透露|显示).{0,6}(?:用户|使用者|任何人)/s],
  [
    'poses-as-system',
    /<\/?(?:important|system|secret|instructions?|admin|critical|priority|hidden)\b[^<>]{0,40}>|\[\/?(?:INST|SYSTEM)\]|<\|[a-z_]{2,20}\|>|^\s{0,4}(?:system|assistant)\s?:/im,
  ],
  [
    'steers-other-tools',
    /\b(?:before|after|when|whenever|instead of|prior to)\b.{0,15}\b(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?|execut(?:e|ing))\b.{0,15}\b(?:any|every|all|other|another|each)\b.{0,15}\btools?\b/is,
  ],
  ['steers-other-tools', /(?:在)?(?:使用|调用)(?:任何|其他|其它|所有)(?:工具|函数).{0,4}(?:之前|前|之后|后|时)/s],
  [
    'names-secrets',
    /(?:~|\$HOME|%USERPROFILE%)?[\\/]?\.(?:ssh|aws|gnupg|kube|azure)[\\/]|\bid_(?:rsa|ed25519|ecdsa|dsa)\b|(?:^|[\s"'`(\\/])\.(?:env|npmrc|netrc|pypirc|git-credentials|pgpass)\b|\/etc\/(?:shadow|passwd)\b|\.cursor[\\/]mcp\.json|claude_desktop_config\.json|\bwallet\.dat\b/im,
  ],
];

/** Scripts whose letters are taken for Latin ones, and Latin itself. */
const LATIN = /\p{Script=Latin}/u;
const ALIKE =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]|[\u{1d400}-\u{1d7ff}\uff21-\uff5a]/u;
/** Where joiners and marks of direction belong to the writing. */
const JOINED =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Mongolian}\p{Script=Khmer}\p{Extended_Pictographic}\p{Emoji_Modifier}]/u;
const JOINERS: ReadonlySet<string> = new Set('\u200c\u200d\u200e\u200f\u061c\u180b\u180c\u180d\u180e\ufe0e');
/** Asks for a coloured picture; what stands before it counts. */
const COLOURED = '\ufe0f';

/** Findings told of one tool, characters looked at in one text and in all of a tool, and around a finding. */
const MOST = 20;
const LONGEST = 100_000;
const AROUND = 40;
const DEEPEST = 64;

/**
 * What is odd about a tool, a prompt, a resource or instructions, as their upstream gives them: every text of the parts
 * that are approved is looked through, names, descriptions, values and defaults.
 */
export function scanDefinition(definition: JsonObject, kind?: HeldKind): readonly Finding[] {
  const findings: Finding[] = [];
  let left = 10 * LONGEST;
  const look = (text: string, place: string, isName: boolean) => {
    const part = text.slice(0, Math.min(LONGEST, left));
    left -= part.length;
    for (const { rule, at, length } of scanText(part, isName))
      if (findings.length < MOST) findings.push({ rule, place: visible(place), excerpt: excerptOf(part, at, length) });
  };
  const walk = (value: unknown, place: string, depth: number) => {
    if (findings.length >= MOST || left <= 0 || depth > DEEPEST) return;
    if (typeof value === 'string') look(value, place, false);
    else if (Array.isArray(value))
      for (const [index, inner] of value.entries()) walk(inner, `${place}.${index}`, depth + 1);
    else if (isObject(value))
      for (const [key, inner] of Object.entries(value)) {
        look(key, `${place}.${key}`, true);
        walk(inner, `${place}.${key}`, depth + 1);
      }
  };
  for (const [place, value] of Object.entries(approvedParts(definition, kind)))
    if (place === 'name' && typeof value === 'string') look(value, place, true);
    else walk(value, place, 0);
  return findings;
}

/** One finding for each rule that a text breaks. `isName`: a word that something is called by. */
function scanText(text: string, isName: boolean): { rule: Rule; at: number; length: number }[] {
  const found: { rule: Rule; at: number; length: number }[] = [];
  const hidden = hiddenAt(text);
  if (hidden !== undefined) found.push({ rule: 'hidden-text', at: hidden, length: 1 });
  if (isName && LATIN.test(text)) {
    const alike = ALIKE.exec(text);
    if (alike !== null) found.push({ rule: 'look-alike', at: alike.index, length: 1 });
  }
  if (text.length < SHORTEST) return found;
  for (const [rule, pattern] of PHRASES) {
    const match = found.some((one) => one.rule === rule) ? null : pattern.exec(text);
    if (match !== null) found.push({ rule, at: match.index, length: match[0].length });
  }
  return found;
}

/** Nothing shorter is a phrase. */
const SHORTEST = 5;

/** Place of the first hidden character that does not belong to its script or picture. */
function hiddenAt(text: string): number | undefined {
  if (!isUnusual(text)) return undefined;
  let at = 0;
  let before = '';
  for (const char of text) {
    if (isHidden(char) && !(JOINERS.has(char) && JOINED.test(before))) return at;
    if (!JOINERS.has(char) && char !== COLOURED) before = char;
    at += char.length;
  }
  return undefined;
}

function excerptOf(text: string, at: number, length: number): string {
  const from = Math.max(0, at - AROUND);
  const to = Math.min(text.length, at + Math.min(length, 200) + AROUND);
  const cut = text.slice(from, to).replace(/\s+/g, ' ').trim();
  return visible(`${from > 0 ? '…' : ''}${cut}${to < text.length ? '…' : ''}`);
}
