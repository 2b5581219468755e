// Starts one of the misbehaving servers, and reads what it wrote down about what really ran.
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Program } from './program.ts';

export interface LedgerEntry {
  /** started, initialize, listed, received, executed, cancelled, left … */
  event: string;
  pid: number;
  at: number;
  nonce?: string;
  tool?: string;
}

export interface FaultyOptions {
  transport?: 'stdio' | 'http' | 'sse' | 'ws';
  era?: 'legacy' | 'modern' | 'dual';
  port?: number;
  ledger?: string;
  stateless?: boolean;
  /** What this one behaviour wants to know. */
  set?: Record<string, string | number>;
}

/** Command and arguments of `test/servers/faulty/<name>.mjs`, for a configuration's `command` and `args`. */
export function faulty(name: string, options: FaultyOptions = {}): { command: string; args: string[] } {
  const file = new URL(`../servers/faulty/${name}.mjs`, import.meta.url).pathname;
  if (!existsSync(file)) throw new Error(`no such server: ${name}`);
  const { transport = 'stdio', era = 'legacy', port = 0, ledger, stateless = false, set = {} } = options;
  return {
    command: process.execPath,
    args: [
      file,
      ...['--transport', transport, '--era', era, '--port', String(port)],
      ...(ledger === undefined ? [] : ['--ledger', ledger]),
      ...(stateless ? ['--stateless'] : []),
      ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ],
  };
}

export interface ListeningUpstream {
  url: string;
  port: number;
  pid: number;
  program: Program;
  ledger(): Promise<LedgerEntry[]>;
  /** How often the tool call with this nonce ran. */
  executions(nonce: string): Promise<number>;
  /** Begins or ends a fault; what may be ordered stands in the server's file. */
  control(order: object): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server that listens and waits until it does. */
export async function startUpstream(name: string, options: FaultyOptions = {}): Promise<ListeningUpstream> {
  const { command, args } = faulty(name, { transport: 'http', ...options });
  const program = new Program(command, { args });
  let url: string;
  try {
    url = (await program.line(/^ready (\S+)$/))[1] as string;
  } catch (error) {
    await program.stop({ signal: 'SIGKILL' });
    throw error;
  }
  const origin = `http://${new URL(url).host}`;
  // Over a connection of its own, so that a fault on the others does not touch it.
  const side = (path: string, body = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request(`${origin}${path}`, { method: 'POST', agent: false }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        incoming.on('end', () => resolve(text)).on('error', reject);
      });
      outgoing.on('error', reject).end(body);
    });
  const ledger = async (): Promise<LedgerEntry[]> =>
    options.ledger === undefined ? (JSON.parse(await side('/ledger')) as LedgerEntry[]) : readLedger(options.ledger);
  const stop = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    await program.stop({ signal });
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: program.pid,
    program,
    ledger,
    executions: async (nonce) => executionsOf(await ledger(), nonce),
    control: async (order) => void (await side('/control', JSON.stringify(order))),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** The ledger file of a server that does not listen. */
export function readLedger(file: string): LedgerEntry[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerEntry);
}

/** How often the tool call with this nonce ran. */
export function executionsOf(entries: readonly LedgerEntry[], nonce: string): number {
  return entries.filter((entry) => entry.event === 'executed' && entry.nonce === nonce).length;
}
