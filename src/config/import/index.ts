// How the files of other programs are read (requirements 8.2). A new format is one line of the table, and its name in
// formats.ts.
import { dirname, resolve } from 'node:path';
import type { ConfigDocument } from '../document.ts';
import { toNativeReferences } from '../references.ts';
import { readClaudeCode } from './claude-code.ts';
import { readCodex } from './codex.ts';
import { Draft, Source } from './draft.ts';
import { readEcho, readEchoExport } from './echo.ts';
import type { ForeignFormat } from './formats.ts';
import { readBareMap, readGeneric, readVscode } from './generic.ts';
import { readMcphub } from './mcphub.ts';
import { readMcpo } from './mcpo.ts';
import { readMcpx } from './mcpx.ts';
import { readXiaozhi } from './xiaozhi.ts';

const READERS: Readonly<Record<ForeignFormat, (draft: Draft, root: Source) => void>> = {
  'mcp-servers': readGeneric,
  map: readBareMap,
  vscode: readVscode,
  mcpo: readMcpo,
  mcpx: readMcpx,
  xiaozhi: readXiaozhi,
  bridge: (draft, root) => readGeneric(draft, root, 'mcpServers', { timeout: 's' }),
  echo: readEcho,
  'echo-export': readEchoExport,
  mcphub: readMcphub,
  'claude-code': readClaudeCode,
  codex: readCodex,
  gemini: (draft, root) => readGeneric(draft, root, 'mcpServers', { timeout: 'ms' }),
  windsurf: (draft, root) => readGeneric(draft, root),
};

/** Reads a foreign document into native keys. */
export function importDocument(document: ConfigDocument, format: ForeignFormat): Draft {
  const draft = new Draft(document, format);
  READERS[format](draft, new Source(draft, document.value, []));
  const directory = dirname(resolve(document.file));
  const braces = format === 'echo' || format === 'echo-export';
  draft.translate((text) => toNativeReferences(text, directory, braces));
  return draft;
}
