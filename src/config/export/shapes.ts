// How each program writes a server: the other direction of import/server.ts.
import type { ForeignFormat } from '../import/formats.ts';

export interface Shape {
  /** The key its servers stand under; none: they are the whole file. */
  under?: string;
  /** Key of an address; streamable HTTP may have one of its own. */
  url: string;
  httpUrl?: string;
  headers: string;
  /** Names of kinds; without them the address alone tells. */
  types?: Readonly<Record<string, string>>;
  /** A local server says its kind as well. */
  stdioType?: boolean;
  /** How one that is switched off says so. */
  off?: 'disabled' | 'enabled';
  disabledTools?: string;
  allowedTools?: string;
  timeout?: { key: string; unit: 'ms' | 's' };
  cwd?: boolean;
  description?: boolean;
  /** `${env:NAME}` as it is, or `${NAME}`. */
  references: 'env' | 'plain';
  /** Further keys, by the native ones: `recovery.call.retries` → `max_retries`. */
  more?: Readonly<Record<string, string>>;
}

const HTTP = { 'streamable-http': 'http', sse: 'sse', websocket: 'ws' };
const STREAMABLE = { ...HTTP, 'streamable-http': 'streamable-http' };
const COMMON = { url: 'url', headers: 'headers', references: 'env' } as const;
const SERVERS = { ...COMMON, under: 'mcpServers', types: HTTP, cwd: true } as const;

export const SHAPES: Readonly<Record<ForeignFormat, Shape>> = {
  'mcp-servers': { ...SERVERS, off: 'disabled', timeout: { key: 'timeout', unit: 'ms' } },
  map: { ...COMMON, types: HTTP, cwd: true, off: 'disabled', timeout: { key: 'timeout', unit: 'ms' } },
  vscode: { ...SERVERS, under: 'servers', stdioType: true },
  mcpo: {
    ...SERVERS,
    types: STREAMABLE,
    off: 'disabled',
    disabledTools: 'disabledTools',
    timeout: { key: 'timeout', unit: 's' },
  },
  mcpx: { ...SERVERS, off: 'enabled', timeout: { key: 'timeout', unit: 's' } },
  xiaozhi: { ...SERVERS, types: STREAMABLE, off: 'disabled', timeout: { key: 'timeout', unit: 'ms' } },
  bridge: { ...SERVERS, off: 'disabled', timeout: { key: 'timeout', unit: 's' } },
  echo: {
    ...SERVERS,
    off: 'enabled',
    description: true,
    timeout: { key: 'timeout', unit: 's' },
    more: { 'recovery.call.retries': 'max_retries', 'supervisor.readyPatterns': 'success_indicators' },
  },
  'echo-export': {
    ...SERVERS,
    under: 'servers',
    off: 'enabled',
    description: true,
    timeout: { key: 'timeout', unit: 's' },
    more: { 'recovery.call.retries': 'max_retries', 'supervisor.readyPatterns': 'success_indicators' },
  },
  mcphub: {
    ...SERVERS,
    types: STREAMABLE,
    off: 'enabled',
    description: true,
    timeout: { key: 'timeout', unit: 'ms' },
  },
  'claude-code': { ...SERVERS, references: 'plain' },
  codex: {
    under: 'mcp_servers',
    url: 'url',
    headers: 'http_headers',
    off: 'enabled',
    disabledTools: 'disabled_tools',
    allowedTools: 'enabled_tools',
    timeout: { key: 'tool_timeout_sec', unit: 's' },
    cwd: true,
    references: 'env',
    more: { 'timeouts.start': 'startup_timeout_sec', inheritEnv: 'env_vars' },
  },
  gemini: {
    under: 'mcpServers',
    url: 'url',
    httpUrl: 'httpUrl',
    headers: 'headers',
    disabledTools: 'excludeTools',
    allowedTools: 'includeTools',
    timeout: { key: 'timeout', unit: 'ms' },
    cwd: true,
    description: true,
    references: 'plain',
  },
  windsurf: {
    under: 'mcpServers',
    url: 'serverUrl',
    headers: 'headers',
    off: 'disabled',
    disabledTools: 'disabledTools',
    references: 'env',
  },
};
