// Finding out which era a server speaks, and opening the conversation in it (MP10; 2026-07-28/basic/transports,
// Backward Compatibility). Never decided by the text of an answer.
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { RpcError } from '../core/rpc.ts';
import type { UpstreamIdentity } from '../core/upstream.ts';
import {
  HEADER_MISMATCH,
  LATEST_LEGACY,
  LEGACY_REVISIONS,
  META,
  MISSING_CAPABILITY,
  MODERN,
  UNSUPPORTED_VERSION,
} from '../wire/revisions.ts';
import { readResult } from './answer-check.ts';
import type { Link } from './link.ts';
import { modernMeta } from './meta.ts';
import type { LinkAnswer } from './pending.ts';

/** How long a server may ignore the probe before the legacy handshake is tried beside it, in milliseconds. */
const SILENCE = 3_000;

/** Only a modern server says these. */
const MODERN_ERRORS = [HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION];

/** HTTP statuses that say nothing about the era (protocol.md, Era detection). */
const NO_EVIDENCE = [401, 403, 407, 408, 425, 429];

export interface HandshakeOptions {
  upstream: string;
  clientInfo: JsonObject;
  /** What a legacy server is told of us. */
  declared: JsonObject;
  /** On the clock of `performance.now()`. */
  deadline: number;
  signal: AbortSignal;
}

/** `legacy` = try `initialize` on this link; `dead` = the probe ended the link, try `initialize` on a new one. */
export type ProbeVerdict = { modern: UpstreamIdentity } | { legacy: UpstreamIdentity } | 'legacy' | 'dead';

/**
 * Sends `server/discover` and says what the server is. Where one channel is shared, `initialize` is tried beside it
 * after a silence, and the first of both that is answered decides.
 * @throws GatewayFault when the answer is no evidence of an era (401, 5xx, timeout over HTTP) or no version fits
 */
export async function probe(link: Link, options: HandshakeOptions): Promise<ProbeVerdict> {
  const decided = new AbortController();
  const discovery = ask(
    link,
    'server/discover',
    { _meta: modernMeta(options.clientInfo, {}) },
    { ...options, signal: AbortSignal.any([options.signal, decided.signal]) },
  );
  const verdict = discovery.then(
    (answer) => judge(answer, link, options),
    (fault: unknown) => judgeFault(fault, link),
  );
  if (link.transport.correlates) return verdict;

  const early = await withinSilence(verdict, options.signal);
  if (early !== 'silent') return early;
  const handshake = initialize(link, options).then((identity): ProbeVerdict => ({ legacy: identity }));
  const late = verdict.then((found) => (typeof found === 'object' ? found : handshake));
  try {
    return await Promise.any([late, handshake]);
  } catch (failed) {
    throw (failed as AggregateError).errors[1];
  } finally {
    decided.abort(); // what is still unanswered is not waited for
  }
}

/** The legacy handshake. @throws GatewayFault UPSTREAM_START_FAILED for a version we do not speak, or as `request`. */
export async function initialize(link: Link, options: HandshakeOptions): Promise<UpstreamIdentity> {
  const answer = await ask(
    link,
    'initialize',
    { protocolVersion: LATEST_LEGACY, capabilities: options.declared, clientInfo: options.clientInfo },
    options,
  );
  if ('error' in answer) throw refused(options.upstream, 'initialize', answer.error);
  const result = readResult('initialize', answer.result);
  const revision = result.protocolVersion;
  if (typeof revision !== 'string' || !LEGACY_REVISIONS.includes(revision))
    throw badVersion(options.upstream, [...LEGACY_REVISIONS, MODERN], revision);
  const identity: UpstreamIdentity = {
    era: 'legacy',
    revision,
    transport: link.transport.kind,
    serverInfo: isObject(result.serverInfo) ? result.serverInfo : {},
    capabilities: isObject(result.capabilities) ? result.capabilities : {},
    ...(typeof result.instructions === 'string' && { instructions: result.instructions }),
  };
  link.settle({ era: 'legacy', revision }, identity.capabilities);
  await link.notify('notifications/initialized');
  return identity;
}

