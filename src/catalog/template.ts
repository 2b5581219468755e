// Which upstream a URI belongs to when only a template lists it. Matching is one walk over the literal parts, so no
// template can make it slow (CVE-2026-0621 was a regular expression made from one).

/** The literal parts of an RFC 6570 template, with `undefined` for each expression. */
function parts(template: string): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const close = open === -1 ? -1 : template.indexOf('}', open);
    if (close === -1) {
      found.push(template.slice(at));
      break;
    }
    if (open > at) found.push(template.slice(at, open));
    found.push(undefined);
    at = close + 1;
  }
  return found;
}

/**
 * How well a URI fits a template: the number of literal characters that match, or -1 if it does not fit.
 * Of several templates the one with the most literal characters is meant.
 */
export function matchTemplate(template: string, uri: string): number {
  const pieces = parts(template);
  let at = 0;
  let literal = 0;
  let open = false;
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index];
    if (piece === undefined) {
      open = true;
      continue;
    }
    const isLast = index === pieces.length - 1;
    const found = open ? (isLast ? uri.length - piece.length : uri.indexOf(piece, at)) : at;
    if (found < at || !uri.startsWith(piece, found)) return -1;
    at = found + piece.length;
    literal += piece.length;
    open = false;
  }
  return open || at === uri.length ? literal : -1;
}
