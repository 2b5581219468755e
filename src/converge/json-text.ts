// JSON text made smaller without changing what it says: numbers keep every digit, keys their order (issue: "minified
// without loss").

export interface CompactJson {
  text: string;
  value: unknown;
  /** Whether `JSON.stringify(value)` says everything the text says: no number or repeated key was lost by parsing. */
  exact: boolean;
}

/** Reads JSON text; undefined where it is none. Takes time in proportion to the text. */
export function readJson(text: string): CompactJson | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const compact = minify(text);
  return { text: compact, value, exact: JSON.stringify(value) === compact };
}

/**
 * Takes out white space between tokens and spells strings the shortest way (a `\u4e2d` becomes its character). The
 * text has to be JSON.
 */
export function minify(text: string): string {
  const parts: string[] = [];
  let from = 0;
  let backslash = text.indexOf('\\');
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      const end = endOfString(text, at);
      if (backslash !== -1 && backslash < end) {
        backslash = text.indexOf('\\', end);
        parts.push(text.slice(from, at), JSON.stringify(JSON.parse(text.slice(at, end))));
        from = end;
      }
      at = end;
    } else if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      parts.push(text.slice(from, at));
      do at++;
      while (at < text.length && text.charCodeAt(at) <= 0x20);
      from = at;
    } else at++;
  }
  if (parts.length === 0) return text;
  parts.push(text.slice(from));
  return parts.join('');
}

function endOfString(text: string, at: number): number {
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return text.length;
    let slash = quote - 1;
    while (text.charCodeAt(slash) === 0x5c) slash--;
    if (((quote - slash) & 1) === 1) return quote + 1;
    from = quote + 1;
  }
}
