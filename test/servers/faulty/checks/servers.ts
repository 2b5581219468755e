import { join } from 'node:path';
import { LegacyHttpClient } from '../../../support/legacy-http-client.ts';
import type { Json } from '../../../support/rpc.ts';
import { StdioClient } from '../../../support/stdio-client.ts';
import { withTempDir } from '../../../support/temp-dir.ts';
import {
  type FaultyOptions,
  faulty,
  type LedgerEntry,
  type ListeningUpstream,
  readLedger,
  startUpstream,
} from '../../../support/upstream.ts';
import { waitFor } from '../../../support/wait.ts';

export interface Stdio {
  client: StdioClient;
  ledger: () => LedgerEntry[];
  /** A faulty call that is not waited for. */
  fault(nonce?: string, tool?: string): ReturnType<StdioClient['call']>;
}

/** Runs one server on stdio, handshake done unless `raw`, and leaves nothing behind whatever it did. */
export async function onStdio(
  name: string,
  set: FaultyOptions['set'],
  body: (server: Stdio) => Promise<void>,
  raw = false,
): Promise<void> {
  await withTempDir(async (folder) => {
    const file = join(folder, 'ledger');
    const { command, args } = faulty(name, { ledger: file, ...(set && { set }) });
    const client = new StdioClient(command, { args });
    try {
      if (!raw) await client.initialize();
      await body({
        client,
        ledger: () => readLedger(file),
        fault: (nonce = 'n', tool = 'write') => {
          const call = client.call(tool, { nonce, fault: true }, { within: 2_000 });
          call.catch(() => {});
          return call;
        },
      });
    } finally {
      await client.program.stop({ signal: 'SIGKILL', settle: 0 }).catch(() => {});
    }
  });
}

export async function onHttp(
  name: string,
  set: FaultyOptions['set'],
  body: (server: {
    upstream: ListeningUpstream;
    client: LegacyHttpClient;
    fault(nonce?: string): ReturnType<LegacyHttpClient['call']>;
  }) => Promise<void>,
): Promise<void> {
  await using upstream = await startUpstream(name, set === undefined ? {} : { set });
  await using client = new LegacyHttpClient(upstream.url);
  const fault = (nonce = 'n') => {
    const call = client.call('write', { nonce, fault: true }, { within: 1_000 });
    call.catch(() => {});
    return call;
  };
  await body({ upstream, client, fault });
}

export async function onSocket(
  name: string,
  set: FaultyOptions['set'],
  body: (server: { socket: WebSocketLike; closed: Promise<number>; next(): Promise<Json> }) => Promise<void>,
): Promise<void> {
  const { WebSocket } = await import('ws');
  await using upstream = await startUpstream(name, { transport: 'ws', ...(set && { set }) });
  const socket = new WebSocket(upstream.url, 'mcp');
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const came: Json[] = [];
  socket.on('message', (data) => came.push(JSON.parse(String(data)) as Json));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => {});
  try {
    await body({ socket, closed, next: () => waitFor(() => came.shift()) });
  } finally {
    socket.terminate();
  }
}

interface WebSocketLike {
  send(text: string): void;
}
