// Finds what the gateway said in a table of its sentences. A place to fill in stands in both languages: `{name}`; what
// stood there is looked up itself. A sentence that is not in the table stays as it came.

export type Translate = (text: string) => string;

/** Places that hold a number, so that they do not swallow what follows. */
const NUMBERS: ReadonlySet<string> = new Set(['value', 'limit', 'status', 'code', 'count', 'port']);

export function translator(sentences: Readonly<Record<string, string>>): Translate {
  const patterns = Object.entries(sentences).flatMap(([said, meant]) =>
    said.includes('{') ? [{ fits: patternOf(said), meant }] : [],
  );
  const known = new Map<string, string>();
  const look = (text: string): string | undefined => {
    if (Object.hasOwn(sentences, text)) return sentences[text];
    for (const { fits, meant } of patterns) {
      const groups = fits.exec(text)?.groups;
      if (groups === undefined) continue;
      // A frame around what is not known says nothing.
      if (groups.what !== undefined && look(groups.what) === undefined) continue;
      return meant.replace(/\{(\w+)\}/g, (_, name: string) => translate(groups[name] ?? ''));
    }
    // `files: what to do about it`, where the name is that of an upstream.
    const [, name, rest] = /^([^\s:]+): (.+)$/s.exec(text) ?? [];
    const behind = rest === undefined ? undefined : look(rest);
    return behind === undefined ? undefined : `${name}：${behind}`;
  };
  const translate = (text: string): string => {
    if (known.size > MOST) known.clear();
    const found = known.get(text) ?? look(text) ?? text;
    known.set(text, found);
    return found;
  };
  return translate;
}

/** A page that stays open for weeks sees many sentences. */
const MOST = 2000;

function patternOf(said: string): RegExp {
  const parts = said.split(/(\{\w+\})/).map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return NUMBERS.has(name) ? `(?<${name}>-?[\\d.,]+)` : `(?<${name}>.+?)`;
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}
