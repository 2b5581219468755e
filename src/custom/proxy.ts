// The handler `proxy`: a workflow, a bot or a model at a platform, asked in that platform's own way (D-40).
import type { CustomToolsConfig, HandlerOf } from '../config/schema-custom.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Payload } from '../core/payload.ts';
import { SseReader } from '../wire/sse.ts';
import { type HttpAnswer, type HttpClients, textOfBody } from './exchange.ts';
import { fillHeader, fillPlain } from './fill.ts';
import { asText, excerpt, failure, parsed, textResult, valueResult } from './results.ts';
import type { Handler, Run } from './run.ts';

type Proxy = HandlerOf<'proxy'>;

/** How one platform is spoken to. */
interface Dialect {
  base: string;
  path: string;
  headers(key: string | undefined): Record<string, string>;
  body(run: Run): JsonObject;
  result(answer: HttpAnswer): Payload;
}

export function proxyHandler(handler: Proxy, platforms: CustomToolsConfig['platforms'], clients: HttpClients): Handler {
  const { platform, config } = handler;
  const dialect = dialectOf(handler);
  const key = config.api_key ?? platforms[platform]?.token;
  const given = config.base_url ?? platforms[platform]?.base_url ?? dialect.base;
  const base = dialect.path === '' ? given : given.replace(/\/+$/, '');
  const path = base.endsWith('/v1') && dialect.path.startsWith('/v1/') ? dialect.path.slice(3) : dialect.path;
  return async (run) => {
    const own = Object.entries(config.headers).map(([name, value]) => [
      name.toLowerCase(),
      fillHeader(value, run.args),
    ]);
    const answer = await clients.send(
      {
        method: 'POST',
        url: new URL(base + path),
        headers: { 'content-type': 'application/json', ...dialect.headers(key), ...Object.fromEntries(own) },
        body: JSON.stringify(dialect.body(run)),
        maxSize: config.max_size,
        retries: config.retry_count,
        delay: config.retry_delay,
      },
      run,
    );
    if (answer.status >= 300) return failure(`HTTP ${answer.status}${refusal(answer)}`);
    return dialect.result(answer);
  };
}

function dialectOf({ platform, config }: Proxy): Dialect {
  const bearer = (key: string | undefined): Record<string, string> =>
    key === undefined ? {} : { authorization: `Bearer ${key}` };
  const { params } = config;
  const question = (run: Run): JsonObject => ({ role: 'user', content: questionOf(config.prompt, run.args) });
  const before = Array.isArray(params.messages) ? (params.messages as unknown[]) : [];
  switch (platform) {
    case 'coze':
      if (config.workflow_id !== undefined)
        return {
          base: 'https://api.coze.cn',
          path: '/v1/workflow/run',
          headers: bearer,
          body: ({ args }) => ({ workflow_id: config.workflow_id, parameters: { ...args, ...params } }),
          result: workflowResult,
        };
      return {
        base: 'https://api.coze.cn',
        path: '/v3/chat',
        headers: bearer,
        body: (run) => ({
          user_id: 'holdfast',
          ...params,
          bot_id: config.bot_id,
          stream: true,
          additional_messages: [{ ...question(run), content_type: 'text' }],
        }),
        result: botResult,
      };
    case 'openai':
      return {
        base: 'https://api.openai.com/v1',
        path: '/chat/completions',
        headers: bearer,
        body: (run) => ({ ...params, stream: false, messages: [...before, question(run)] }),
        result: openaiResult,
      };
    case 'anthropic':
      return {
        base: 'https://api.anthropic.com',
        path: '/v1/messages',
        headers: (key) => ({ 'anthropic-version': '2023-06-01', ...(key !== undefined && { 'x-api-key': key }) }),
        body: (run) => ({ max_tokens: 1024, ...params, stream: false, messages: [...before, question(run)] }),
        result: anthropicResult,
      };
    case 'custom':
      return {
        base: '',
        path: '',
        headers: bearer,
        body: ({ args }) => ({ ...args, ...params }),
        result: (answer) => textResult(textOfBody(answer)),
      };
  }
}

const QUESTIONS = ['input', 'message', 'prompt', 'query', 'question', 'text', 'content'];

/** The prompt with its arguments; without one the argument that is the question, else all of them as JSON. */
function questionOf(prompt: string | undefined, args: JsonObject): string {
  if (prompt !== undefined) return fillPlain(prompt, args, false);
  const texts = Object.entries(args).filter(([, value]) => typeof value === 'string');
  const named = QUESTIONS.find((name) => typeof args[name] === 'string');
  if (named !== undefined) return args[named] as string;
  return texts.length === 1 && Object.keys(args).length === 1 ? (texts[0]?.[1] as string) : JSON.stringify(args);
}

function objectOf(answer: HttpAnswer): JsonObject | undefined {
  const value = parsed(textOfBody(answer));
  return isObject(value) ? value : undefined;
}

/** `: ` and what the platform says of a refusal, wherever it says it. */
function refusal(answer: HttpAnswer): string {
  const { error, msg, message } = objectOf(answer) ?? {};
  const told = isObject(error) ? error.message : (error ?? msg ?? message);
  const text = excerpt(asText(told) || textOfBody(answer));
  return text === '' ? '' : `: ${text}`;
}

const odd = (answer: HttpAnswer): Payload =>
  failure(`the platform answered with something else than expected${refusal(answer)}`);

/** `code` 0 means that it ran; `data` is what the workflow gave, usually JSON as a text. */
function workflowResult(answer: HttpAnswer): Payload {
  const value = objectOf(answer);
  if (value === undefined || value.code === undefined) return odd(answer);
  if (value.code !== 0) return failure(`Coze ${asText(value.code)}${refusal(answer)}`);
  return valueResult(value.data);
}

/** The answers of the bot, from the events of its stream. */
function botResult(answer: HttpAnswer): Payload {
  const refused = objectOf(answer);
  if (refused !== undefined) return failure(`Coze ${asText(refused.code)}${refusal(answer)}`);
  const answers: string[] = [];
  let failed: string | undefined;
  const reader = new SseReader(answer.body.length + 1, ({ event, data }) => {
    const value = parsed(data.toString());
    if (!isObject(value)) return;
    if (event === 'conversation.message.completed' && value.type === 'answer') answers.push(asText(value.content));
    if (event === 'conversation.chat.failed' || event === 'error') {
      const { code, msg } = isObject(value.last_error) ? value.last_error : value;
      failed = `Coze ${asText(code)}: ${excerpt(asText(msg))}`;
    }
  });
  reader.push(answer.body);
  // An event counts once an empty line ends it; the last one may lack it.
  reader.push(Buffer.from('\n\n'));
  if (failed !== undefined) return failure(failed);
  return answers.length === 0 ? odd(answer) : textResult(answers.join('\n'));
}

function openaiResult(answer: HttpAnswer): Payload {
  const choices = objectOf(answer)?.choices;
  const [first] = Array.isArray(choices) ? (choices as unknown[]) : [];
  const message = isObject(first) ? first.message : undefined;
  const content = isObject(message) ? (message.content ?? message.refusal) : undefined;
  return typeof content === 'string' ? textResult(content) : odd(answer);
}

function anthropicResult(answer: HttpAnswer): Payload {
  const content = objectOf(answer)?.content;
  if (!Array.isArray(content)) return odd(answer);
  const texts = (content as unknown[]).flatMap((block) =>
    isObject(block) && block.type === 'text' ? [asText(block.text)] : [],
  );
  return texts.length === 0 ? odd(answer) : textResult(texts.join(''));
}
