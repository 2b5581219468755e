// Which program wrote a file (requirements 8.2). How it is read, index.ts knows: that is read where a file is foreign.
import { isObject, type JsonObject } from '../../core/json.ts';

const FOREIGN = [
  'mcp-servers',
  'map',
  'vscode',
  'mcpo',
  'mcpx',
  'xiaozhi',
  'bridge',
  'echo',
  'echo-export',
  'mcphub',
  'claude-code',
  'codex',
  'gemini',
  'windsurf',
] as const;

export type ForeignFormat = (typeof FOREIGN)[number];
export type ConfigFormat = 'native' | ForeignFormat;

/** Every format that `--config-format` takes. */
export const FORMATS: readonly ConfigFormat[] = ['native', ...FOREIGN];

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
