// Whether a text is JSON, told without building what it means: a result of 20 MB would cost several times its size.

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEX = /[0-9a-fA-F]{4}/y;

/** Exactly the texts that `JSON.parse` takes, however deep they are. */
export function isJson(text: string): boolean {
  /** Closing signs of what is open. */
  const open: number[] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    const sign = text.charCodeAt(at);
    if (sign === OPEN_OBJECT || sign === OPEN_ARRAY) {
      const close = sign + 2; // both closing signs lie two above their opening ones
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== close) {
        open.push(close);
        if (sign === OPEN_OBJECT) at = skipKey(text, at);
        if (at === -1) return false;
        continue;
      }
      at++;
    } else at = skipPlain(text, at, sign);
    if (at === -1) return false;
    // Behind a value: what closes, what goes on, or the end.
    at = skipSpace(text, at);
    while (open.length > 0 && text.charCodeAt(at) === open[open.length - 1]) {
      open.pop();
      at = skipSpace(text, at + 1);
    }
    if (open.length === 0) return at === text.length;
    if (text.charCodeAt(at) !== COMMA) return false;
    at = skipSpace(text, at + 1);
    if (open[open.length - 1] === CLOSE_OBJECT) at = skipKey(text, at);
    if (at === -1) return false;
  }
}

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

function skipSpace(text: string, from: number): number {
  for (let at = from; ; at++) {
    const sign = text.charCodeAt(at);
    if (sign !== 0x20 && sign !== 0x0a && sign !== 0x0d && sign !== 0x09) return at;
  }
}

/** From a key to its value; −1 when there is none. */
function skipKey(text: string, from: number): number {
  if (text.charCodeAt(from) !== QUOTE) return -1;
  const end = skipString(text, from);
  if (end === -1) return -1;
  const colon = skipSpace(text, end);
  return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : -1;
}

/** Behind a string, number or word; −1 when there is none. */
function skipPlain(text: string, at: number, sign: number): number {
  if (sign === QUOTE) return skipString(text, at);
  for (const word of ['true', 'false', 'null']) if (text.startsWith(word, at)) return at + word.length;
  NUMBER.lastIndex = at;
  return NUMBER.test(text) ? NUMBER.lastIndex : -1;
}

function skipString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === QUOTE) return at + 1;
    if (sign < 0x20) return -1;
    if (sign !== BACKSLASH) continue;
    const escaped = text[++at];
    if (escaped === 'u') {
      HEX.lastIndex = at + 1;
      if (!HEX.test(text)) return -1;
      at += 4;
    } else if (escaped === undefined || !'"\\/bfnrt'.includes(escaped)) return -1;
  }
  return -1;
}
