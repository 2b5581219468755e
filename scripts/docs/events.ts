// The reference page of the events, made from their types and one sentence each.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What happened, and what a member means where its name does not say it. A test holds this to the types. */
export const EVENTS: Readonly<Record<string, string>> = {
  'call.finished':
    'A call was answered, by a result or a fault. `subject` is the tool, prompt or URI; times are milliseconds, `bytes` those of the result.',
  'upstream.state': 'The supervisor of an upstream does something else now.',
  'replica.state': 'One of several servers behind one name does something else now; `replica` counts from 1.',
  'process.exited': 'A child process has ended; `code` or `signal` says how.',
  'catalog.changed': 'What a view lists has changed, byte for byte.',
  'config.applied':
    'Another configuration is in force; the lists name upstreams. With the version it had: the file was put back to what is in force.',
  'config.rejected': 'A configuration was refused, the old one stays in force.',
  'gateway.heap':
    'The heap is nearly full and calls are refused, or there is room again; `used` is a share of its limit, 0 to 1.',
  'gateway.unexpected': 'A mistake of the gateway itself that no call owns. The log has its stack.',
  'auth.refused': 'A request was refused for its key.',
  'face.connected': 'The connection of an endpoint that the gateway dials is open.',
  'face.lost': 'The connection of such an endpoint was lost; `retryInMs` until the next dial.',
  'alert.raised': 'A rule was broken for as long as it allows; `subject` is the upstream, or `gateway`.',
  'alert.changed': 'An open alert has become more or less severe.',
  'alert.resolved': 'An alert has ended.',
  'approval.waiting':
    'An upstream, or a tool of it, is held back until somebody approves it; `why` is `new`, `changed`, `flagged` or `rejected`.',
  'approval.decided': 'Somebody approved or rejected an upstream, or a tool of it.',
  'admin.action': 'Somebody with the role `admin` did something.',
  log: 'Something an operator may want to read.',
};

export interface EventType {
  /** Several where they have the same members. */
  names: string[];
  /** What the source says above it. */
  comment: string;
  members: string[];
}

/** The events that `src/core/events.ts` declares, read from its text. */
export function declaredEvents(): EventType[] {
  const text = readFileSync(join(projectRoot(), 'src/core/events.ts'), 'utf8');
  const pattern =
    /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?(?:\| )?\{\s*type: ('[^']+'(?: \| '[^']+')*);?((?:\s*\/\*\*(?:(?!\*\/).)*\*\/|[^{}])*)\}/gs;
  return [...text.matchAll(pattern)].map(([, comment = '', types = '', body = '']) => ({
    names: types.split(/\s*\|\s*/).map((type) => type.slice(1, -1)),
    comment: comment
      .replace(/\s*\*?\s+/g, ' ')
      .replace(/ \(requirements[^)]*\)/g, '')
      .trim(),
    members: [...body.replace(/\/\*\*.*?\*\//gs, '').matchAll(/(\w+)(\??): ([^;]+?)(?: \| undefined)?\s*(?:;|$)/g)].map(
      ([, member, optional, type = '']) => `\`${member}${optional}: ${type.trim().replaceAll('|', '\\|')}\``,
    ),
  }));
}

/** This file also runs as a bundle, from inside node_modules. */
function projectRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'src/core/events.ts'))) folder = dirname(folder);
  return folder;
}

export function eventDocs(): Record<string, string> {
  const rows = declaredEvents().flatMap(({ names, comment, members }) =>
    names.map((name) => `| \`${name}\` | ${EVENTS[name] ?? comment} | ${members.join(', ')} |`),
  );
  return {
    'docs/reference/events.md': `<!-- Made by \`npm run docs\` from src/core/events.ts. Do not edit. -->
# Events

Everything that happens in a gateway is told once, on one stream. The log reads it, and so can a program that embeds the
gateway:

\`\`\`ts
const end = gateway.events.subscribe((event) => {
  if (event.type === 'upstream.state') console.log(event.upstream, event.to);
});
\`\`\`

Events come synchronously, in order. A listener that throws harms nobody; its failure is a \`log\` event.

| Event | When | Members beside \`type\` |
|---|---|---|
${rows.join('\n')}
`,
  };
}
