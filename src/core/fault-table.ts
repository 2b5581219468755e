// Every failure of the gateway is one row here (requirements 8.3). Faces read their column; nobody invents a code.

export type Retry = 'no' | 'waits' | 'unsent' | 'by-delivery' | 'new-session' | 'after-delay' | 'reads-once';

export interface FaultRow {
  /** JSON-RPC code; codes of our own lie outside the reserved range (2026-07-28/basic, Error Codes). */
  code: number;
  /** HTTP status on the REST face and on HTTP-only faults. */
  http: number;
  /** What the converged tools call it. */
  converged: string;
  /** What the gateway itself does about it. */
  retry: Retry;
  /** Whether it says something about the path to the upstream, and so counts in its breaker. */
  breakerVote: boolean;
  /** Whether repeating the same request may help. */
  retryable: boolean;
  /** What to do next, in one sentence. */
  hint: string;
  /** Rows that no code raises yet; a test holds this list to the truth. */
  reserved?: true;
}

const row = (
  code: number,
  http: number,
  converged: string,
  retry: Retry,
  breakerVote: boolean,
  retryable: boolean,
  hint: string,
): FaultRow => ({ code, http, converged, retry, breakerVote, retryable, hint });

export const FAULTS = {
  UPSTREAM_UNKNOWN: row(
    -32602,
    404,
    'SERVER_NOT_FOUND',
    'no',
    false,
    false,
    'Check the name against the list of configured upstreams.',
  ),
  TOOL_UNKNOWN: row(-32602, 404, 'TOOL_NOT_FOUND', 'no', false, false, 'Check the name against tools/list.'),
  RESOURCE_UNKNOWN: row(-32602, 404, 'RESOURCE_NOT_FOUND', 'no', false, false, 'Check the URI against resources/list.'),
  ARGUMENTS_INVALID: row(
    -32602,
    422,
    'VALIDATION_ERROR',
    'no',
    false,
    false,
    'Correct the named arguments and call again.',
  ),
  UNAUTHENTICATED: row(-32600, 401, 'EXECUTION_ERROR', 'no', false, false, 'Send a key: Authorization: Bearer <key>.'),
  FORBIDDEN: row(-32600, 403, 'EXECUTION_ERROR', 'no', false, false, 'Use a key that has the needed role.'),
  RATE_LIMITED: row(-31001, 429, 'EXECUTION_ERROR', 'no', false, true, 'Wait for the time given and call again.'),
  OVERLOADED: row(
    -31002,
    503,
    'EXECUTION_ERROR',
    'no',
    false,
    true,
    'Nothing was sent; call again a little later, or raise limits.inFlight or limits.queue.',
  ),
  CANCELLED: row(-31003, 499, 'EXECUTION_ERROR', 'no', false, true, 'The caller cancelled this call.'),
  DEADLINE_EXCEEDED: row(
    -31004,
    504,
    'EXECUTION_ERROR',
    'no',
    false,
    true,
    'Allow more time: timeouts.call of the upstream, or the timeout of the tool.',
  ),
  UPSTREAM_NOT_READY: row(
    -31010,
    503,
    'EXECUTION_ERROR',
    'waits',
    false,
    true,
    'The upstream is not up at the moment; call again after the time given.',
  ),
  COOLING_DOWN: row(
    -31011,
    503,
    'EXECUTION_ERROR',
    'no',
    false,
    true,
    'The upstream failed repeatedly; it is started again after the time given, or now by a forced restart.',
  ),
  CIRCUIT_OPEN: row(
    -31012,
    503,
    'EXECUTION_ERROR',
    'no',
    false,
    true,
    'The path to the upstream failed repeatedly; it is probed in the background.',
  ),
  UPSTREAM_START_FAILED: row(
    -31013,
    503,
    'EXECUTION_ERROR',
    'no',
    true,
    false,
    "Correct the upstream's configuration, then restart it.",
  ),
  UPSTREAM_UNREACHABLE: row(
    -31014,
    503,
    'EXECUTION_ERROR',
    'unsent',
    true,
    true,
    'Nothing was sent. Check host, port, TLS and proxy of the upstream.',
  ),
  UPSTREAM_DISCONNECTED: row(
    -31015,
    502,
    'EXECUTION_ERROR',
    'by-delivery',
    true,
    true,
    'The connection was lost; see delivery before you repeat the call.',
  ),
  UPSTREAM_EXITED: row(
    -31016,
    502,
    'EXECUTION_ERROR',
    'by-delivery',
    true,
    true,
    'The process ended; see delivery before you repeat the call.',
  ),
  UPSTREAM_TIMEOUT: row(
    -31017,
    504,
    'EXECUTION_ERROR',
    'by-delivery',
    true,
    true,
    'No answer in time; see delivery before you repeat the call.',
  ),
  UPSTREAM_SESSION_LOST: row(
    -31018,
    503,
    'EXECUTION_ERROR',
    'new-session',
    false,
    true,
    'The upstream forgot its session and did not run the call; call again.',
  ),
  UPSTREAM_RATE_LIMITED: row(
    -31019,
    429,
    'EXECUTION_ERROR',
    'after-delay',
    false,
    true,
    'The upstream limits its callers; wait for the time given.',
  ),
  UPSTREAM_FAILED: row(
    -31020,
    502,
    'EXECUTION_ERROR',
    'by-delivery',
    true,
    true,
    'The upstream answered with a server error; see delivery before you repeat the call.',
  ),
  UPSTREAM_UNAUTHORIZED: row(
    -31021,
    502,
    'EXECUTION_ERROR',
    'no',
    false,
    false,
    'The upstream wants other credentials: set its headers or log in.',
  ),
  UPSTREAM_PROTOCOL: row(
    -31022,
    502,
    'EXECUTION_ERROR',
    'reads-once',
    true,
    false,
    'The upstream sent something that is not MCP; report it to its maintainer.',
  ),
  RESULT_TOO_LARGE: row(
    -31023,
    502,
    'EXECUTION_ERROR',
    'no',
    false,
    false,
    'Ask for less, or raise limits.message of the upstream.',
  ),
  INTERNAL: row(
    -32603,
    500,
    'UNEXPECTED_ERROR',
    'no',
    false,
    false,
    'This is a fault of the gateway; report it with the correlation id.',
  ),
} as const satisfies Record<string, FaultRow>;

/** The name of a fault class. */
export type FaultName = keyof typeof FAULTS;