function ask(link: Link, method: string, params: JsonObject, options: HandshakeOptions): Promise<LinkAnswer> {
  const { deadline, signal } = options;
  return link.request({ method, params, deadline, length: deadline - performance.now(), signal, plain: true });
}

function judge(answer: LinkAnswer, link: Link, options: HandshakeOptions): ProbeVerdict {
  if ('error' in answer) {
    const { code, data } = answer.error;
    if (!MODERN_ERRORS.includes(code)) return 'legacy';
    const supported = isObject(data) && Array.isArray(data.supported) ? data.supported : [];
    if (code !== UNSUPPORTED_VERSION || supported.includes(MODERN)) return modern(link, {});
    if (supported.some((revision) => LEGACY_REVISIONS.includes(String(revision)))) return 'legacy';
    throw badVersion(options.upstream, [MODERN, ...LEGACY_REVISIONS], supported);
  }
  const result = readResult('server/discover', answer.result);
  const versions = result.supportedVersions;
  // An agreeable legacy server may answer anything with {}: only a DiscoverResult counts.
  if (!Array.isArray(versions)) return 'legacy';
  if (versions.includes(MODERN)) return modern(link, result);
  if (versions.some((revision) => LEGACY_REVISIONS.includes(String(revision)))) return 'legacy';
  throw badVersion(options.upstream, [MODERN, ...LEGACY_REVISIONS], versions);
}

function modern(link: Link, result: JsonObject): ProbeVerdict {
  const meta = isObject(result._meta) ? result._meta : {};
  const info = [meta[META.serverInfo], result.serverInfo].find(isObject) ?? {};
  const identity: UpstreamIdentity = {
    era: 'modern',
    revision: MODERN,
    transport: link.transport.kind,
    serverInfo: info,
    // A server that did not say what it can is asked for everything.
    capabilities: isObject(result.capabilities) ? result.capabilities : { tools: {}, resources: {}, prompts: {} },
    ...(typeof result.instructions === 'string' && { instructions: result.instructions }),
  };
  link.settle({ era: 'modern', revision: MODERN }, identity.capabilities);
  return { modern: identity };
}

function judgeFault(thrown: unknown, link: Link): ProbeVerdict {
  if (!(thrown instanceof GatewayFault)) throw thrown;
  if (link.transport.correlates) {
    const status = thrown.data?.httpStatus;
    const refusal = typeof status === 'number' && status >= 400 && status < 500 && !NO_EVIDENCE.includes(status);
    if (refusal) return 'legacy';
    throw thrown;
  }
  if (thrown.fault === 'CANCELLED' || thrown.fault === 'UPSTREAM_UNAUTHORIZED') throw thrown;
  return link.ended === undefined ? 'legacy' : 'dead';
}

async function withinSilence<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | 'silent'> {
  const { promise: silence, resolve } = deferred<'silent'>();
  const timer = setTimeout(() => resolve('silent'), SILENCE);
  const stop = (): void => resolve('silent');
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function badVersion(upstream: string, ours: string[], theirs: unknown): GatewayFault {
  return new GatewayFault(
    'UPSTREAM_START_FAILED',
    `upstream "${upstream}" speaks MCP ${JSON.stringify(theirs) ?? 'of no version'}; this gateway speaks ${ours.join(', ')}`,
    { upstream, delivery: 'not-sent', data: { permanent: true, supported: ours, offered: theirs } },
  );
}

function refused(upstream: string, method: string, error: RpcError): GatewayFault {
  return new GatewayFault(
    'UPSTREAM_START_FAILED',
    `upstream "${upstream}" refused ${method}: ${error.code} ${error.message.slice(0, 300)}`,
    { upstream, delivery: 'not-sent', data: { code: error.code, permanent: false } },
  );
}
