// Which program wrote a file, and how it is read (requirements 8.2). A new format is one line of the table.
import { dirname, resolve } from 'node:path';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { ConfigDocument } from '../document.ts';
import { toNativeReferences } from '../references.ts';
import { readClaudeCode } from './claude-code.ts';
import { readCodex } from './codex.ts';
import { Draft, Source } from './draft.ts';
import { readEcho, readEchoExport } from './echo.ts';
import { readBareMap, readGeneric, readVscode } from './generic.ts';
import { readMcphub } from './mcphub.ts';
import { readMcpo } from './mcpo.ts';
import { readMcpx } from './mcpx.ts';
import { readXiaozhi } from './xiaozhi.ts';

const READERS = {
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
} satisfies Record<string, (draft: Draft, root: Source) => void>;

export type ForeignFormat = keyof typeof READERS;
export type ConfigFormat = 'native' | ForeignFormat;

/** Every format that `--config-format` takes. */
export const FORMATS: readonly ConfigFormat[] = ['native', ...(Object.keys(READERS) as ForeignFormat[])];

const MCPX_KEY = /^(health_check_|toon_compression_|schema_compression_|include_structured_content$|disabled_tools$)/;

/** Recognises the writer of a file. `doubt` says which other reader would have fitted. */
export function detectFormat(value: JsonObject): { format: ConfigFormat; doubt?: string } {
  const has = (key: string) => Object.hasOwn(value, key);
  const some = (...keys: string[]) => keys.some(has);
  if (isObject(value.upstreams))
    return { format: 'native', ...(has('mcpServers') && { doubt: '"mcpServers" beside "upstreams"' }) };
  if (some('mcpEndpoint', 'mcpServerConfig')) return { format: 'xiaozhi' };
  if (Array.isArray(value.mcp_servers)) return { format: 'mcpx' };
  if (isObject(value.mcp_servers)) return { format: 'codex' };
  if (isObject(value.servers) && has('timestamp') && has('version')) return { format: 'echo-export' };
  if (has('mcpServers')) return detectServers(value);
  if (isObject(value.projects)) return { format: 'claude-code' };
  if (isBareMap(value)) return { format: 'map' };
  if (isObject(value.servers) || (isObject(value.mcp) && isObject(value.mcp.servers))) return { format: 'vscode' };
  return { format: 'native' };
}

function detectServers(value: JsonObject): { format: ConfigFormat; doubt?: string } {
  const has = (...keys: string[]) => keys.some((key) => Object.hasOwn(value, key));
  const servers = isObject(value.mcpServers) ? Object.values(value.mcpServers).filter(isObject) : [];
  const inServers = (...keys: string[]) => servers.some((server) => keys.some((key) => Object.hasOwn(server, key)));
  const fits: ConfigFormat[] = [];
  if (has('defaultServer', 'environmentVariables')) fits.push('echo');
  if (
    has('global_connection_settings', 'oauth', 'client_header_forwarding') ||
    inServers('connection_settings', 'oauth', 'client_header_forwarding')
  )
    fits.push('mcpo');
  if (has('users', 'groups', 'systemConfig')) fits.push('mcphub');
  if (isObject(value.projects)) fits.push('claude-code');
  if (Object.keys(value).some((key) => MCPX_KEY.test(key))) fits.push('mcpx');
  if (inServers('httpUrl')) fits.push('gemini');
  const [format = 'mcp-servers', ...others] = fits;
  return { format, ...(others.length > 0 && { doubt: `it could also be ${others.join(' or ')}` }) };
}

function isBareMap(value: JsonObject): boolean {
  const entries = Object.values(value);
  const looks = (entry: unknown) =>
    isObject(entry) && ['command', 'url', 'type', 'httpUrl', 'serverUrl'].some((key) => typeof entry[key] === 'string');
  return entries.some(looks) && entries.every(isObject);
}

/** Reads a foreign document into native keys. */
export function importDocument(document: ConfigDocument, format: ForeignFormat): Draft {
  const draft = new Draft(document, format);
  const read: (draft: Draft, root: Source) => void = READERS[format];
  read(draft, new Source(draft, document.value, []));
  const directory = dirname(resolve(document.file));
  const braces = format === 'echo' || format === 'echo-export';
  draft.translate((text) => toNativeReferences(text, directory, braces));
  return draft;
}
