// The MCP revisions the gateway speaks, and what differs between them on the wire (protocol.md §1).

export const MODERN = '2026-07-28';
export const LATEST_LEGACY = '2025-11-25';
/** Oldest first. */
export const LEGACY_REVISIONS: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
export const MODERN_REVISIONS: readonly string[] = [MODERN];

export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** Error codes that only the modern era has (2026-07-28/basic, Error Codes). */
export const HEADER_MISMATCH = -32020;
export const MISSING_CAPABILITY = -32021;
export const UNSUPPORTED_VERSION = -32022;

/** Whether a session of this revision may send arrays of messages (removed with 2025-06-18). */
export function allowsBatches(revision: string): boolean {
  return revision === '2024-11-05' || revision === '2025-03-26';
}

/** From 2025-11-25 on a stream opens with an event that has an id and no data, so that it can be resumed (SEP-1699). */
export function wantsPriming(revision: string): boolean {
  return revision >= '2025-11-25';
}

/** The legacy revision to answer an `initialize` with: the one asked for, else the newest we have. */
export function negotiate(asked: string): string {
  return LEGACY_REVISIONS.includes(asked) ? asked : LATEST_LEGACY;
}

/** syslog levels, least important first (2025-06-18 logging). */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];
