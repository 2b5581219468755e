// The modern era (2026-07-28): every request stands alone, input is asked for in results, changes come to who listens.
import { perform } from '../behaviours/methods.mjs';
import { failure, LOG_LEVELS, notification, RpcError, success } from '../rpc.mjs';
import { CAPABILITIES, INSTRUCTIONS, SERVER_INFO } from '../world.mjs';
import { CAPABILITY, isAnswer } from './capability.mjs';
import { open, seal } from './request-state.mjs';

export const MODERN_VERSIONS = ['2026-07-28'];
export const META = 'io.modelcontextprotocol/';

/** Results that may be kept (server/utilities/caching.mdx): they carry hints. */
const CACHEABLE = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** Thrown out of a behaviour that needs answers it does not have yet. */
class InputRequired extends Error {
  /** @param {Record<string, object>} inputRequests @param {string | undefined} requestState */
  constructor(inputRequests, requestState) {
    super('input required');
    this.result = { resultType: 'input_required', inputRequests, ...(requestState ? { requestState } : {}) };
  }
}

/**
 * @typedef {object} Stream where everything about one request goes
 * @property {(message: object, status?: number) => void} send
 * @property {(() => void) | undefined} [detach]
 */

/** @param {any} params @throws {RpcError} */
export function checkMeta(params) {
  const meta = params?._meta;
  const missing = ['protocolVersion', 'clientCapabilities'].filter((key) => meta?.[META + key] === undefined);
  if (missing.length > 0) {
    const names = missing.map((key) => META + key).join(', ');
    throw new RpcError(-32602, `Invalid params: missing _meta: ${names}`, { status: 400 });
  }
}

/** @param {any} params @throws {RpcError} */
export function checkVersion(params) {
  const requested = params._meta[`${META}protocolVersion`];
  if (!MODERN_VERSIONS.includes(requested)) {
    throw new RpcError(-32022, 'Unsupported protocol version', {
      status: 400,
      data: { supported: MODERN_VERSIONS, requested },
    });
  }
}

/** @param {string} method @param {any} params @param {object} capabilities */
function asker(method, params, capabilities) {
  const { inputResponses, requestState } = params;
  const owner = { method, name: String(params.name ?? params.uri) };
  if (inputResponses !== undefined && (typeof inputResponses !== 'object' || inputResponses === null)) {
    throw new RpcError(-32602, 'Invalid params: inputResponses must be an object');
  }
  const earlier = requestState === undefined ? {} : open(requestState, owner);
  /** @type {Record<string, any>} */
  const answers = { ...earlier, ...inputResponses };
  /** @param {Record<string, { method: string, params: object }>} requests @param {{ state?: boolean }} [options] */
  return async (requests, { state = false } = {}) => {
    const missing = Object.entries(requests).filter(([key]) => answers[key] === undefined);
    for (const [key, request] of Object.entries(requests)) {
      const needed = CAPABILITY[request.method] ?? request.method;
      if (answers[key] !== undefined) {
        if (!isAnswer(request.method, answers[key])) throw new RpcError(-32602, `Invalid input response: ${key}`);
      } else if (!(needed in capabilities)) {
        throw new RpcError(-32021, `The client did not declare ${needed}`, {
          status: 400,
          data: { requiredCapabilities: { [needed]: {} } },
        });
      }
    }
    if (missing.length === 0) return answers;
    throw new InputRequired(Object.fromEntries(missing), state ? seal({ ...owner, answers }) : undefined);
  };
}

/** @param {any} message @param {Stream} stream @param {{ world: import('../world.mjs').World, signal: AbortSignal }} around */
async function perRequest({ method, params }, stream, { world, signal }) {
  const meta = params._meta;
  const capabilities = meta[`${META}clientCapabilities`];
  const token = meta.progressToken;
  const threshold = LOG_LEVELS.indexOf(meta[`${META}logLevel`]);
  const result = await perform(
    method,
    params,
    {
      world,
      signal,
      progress: (progress, total) => {
        if (token === undefined) return;
        stream.send(notification('notifications/progress', { progressToken: token, progress, total }));
      },
      log: (level, data) => {
        if (threshold < 0 || LOG_LEVELS.indexOf(level) < threshold) return;
        stream.send(notification('notifications/message', { level, logger: SERVER_INFO.name, data }));
      },
      canAsk: (wanted) => (CAPABILITY[wanted] ?? wanted) in capabilities,
      ask: asker(method, params, capabilities),
      breakStream: () => {},
    },
    { missingResource: -32602 },
  );
  return { resultType: 'complete', ...result };
}

/**
 * Holds a `subscriptions/listen` open until it is cancelled.
 * @param {any} message @param {Stream} stream @param {{ world: import('../world.mjs').World, signal: AbortSignal }} around
 */
function listen({ id, params }, stream, { world, signal }) {
  const wanted = params.notifications ?? {};
  const honoured = Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => /^(tools|prompts|resources)ListChanged$/.test(key) && value === true,
    ),
  );
  if (Array.isArray(wanted.resourceSubscriptions)) honoured.resourceSubscriptions = wanted.resourceSubscriptions;
  /** @param {string} method @param {object} [more] */
  const tell = (method, more) =>
    stream.send(notification(method, { ...more, _meta: { [`${META}subscriptionId`]: id } }));
  const onChanged = (/** @type {string} */ kind) => {
    if (honoured[`${kind}ListChanged`]) tell(`notifications/${kind}/list_changed`);
  };
  const onUpdated = (/** @type {string} */ uri) => {
    if (wanted.resourceSubscriptions?.includes(uri)) tell('notifications/resources/updated', { uri });
  };
  tell('notifications/subscriptions/acknowledged', { notifications: honoured });
  world.on('changed', onChanged).on('updated', onUpdated);
  return new Promise((resolve) => {
    const end = () => {
      world.off('changed', onChanged).off('updated', onUpdated);
      resolve(undefined);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/**
 * Answers one modern request whose `_meta` and headers were checked.
 * @param {any} message @param {Stream} stream @param {{ world: import('../world.mjs').World, signal: AbortSignal }} around
 */
export async function answerModern(message, stream, around) {
  const { id, method } = message;
  try {
    if (method === 'subscriptions/listen') return await listen(message, stream, around);
    let result;
    if (method === 'server/discover') {
      result = {
        resultType: 'complete',
        supportedVersions: MODERN_VERSIONS,
        capabilities: CAPABILITIES,
        instructions: INSTRUCTIONS,
      };
    } else {
      result = await perRequest(message, stream, around);
    }
    const hints = CACHEABLE.has(method) ? { ttlMs: 1000, cacheScope: 'public' } : {};
    stream.send(success(id, { ...result, ...hints, _meta: { [`${META}serverInfo`]: SERVER_INFO } }), 200);
  } catch (error) {
    if (around.signal.aborted) return;
    if (error instanceof InputRequired) stream.send(success(id, error.result), 200);
    else stream.send(failure(id, error), error instanceof RpcError ? error.status : 200);
  }
}
