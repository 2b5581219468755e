// Globs of the configuration: `*` stands for any run of characters, nothing else is special.

/** Whether `text` matches a glob in which `*` stands for any run of characters. Linear, whatever the pattern. */
export function globMatches(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  const first = pieces[0] as string;
  if (pieces.length === 1) return pattern === text;
  const last = pieces[pieces.length - 1] as string;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found === -1 || found + piece.length > text.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}

/** Globs over tools: a pattern with `/` is compared with `upstream/tool`, one without with the tool's own name. */
export function toolMatches(globs: readonly string[], upstream: string, tool: string): boolean {
  return globs.some((glob) => globMatches(glob, glob.includes('/') ? `${upstream}/${tool}` : tool));
}
