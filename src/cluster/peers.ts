// One gateway works for another: a call goes to the gateway that owns a singleton upstream, or that parked it
// (requirements F-R8, F-R10). One POST for each; a question to the client comes back on the answer's stream and is
// answered by a POST of its own; a caller that leaves closes the connection.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { CallAbort } from '../core/call-signal.ts';
import type { CallContext, ClientAnswer } from '../core/context.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { SigningKeys } from '../core/ports.ts';
import type { HttpExchange, Route } from '../http/listener.ts';
import { FrameReader, faultOf, type HeardFrame, writeAnswer, writeFault, writeFrame } from './peer-frames.ts';

export const PEER_PATH = '/api/v1/cluster/peer';

/** What is asked of another gateway: a verb that it knows, and what the verb needs. */
export interface PeerRequest {
  verb: string;
  body: JsonObject;
}

/** Does what another gateway asks. @throws GatewayFault */
export type PeerVerb = (body: JsonObject, context: CallContext) => Promise<UpstreamAnswer | { value: unknown }>;

export interface PeersDeps {
  keys: SigningKeys;
  /** Where an instance is reached; undefined for one that is gone. */
  urlOf(instance: string): string | undefined;
}

/** How long a connection may take to open, in milliseconds. */
const CONNECT = 2_000;
/** Clocks of gateways may differ by as much, in milliseconds. */
const SKEW = 60_000;
/** setTimeout takes 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;
const MAX_BODY = 64 * 1024 * 1024;

export class Peers {
  readonly #deps: PeersDeps;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #verbs = new Map<string, PeerVerb>();
  /** Questions that another gateway asks its client for us, by key. */
  readonly #asked = new Map<string, (answer: ClientAnswer) => void>();
  #lastKey = 0;

  constructor(deps: PeersDeps) {
    this.#deps = deps;
  }

  /** Says what is done for others under a verb. */
  serve(verb: string, run: PeerVerb): void {
    this.#verbs.set(verb, run);
  }

  /** The route under which others ask. */
  readonly route: Route = { access: 'open', anyHost: true, handle: (exchange) => this.#handle(exchange) };

  /**
   * Asks another gateway. @throws GatewayFault UPSTREAM_UNREACHABLE where nothing was sent, UPSTREAM_DISCONNECTED where
   * it may have been done, or whatever the other one says
   */
  async ask(instance: string, asked: PeerRequest, context: CallContext): Promise<UpstreamAnswer> {
    const frame = await this.#send(instance, asked, context);
    if ('answered' in frame) return frame.answered;
    throw new GatewayFault('INTERNAL', 'another gateway gave no answer', { correlationId: context.id });
  }

  /** As `ask`, for what is no answer of an upstream. */
  async value(instance: string, asked: PeerRequest, context: CallContext): Promise<unknown> {
    const frame = await this.#send(instance, asked, context);
    return 'value' in frame ? frame.value : undefined;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(instance: string, { verb, body }: PeerRequest, context: CallContext): Promise<HeardFrame> {
    const url = this.#deps.urlOf(instance);
    const gone = (message: string, sent: boolean) =>
      new GatewayFault(sent ? 'UPSTREAM_DISCONNECTED' : 'UPSTREAM_UNREACHABLE', message, {
        correlationId: context.id,
        delivery: sent ? 'maybe-sent' : 'not-sent',
        hint: 'Another gateway of the cluster has it; call again in a few seconds, when it has been replaced.',
      });
    if (url === undefined) return Promise.reject(gone('the gateway that has it is gone', false));
    const text = Buffer.from(JSON.stringify({ verb, body, context: written(context) }));
    return new Promise((resolve, reject) => {
      let sent = false;
      const outgoing = this.#request(url, text.length);
      const late = context.deadline - performance.now();
      const deadline = Number.isFinite(late)
        ? setTimeout(
            () =>
              outgoing.destroy(
                new GatewayFault('UPSTREAM_TIMEOUT', 'the gateway that has it gave no answer in time', {
                  correlationId: context.id,
                  delivery: sent ? 'maybe-sent' : 'not-sent',
                }),
              ),
            Math.min(Math.max(0, late), LONGEST_TIMER),
          )
        : undefined;
      const connect = setTimeout(() => outgoing.destroy(new Error(`no connection within ${CONNECT} ms`)), CONNECT);
      const done = () => {
        clearTimeout(connect);
        clearTimeout(deadline);
        context.signal.removeEventListener('abort', leave);
      };
      const fail = (error: Error) => {
        done();
        reject(error instanceof GatewayFault ? error : gone(`${url}: ${error.message}`, sent));
      };
      const leave = () =>
        outgoing.destroy(new GatewayFault('CANCELLED', 'the caller left', { correlationId: context.id }));
      context.signal.addEventListener('abort', leave, { once: true });
      if (context.signal.aborted) leave();
      outgoing.on('error', fail);
      outgoing.on('socket', (socket) => {
        const write = () => {
          clearTimeout(connect);
          sent = true;
          outgoing.end(text);
        };
        if (socket.connecting) socket.once('connect', write);
        else write();
      });
      outgoing.on('response', (incoming: IncomingMessage) => {
        if (incoming.statusCode !== 200) {
          incoming.resume();
          return fail(gone(`${url} answered ${incoming.statusCode}`, false));
        }
        const reader = new FrameReader((frame) => {
          if ('notify' in frame) context.notify?.(frame.notify);
          else if ('ask' in frame) void this.#question(url, frame.key, frame.ask, context);
          else {
            done();
            if ('fault' in frame) reject(faultOf(frame.fault));
            else resolve(frame);
          }
        });
        incoming.on('data', (chunk: Buffer) => reader.push(chunk));
        incoming.on('error', fail);
        incoming.on('close', () => fail(new Error('the connection was lost')));
      });
    });
  }

  #request(url: string, length: number) {
    const target = new URL(PEER_PATH, url);
    const options: RequestOptions = {
      method: 'POST',
      headers: {
        authorization: `Holdfast ${sealed(this.#deps.keys.signing)}`,
        'content-type': 'application/json',
        'content-length': length,
      },
    };
    return target.protocol === 'https:'
      ? httpsRequest(target, options)
      : httpRequest(target, { ...options, agent: this.#agent });
  }

  /** Asks our client for the other gateway and brings the answer back. */
  async #question(
    url: string,
    key: string,
    asked: Parameters<NonNullable<CallContext['ask']>>[0],
    context: CallContext,
  ): Promise<void> {
    const controller = new AbortController();
    context.signal.addEventListener('abort', () => controller.abort(), { once: true });
    const answer: ClientAnswer =
      context.ask === undefined
        ? { error: { code: -32601, message: 'the client cannot be asked' } }
        : await context.ask(asked, controller.signal).catch((error: Error) => ({
            error: { code: -32603, message: error.message },
          }));
    const text = Buffer.from(JSON.stringify({ verb: 'answered', body: { key, answer }, context: written(context) }));
    const outgoing = this.#request(url, text.length);
    // Where it is lost, the question is withdrawn with its call.
    outgoing.on('error', () => undefined);
    outgoing.on('response', (incoming) => incoming.resume());
    outgoing.end(text);
  }

  async #handle({ request, response }: HttpExchange): Promise<void> {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
    if (scheme !== 'Holdfast' || !genuine(this.#deps.keys.all, token)) {
      request.resume();
      return void response.writeHead(401).end();
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > MAX_BODY) return void response.writeHead(413).end();
    }
    const asked = JSON.parse(Buffer.concat(chunks).toString('utf8')) as PeerRequest & { context: WrittenContext };
    if (asked.verb === 'answered') {
      const { key, answer } = asked.body as unknown as { key: string; answer: ClientAnswer };
      this.#asked.get(key)?.(answer);
      return void response.writeHead(200).end();
    }
    const abort = new CallAbort();
    response.on('close', () => abort.abort('the caller left'));
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
    const write = (bytes: Buffer) => void (response.destroyed || response.write(bytes));
    const context: CallContext = {
      ...read(asked.context),
      signal: abort,
      cancel: (reason) => abort.abort(reason),
      notify: (notification) => write(writeFrame({ notify: notification })),
      ...(asked.context.asks && { ask: (question, signal) => this.#askBack(question, signal, write) }),
    };
    try {
      const run = this.#verbs.get(asked.verb);
      if (run === undefined)
        throw new GatewayFault('INTERNAL', `no verb ${JSON.stringify(asked.verb)} between gateways`);
      const answer = await run(asked.body, context);
      write('value' in answer ? writeFrame(answer) : writeAnswer(answer));
    } catch (error) {
      write(writeFault(asFault(error, { correlationId: context.id })));
    }
    response.end();
  }

  #askBack(
    ask: Parameters<NonNullable<CallContext['ask']>>[0],
    signal: AbortSignal,
    write: (bytes: Buffer) => void,
  ): Promise<ClientAnswer> {
    const key = String(++this.#lastKey);
    return new Promise<ClientAnswer>((resolve, reject) => {
      const withdraw = () => reject(new Error('the question was withdrawn'));
      signal.addEventListener('abort', withdraw, { once: true });
      this.#asked.set(key, (answer) => {
        signal.removeEventListener('abort', withdraw);
        resolve(answer);
      });
      write(writeFrame({ ask, key }));
    }).finally(() => this.#asked.delete(key));
  }
}

type WrittenContext = Pick<CallContext, 'id' | 'face' | 'client' | 'logLevel' | 'trace' | 'progressToken'> & {
  principal: Pick<CallContext['principal'], 'id' | 'roles'>;
  /** Milliseconds; absent for no deadline. */
  left?: number;
  asks: boolean;
  headers?: [string, string][];
};

function written(context: CallContext): WrittenContext {
  const { id, face, client, principal, logLevel, trace, progressToken, deadline, headers, ask } = context;
  return {
    ...{ id, face, client, logLevel, trace, progressToken },
    principal: { id: principal.id, roles: principal.roles },
    ...(Number.isFinite(deadline) && { left: deadline - performance.now() }),
    ...(headers !== undefined && { headers: [...headers] }),
    asks: ask !== undefined,
  };
}

/** What the first gateway allowed is not asked again: no scope, no limits. */
function read({ left, asks: _, headers, ...rest }: WrittenContext): Omit<CallContext, 'signal'> {
  return {
    ...rest,
    deadline: left === undefined ? Number.POSITIVE_INFINITY : performance.now() + left,
    headers: headers && new Map(headers),
  };
}

/** Proof that the sender has the keys of the cluster, good for a minute. */
function sealed(key: Buffer, now = Date.now()): string {
  return `${now}.${mac(key, String(now))}`;
}

function genuine(keys: readonly Buffer[], token: string): boolean {
  const [at = '', given = ''] = token.split('.');
  if (!(Math.abs(Date.now() - Number(at)) < SKEW)) return false;
  const sent = Buffer.from(given);
  return keys.some((key) => {
    const right = Buffer.from(mac(key, at));
    return right.length === sent.length && timingSafeEqual(right, sent);
  });
}

function mac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(`peer ${text}`).digest('base64url');
}
