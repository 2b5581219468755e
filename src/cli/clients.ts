// The programs whose configurations are read and written: where each keeps its servers on each system, and in which
// form it understands the gateway (requirements 8.2, E-01 … E-04, E-20).
import { join, resolve } from 'node:path';
import type { ConfigFormat } from '../config/import/formats.ts';
import { homeFolder } from '../core/home.ts';
import type { JsonObject } from '../core/json.ts';

export interface ClientPlaces {
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  cwd: string;
}

export interface ClientFile {
  path: string;
  /** Read as this; absent: by its content. */
  format?: ConfigFormat | undefined;
  /** In the folder of a project, not of the user. */
  project: boolean;
}

export interface Client {
  id: string;
  title: string;
  /** Its files; the first one is where the gateway is written, and the first of the project with `--project`. */
  files(places: ClientPlaces): ClientFile[];
  /** How the gateway stands in its file; absent for programs that are gateways themselves. */
  entry?: {
    /** The key its servers stand under. */
    under: 'mcpServers' | 'servers' | 'mcp_servers';
    /** The form with an address; absent where it starts commands only. */
    url?(url: string, headers: JsonObject | undefined): JsonObject;
  };
}

function homeOf({ env, platform }: ClientPlaces): string {
  return homeFolder(platform === 'win32' ? (env.USERPROFILE ?? env.HOME) : env.HOME);
}

/** Where programs with a window keep their settings. */
function settingsOf(places: ClientPlaces): string {
  const { env, platform } = places;
  if (platform === 'darwin') return join(homeOf(places), 'Library', 'Application Support');
  if (platform === 'win32') return env.APPDATA ?? join(homeOf(places), 'AppData', 'Roaming');
  return env.XDG_CONFIG_HOME || join(homeOf(places), '.config');
}

const user = (path: string, format?: ConfigFormat): ClientFile => ({ path, format, project: false });
const project = ({ cwd }: ClientPlaces, path: string, format?: ConfigFormat): ClientFile => ({
  path: resolve(cwd, path),
  format,
  project: true,
});
const withHeaders = (headers: JsonObject | undefined) => headers !== undefined && { headers };

export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    files: (at) => [user(join(settingsOf(at), 'Claude', 'claude_desktop_config.json'), 'mcp-servers')],
    entry: { under: 'mcpServers' },
  },
  {
    id: 'claude-code',
    title: 'Claude Code',
    files: (at) => [
      user(join(at.env.CLAUDE_CONFIG_DIR || homeOf(at), '.claude.json'), 'claude-code'),
      project(at, '.mcp.json', 'mcp-servers'),
    ],
    entry: { under: 'mcpServers', url: (url, headers) => ({ type: 'http', url, ...withHeaders(headers) }) },
  },
  {
    id: 'cursor',
    title: 'Cursor',
    files: (at) => [
      user(join(homeOf(at), '.cursor', 'mcp.json'), 'mcp-servers'),
      project(at, '.cursor/mcp.json', 'mcp-servers'),
    ],
    entry: { under: 'mcpServers', url: (url, headers) => ({ url, ...withHeaders(headers) }) },
  },
  {
    id: 'vscode',
    title: 'VS Code',
    files: (at) => [
      user(join(settingsOf(at), 'Code', 'User', 'mcp.json'), 'vscode'),
      project(at, '.vscode/mcp.json', 'vscode'),
    ],
    entry: { under: 'servers', url: (url, headers) => ({ type: 'http', url, ...withHeaders(headers) }) },
  },
  {
    id: 'windsurf',
    title: 'Windsurf',
    files: (at) => [user(join(homeOf(at), '.codeium', 'windsurf', 'mcp_config.json'), 'windsurf')],
    entry: { under: 'mcpServers', url: (serverUrl, headers) => ({ serverUrl, ...withHeaders(headers) }) },
  },
  {
    id: 'codex',
    title: 'Codex',
    files: (at) => [user(join(at.env.CODEX_HOME || join(homeOf(at), '.codex'), 'config.toml'), 'codex')],
    entry: {
      under: 'mcp_servers',
      url: (url, headers) => ({ url, ...(headers !== undefined && { http_headers: headers }) }),
    },
  },
  {
    id: 'gemini',
    title: 'Gemini CLI',
    files: (at) => [
      user(join(homeOf(at), '.gemini', 'settings.json'), 'gemini'),
      project(at, '.gemini/settings.json', 'gemini'),
    ],
    entry: { under: 'mcpServers', url: (httpUrl, headers) => ({ httpUrl, ...withHeaders(headers) }) },
  },
  {
    id: 'mcpo',
    title: 'mcpo',
    files: (at) => [project(at, 'mcpo.json', 'mcpo'), project(at, 'config.json')],
  },
  {
    id: 'mcpx',
    title: 'MCPX',
    files: (at) => [
      user(join(at.env.XDG_CONFIG_HOME || join(homeOf(at), '.config'), 'mcpx-toolkit', 'mcpx.json'), 'mcpx'),
      user(join(homeOf(at), '.mcpx', 'config.json'), 'mcpx'),
    ],
  },
  {
    id: 'xiaozhi-client',
    title: 'xiaozhi-client',
    files: (at) => [
      ...(at.env.XIAOZHI_CONFIG_DIR
        ? [user(resolve(at.cwd, at.env.XIAOZHI_CONFIG_DIR, 'xiaozhi.config.json'), 'xiaozhi')]
        : []),
      user(join(homeOf(at), '.xiaozhi-client', 'xiaozhi.config.json'), 'xiaozhi'),
      project(at, 'xiaozhi.config.json', 'xiaozhi'),
    ],
  },
  {
    id: 'mcphub',
    title: 'mcphub',
    files: (at) => [
      ...(at.env.MCPHUB_SETTING_PATH ? [user(resolve(at.cwd, at.env.MCPHUB_SETTING_PATH), 'mcphub')] : []),
      project(at, 'mcp_settings.json', 'mcphub'),
    ],
  },
];

export function placesHere(): ClientPlaces {
  return { env: process.env, platform: process.platform, cwd: process.cwd() };
}
