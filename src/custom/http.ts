// The handler `http`: a request with the arguments in it, and the part of the answer that is the result (D-40).
import type { HandlerOf } from '../config/schema-custom.ts';
import type { JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import { lookUp, pathOf } from '../core/placeholders.ts';
import { type HttpAnswer, type HttpClients, textOfBody } from './exchange.ts';
import { fillHeader, fillJson, fillPlain, fillUrl, fillValue } from './fill.ts';
import { asText, excerpt, failure, parsed, textResult, valueResult } from './results.ts';
import type { Handler } from './run.ts';

type Http = HandlerOf<'http'>;

export function httpHandler(handler: Http, clients: HttpClients): Handler {
  return async (run) => {
    const { args } = run;
    const headers = headersOf(handler, args);
    const body = bodyOf(handler, args, headers);
    if (body !== undefined) headers['content-type'] ??= 'application/json';
    const answer = await clients.send(
      {
        method: handler.method,
        url: fillUrl(handler.url, args),
        headers,
        body,
        maxSize: handler.max_size,
        retries: handler.retry_count,
        delay: handler.retry_delay,
      },
      run,
    );
    return resultOf(handler.response_mapping, answer);
  };
}

/** By lower-case name; credentials of `auth` win over a header of the same name. */
function headersOf({ headers, auth }: Http, args: JsonObject): Record<string, string> {
  const result: Record<string, string> = { accept: 'application/json, text/plain;q=0.9, */*;q=0.8' };
  for (const [name, value] of Object.entries(headers)) result[name.toLowerCase()] = fillHeader(value, args);
  if (auth?.type === 'bearer') result.authorization = `Bearer ${auth.token}`;
  if (auth?.type === 'basic') {
    const pair = Buffer.from(`${auth.username}:${auth.password ?? ''}`);
    result.authorization = `Basic ${pair.toString('base64')}`;
  }
  if (auth?.type === 'api_key') result[auth.api_key_header.toLowerCase()] = auth.api_key as string;
  return result;
}

function bodyOf({ method, body_template: template }: Http, args: JsonObject, headers: JsonObject): string | undefined {
  if (template === undefined) return method === 'GET' || method === 'DELETE' ? undefined : JSON.stringify(args);
  if (typeof template !== 'string') return JSON.stringify(fillValue(template, args));
  const type = asText(headers['content-type'] ?? 'application/json');
  if (/\bjson\b/i.test(type)) return fillJson(template, args);
  return fillPlain(template, args, /x-www-form-urlencoded/i.test(type));
}

/** What an answer means as a result of the tool. */
export function resultOf(mapping: Http['response_mapping'], answer: HttpAnswer): Payload {
  const { status, headers, body } = answer;
  const type = (headers.get('content-type') ?? '').toLowerCase();
  if (status >= 300 && status < 400) return failure(redirected(answer));
  const media = /^(image|audio)\/[\w.+-]+/.exec(type);
  if (media !== null && status < 300)
    return Payload.of({ content: [{ type: media[1], data: body.toString('base64'), mimeType: media[0] }] });
  const text = textOfBody(answer);
  const value = parsed(text);
  const told = mapping.error_path === undefined ? undefined : lookUp(value, pathOf(mapping.error_path));
  const message = asText(told) || excerpt(text);
  if (status >= 300) return failure(`HTTP ${status}${message === '' ? '' : `: ${excerpt(message)}`}`);
  if (!succeeded(mapping, value, told)) return failure(message || 'the answer says that it failed');
  if (mapping.data_path === undefined) return textResult(text);
  const data = lookUp(value, pathOf(mapping.data_path));
  if (data === undefined) return failure(`the answer holds nothing at ${mapping.data_path}: ${excerpt(text, 300)}`);
  return valueResult(data);
}

function succeeded(mapping: Http['response_mapping'], value: unknown, told: unknown): boolean {
  if (mapping.success_path === undefined) return told === undefined || told === null || told === '' || told === false;
  const found = lookUp(value, pathOf(mapping.success_path));
  const { success_value: wanted } = mapping;
  if (wanted !== undefined) return found !== undefined && String(found) === String(wanted);
  return Boolean(found) && found !== 'false';
}

/** Followed within its origin only, where credentials belong; elsewhere the operator decides. */
function redirected({ status, headers }: HttpAnswer): string {
  const location = headers.get('location') ?? '';
  const to = URL.canParse(location) ? ` to ${new URL(location).origin}` : '';
  return `HTTP ${status}: the address redirects${to}, which is not followed; configure the address it leads to`;
}
