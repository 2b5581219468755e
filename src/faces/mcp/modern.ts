// Requests of revision 2026-07-28: each says everything about itself, and its stream is its life (MP2, MP4, MP22).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientDescription, Principal } from '../../core/context.ts';
import { Payload } from '../../core/payload.ts';
import { sendJson } from '../../http/body.ts';
import { listenModern, readFilter } from '../../session/listening.ts';
import {
  answer,
  type Caller,
  clientOfMeta,
  contextOf,
  type GatewayIdentity,
  type Sent,
} from '../../session/protocol.ts';
import type { ClientSays } from '../../session/read-request.ts';
import { RpcFailure } from '../../session/rpc-failure.ts';
import type { Surface } from '../../session/surface.ts';
import { writeError, writeResult } from '../../wire/envelope.ts';
import { META } from '../../wire/revisions.ts';
import { OutgoingStream } from './event-stream.ts';
import type { Exchanges } from './exchanges.ts';
import { checkHeaders } from './modern-headers.ts';
import { type Accepts, accept, refuse, refuseStream } from './refuse.ts';

export interface ModernDeps {
  identity: GatewayIdentity;
  limits: { streams: number };
  exchanges: Exchanges;
}

type RequestOfClient = Extract<ClientSays, { kind: 'request' }>;

export async function serveModern(
  { identity, limits, exchanges }: ModernDeps,
  request: IncomingMessage,
  response: ServerResponse,
  principal: Principal,
  surface: Surface,
  says: ClientSays,
  accepts: Accepts,
  sent?: Sent,
): Promise<void> {
  if (says.kind === 'notification') return accept(response);
  if (says.kind !== 'request') return refuse(response, 400, 'a modern client sends requests and notifications only');
  const { id } = says;
  let client: ClientDescription;
  try {
    client = { ...clientOfMeta(says.params), key: principal.id };
    checkHeaders(request, says, client.revision, surface);
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    return sendJson(response, error.status, writeError(id, error.error));
  }
  const caller: Caller = { face: 'mcp', principal, client, surface, ...sent };
  if (says.method === 'subscriptions/listen') return await listen(exchanges, limits.streams, response, caller, says);
  const answering = exchanges.start({ response, accepts, era: 'modern' });
  exchanges.finish(answering, id, await answer(caller, says, answering, identity));
}

async function listen(
  exchanges: Exchanges,
  limit: number,
  response: ServerResponse,
  caller: Caller,
  says: RequestOfClient,
): Promise<void> {
  const { id } = says;
  if (exchanges.open.streams >= limit) return refuseStream(response, limit, id);
  const stream = new OutgoingStream(false);
  const abort = new AbortController();
  response.on('close', () => abort.abort('the client closed the stream'));
  try {
    const filter = readFilter(says.params);
    const context = contextOf(caller, says, { signal: abort.signal, notify: () => undefined });
    const end = await listenModern(caller.surface, id, filter, context, (text) => {
      if (!stream.attached && !stream.ended && !abort.signal.aborted) stream.attach(response);
      stream.send(text);
    });
    if (abort.signal.aborted) return end();
    const close = () => {
      stream.send(writeResult(id, Payload.of({ resultType: 'complete', _meta: { [META.subscriptionId]: id } })));
      stream.end();
    };
    exchanges.stand(stream, response, { caller, end, close }, false);
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    sendJson(response, error.status, writeError(id, error.error));
  }
}
