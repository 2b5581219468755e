// Every way to a server, by name: a new kind of transport is one file and one line here, or one entry in the table
// that an embedding program hands over.
import type { UpstreamConfig } from '../../config/schema.ts';
import type { RequestCredentials } from '../../core/credentials.ts';
import { GatewayFault } from '../../core/fault.ts';
import type { TransportKind } from '../../core/upstream.ts';
import type { ChildRecords } from '../process/leftovers.ts';
import type { Transport, TransportLog } from '../transport.ts';

export interface TransportOptions {
  /** Name of the upstream. */
  upstream: string;
  config: UpstreamConfig;
  log: TransportLog;
  /** Where children are written down for the next gateway. */
  records?: ChildRecords | undefined;
  /** The gateway's login there; over HTTP and WebSocket. */
  credentials?: RequestCredentials | undefined;
}

export type CreateTransport = (options: TransportOptions) => Transport;

/** Loaded when the first upstream of its kind is started: a gateway in front of processes needs no HTTP client. */
const TRANSPORTS: Readonly<Record<string, () => Promise<CreateTransport>>> = {
  stdio: async () => (await import('./stdio.ts')).createStdioTransport,
  'streamable-http': async () => (await import('./streamable-http.ts')).createStreamableHttpTransport,
  sse: async () => (await import('./sse.ts')).createSseTransport,
  websocket: async () => (await import('./websocket.ts')).createWebSocketTransport,
};

/** @throws GatewayFault UPSTREAM_START_FAILED for a kind that nobody has added */
export async function createTransport(
  kind: TransportKind,
  options: TransportOptions,
  added: Readonly<Record<string, CreateTransport>> = {},
): Promise<Transport> {
  if (Object.hasOwn(added, kind)) return (added[kind] as CreateTransport)(options);
  if (Object.hasOwn(TRANSPORTS, kind)) {
    const transport = (await (TRANSPORTS[kind] as () => Promise<CreateTransport>)())(options);
    const { command, url } = options.config;
    if (kind === 'stdio' || command === undefined || url === undefined) return transport;
    return (await import('./supervised.ts')).superviseProcess(options, transport);
  }
  const known = [...Object.keys(TRANSPORTS), ...Object.keys(added)].join(', ');
  const text = `upstream "${options.upstream}": no transport "${kind}"; there are ${known}`;
  throw new GatewayFault('UPSTREAM_START_FAILED', text, { upstream: options.upstream, data: { permanent: true } });
}

/** The kinds to try for a configuration, in their order (`auto`: 2026-07-28 streamable HTTP, Backward Compatibility). */
export function transportKinds(config: Pick<UpstreamConfig, 'transport' | 'command' | 'url'>): TransportKind[] {
  if (config.transport !== 'auto') return [config.transport];
  if (config.url === undefined) return ['stdio'];
  if (/^wss?:/i.test(config.url)) return ['websocket'];
  return ['streamable-http', 'sse'];
}
