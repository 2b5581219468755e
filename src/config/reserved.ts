// Ids that would take a path or a name of the gateway's own (requirements 10.12).
const RESERVED: ReadonlySet<string> = new Set([
  'mcp',
  'sse',
  'messages',
  'docs',
  'redoc',
  'openapi.json',
  'api',
  'ui',
  'health',
  'healthz',
  'metrics',
  'diagnostics',
  'status',
  'oauth',
  '.well-known',
  'favicon.ico',
  'custom',
  'converged',
  'passthrough',
]);

/** Whether an upstream or a view must not be called this. `__proto__` is refused because it is no plain key. */
export function isReserved(id: string): boolean {
  return RESERVED.has(id) || id === '__proto__';
}
