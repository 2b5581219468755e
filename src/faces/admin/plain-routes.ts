// `/metrics`, `/metrics/prometheus`, `/diagnostics` and `/status`: what S1, S2 and Prometheus read (12.4, 10.4).
import type { ExposedPage } from '../../core/ports.ts';
import { sendDetail, sendJson, sendJsonParts } from '../../http/body.ts';
import type { HttpExchange, Route } from '../../http/listener.ts';
import type { AdminDeps } from './deps.ts';

export function plainRoutes({ views }: Pick<AdminDeps, 'views'>): Readonly<Record<string, Route>> {
  const route = (
    answer: (exchange: HttpExchange) => Promise<ExposedPage> | { type?: string; text: string },
  ): Route => ({
    access: 'read',
    face: 'admin',
    handle: async (exchange) => {
      const { request, response } = exchange;
      request.resume();
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return sendDetail(response, 405, 'Method Not Allowed', { allow: 'GET, HEAD' });
      const given = await answer(exchange);
      const headers = {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        ...(given.type !== undefined && { 'content-type': given.type, vary: 'Accept' }),
      };
      if ('parts' in given) sendJsonParts(response, 200, given.parts, headers);
      else sendJson(response, 200, given.text, headers);
    },
  });
  const asJson = (view: () => object) => route(() => ({ text: JSON.stringify(view()) }));
  return {
    '/metrics': route(({ request }) => {
      const wanted = preferred(request.headers.accept);
      if (wanted === 'json') return { type: 'application/json', text: JSON.stringify(views.metrics()) };
      return views.exposition(wanted === 'openmetrics');
    }),
    '/metrics/prometheus': route(({ request }) =>
      views.exposition(preferred(request.headers.accept) === 'openmetrics'),
    ),
    '/diagnostics': asJson(() => views.diagnostics()),
    '/status': asJson(() => views.status()),
  };
}

type Form = 'json' | 'text' | 'openmetrics';
const FORMS: Readonly<Record<string, Form>> = {
  'application/openmetrics-text': 'openmetrics',
  'text/plain': 'text',
  'application/json': 'json',
  '*/*': 'json',
};

/** What the caller likes best of what there is; JSON where it says nothing. On a tie the first one named counts. */
export function preferred(accept: string | undefined): Form {
  let best: { form: Form; quality: number } | undefined;
  for (const part of accept?.split(',') ?? []) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const form = FORMS[type];
    if (form === undefined) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const quality = weight === undefined ? 1 : Number(weight);
    if (quality > 0 && (best === undefined || quality > best.quality)) best = { form, quality };
  }
  return best?.form ?? 'json';
}
