// One attempt to reach an upstream: transport, era, handshake. What was found out is remembered, so that a known
// upstream is never probed again without need (MP10).
import { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { Era } from '../core/rpc.ts';
import type { TransportKind, UpstreamIdentity } from '../core/upstream.ts';
import type { StartSlots } from '../resilience/start-slots.ts';
import { type HandshakeOptions, initialize, probe } from './handshake.ts';
import type { Link } from './link.ts';
import type { Transport } from './transport.ts';

/** What the last handshake with an upstream showed. */
export interface EraVerdict {
  era: Era;
  transport: TransportKind;
  /** Name and version of the server; another one may speak another era. */
  server: string;
  /** It took being asked for its era well: it may be asked again beside its work. */
  askable?: boolean | undefined;
}

/** Keeps verdicts, in memory or on disk; an upstream whose configuration changed has none. */
export interface EraMemory {
  get(upstream: string): EraVerdict | undefined;
  set(upstream: string, verdict: EraVerdict | undefined): void;
}

export interface ConnectOptions {
  upstream: string;
  /** In the order in which they are tried. */
  kinds: readonly TransportKind[];
  create(kind: TransportKind): Promise<Transport>;
  link(transport: Transport): Link;
  clientInfo: JsonObject;
  declared: JsonObject;
  /** Milliseconds from the spawn (or dial) to the end of the handshake. */
  timeout: number;
  memory: EraMemory;
  /** Given where a process is started. */
  slots?: StartSlots | undefined;
  /** Whether calls wait for it; such a process is started before others. */
  wanted?: (() => boolean) | undefined;
  /** Set when a probe ended the process: the next start goes without one. Kept by the caller between attempts. */
  hint: { probeKills: boolean };
  signal: AbortSignal;
  phase(phase: 'queued' | 'spawning' | 'handshake'): void;
}

/** How long a start slot is held at most, in milliseconds (reliability §2, Bulkhead). */
const SLOT_HELD = 1_000;

/** @throws GatewayFault the reason of the last way that was tried */
export async function connect(options: ConnectOptions): Promise<{ link: Link; identity: UpstreamIdentity }> {
  const known = options.memory.get(options.upstream);
  const kinds = known === undefined ? options.kinds : options.kinds.toSorted((a, b) => rank(a) - rank(b));
  function rank(kind: TransportKind): number {
    return kind === known?.transport ? 0 : 1;
  }
  let refusal: unknown;
  for (const kind of kinds) {
    try {
      return await connectBy(kind, options);
    } catch (fault) {
      refusal ??= fault;
      if (options.signal.aborted || !isWrongTransport(fault)) throw fault;
    }
  }
  // Where an MCP server has been before, it may be again: a proxy says 404 while the server behind it is replaced.
  throw known === undefined ? wrongUrl(options.upstream, refusal) : refusal;
}

async function connectBy(
  kind: TransportKind,
  options: ConnectOptions,
): Promise<{ link: Link; identity: UpstreamIdentity }> {
  const { upstream, clientInfo, declared, memory, hint, signal } = options;
  const known = memory.get(upstream);
  let link = await open(kind, options);
  // Only now: the wait for a start slot is nobody's fault.
  const deadline = performance.now() + options.timeout;
  const handshake: HandshakeOptions = { upstream, clientInfo, declared, deadline, signal };
  const reopen = async (): Promise<void> => {
    await discard(link, options);
    link = await open(kind, options);
  };
  try {
    options.phase('handshake');
    let identity: UpstreamIdentity;
    let askable = known?.askable === true;
    if (known?.era === 'legacy' || hint.probeKills) {
      identity = await initializeAgain(link, handshake, reopen);
    } else {
      const verdict = await probe(link, handshake);
      if (verdict === 'dead') {
        hint.probeKills = true;
        await reopen();
        identity = await initialize(link, handshake);
      } else if (verdict === 'legacy') {
        askable = true;
        identity = await initialize(link, handshake);
      } else identity = 'modern' in verdict ? verdict.modern : verdict.legacy;
    }
    remember(identity, known, askable, options);
    return { link, identity };
  } catch (fault) {
    // One that does not even refuse may have become modern: the next start asks it.
    if (known?.era === 'legacy' && fault instanceof GatewayFault && fault.fault === 'UPSTREAM_TIMEOUT')
      memory.set(upstream, undefined);
    await discard(link, options);
    throw fault;
  }

  /** For a server that was legacy: one that refuses `initialize` may have become modern. */
  async function initializeAgain(first: Link, how: HandshakeOptions, again: () => Promise<void>) {
    try {
      return await initialize(first, how);
    } catch (refusal) {
      if (!isRefusal(refusal)) throw refusal;
      hint.probeKills = false;
      if (first.ended !== undefined) await again();
      const verdict = await probe(link, how);
      if (typeof verdict === 'string') throw refusal;
      return 'modern' in verdict ? verdict.modern : verdict.legacy;
    }
  }
}

async function open(kind: TransportKind, options: ConnectOptions): Promise<Link> {
  const { slots, signal, wanted } = options;
  let free: (() => void) | undefined;
  if (slots !== undefined) {
    options.phase('queued');
    free = await slots.take(signal, wanted);
    options.phase('spawning');
  }
  const timer = free && setTimeout(free, SLOT_HELD);
  const done = (): void => {
    clearTimeout(timer);
    free?.();
  };
  let link: Link | undefined;
  try {
    link = options.link(await options.create(kind));
    await link.open(signal, done);
    return link;
  } catch (fault) {
    done();
    if (link !== undefined) await discard(link, options);
    throw fault;
  }
}

async function discard(link: Link, { upstream }: ConnectOptions): Promise<void> {
  const fault = new GatewayFault('UPSTREAM_NOT_READY', `the start of upstream "${upstream}" was given up`, {
    upstream,
  });
  await link.close(link.ended ?? fault, 0).catch(() => undefined);
}

function remember(
  identity: UpstreamIdentity,
  known: EraVerdict | undefined,
  askable: boolean,
  { memory, upstream }: ConnectOptions,
): void {
  const { name, version } = identity.serverInfo;
  const server = `${String(name ?? '')}@${String(version ?? '')}`;
  const { era, transport } = identity;
  const verdict: EraVerdict = { era, transport, server, ...(askable && era === 'legacy' && { askable }) };
  if (known === undefined || JSON.stringify(known) !== JSON.stringify(verdict)) memory.set(upstream, verdict);
}

/** The server answered the handshake, and the answer was no. */
function isRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof GatewayFault)) return false;
  const { httpStatus: status, code } = thrown.data ?? {};
  return typeof code === 'number' || isClientError(status) || thrown.fault === 'UPSTREAM_START_FAILED';
}

function isWrongTransport(thrown: unknown): boolean {
  if (!(thrown instanceof GatewayFault)) return false;
  const status = thrown.fault === 'UPSTREAM_SESSION_LOST' ? undefined : thrown.data?.httpStatus;
  return status === 400 || status === 404 || status === 405;
}

function isClientError(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 500 && status !== 401 && status !== 403;
}

function wrongUrl(upstream: string, cause: unknown): unknown {
  if (!(cause instanceof GatewayFault)) return cause;
  const status = String(cause.data?.httpStatus);
  return new GatewayFault(
    'UPSTREAM_START_FAILED',
    `upstream "${upstream}": no MCP server at its URL (HTTP ${status})`,
    {
      upstream,
      delivery: 'not-sent',
      hint: 'Correct url or transport of the upstream.',
      data: { httpStatus: cause.data?.httpStatus, permanent: true },
      cause,
    },
  );
}
