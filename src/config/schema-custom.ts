// What may be said about tools that the gateway itself offers, without a server behind them (D-40). The keys of a
// handler are those of xiaozhi-client, so that a tool can be copied from there.
import * as z from 'zod';
import { anyTime, size, someTime } from './units.ts';

/** Kinds of handlers that run code of the operator on this machine; each needs a switch of its own. */
export const GUARDED_HANDLERS = ['script', 'function'] as const;

const text = z.union([z.string(), z.number(), z.boolean()], { error: 'expected a text' }).transform(String);
const texts = z.record(z.string(), text);
/** Any JSON object; the meta keeps the reference page from calling its values anything. */
const object = z.record(z.string(), z.unknown()).meta({ additionalProperties: true });
const filled = z.string().min(1);

const timeout = (value: string) => someTime.prefault(value).describe('How long one call may take.');
const maxSize = size.prefault('4MB').describe('The largest answer that is taken.');

const retries = {
  retry_count: z
    .number()
    .int()
    .min(0)
    .max(10)
    .prefault(2)
    .describe('How often it is sent again where that runs nothing twice.'),
  retry_delay: anyTime.prefault('500ms').describe('Wait before the first repeat; it doubles.'),
};

const http = z.strictObject({
  type: z.literal('http').describe('One HTTP request.'),
  url: filled.describe('Address; `{{argument}}` or `{argument}` in path and query stands for an argument.'),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'PATCH']).prefault('GET').describe('Method of the request.'),
  headers: texts.prefault({}).describe('Headers; `{{argument}}` in a value stands for an argument.'),
  auth: z
    .strictObject({
      type: z.enum(['bearer', 'basic', 'api_key']).describe('How the request says who asks.'),
      token: filled.optional().describe('The token of `bearer`.'),
      username: z.string().optional().describe('The name of `basic`.'),
      password: z.string().optional().describe('The password of `basic`.'),
      api_key: filled.optional().describe('The key of `api_key`.'),
      api_key_header: filled.prefault('X-API-Key').describe('The header in which the key is sent.'),
    })
    .optional()
    .describe('Credentials.'),
  body_template: z
    .union([z.string(), object], { error: 'expected a text or an object' })
    .optional()
    .describe('Body with `{{argument}}`; absent: all arguments as JSON, but for GET and DELETE.'),
  response_mapping: z
    .strictObject({
      success_path: filled.optional().describe('Path of a value that tells whether it worked: not false, 0 or empty.'),
      success_value: z
        .union([z.string(), z.number(), z.boolean()])
        .optional()
        .describe('The value at `success_path` that means it worked.'),
      error_path: filled.optional().describe('Path of the message of a failure.'),
      data_path: filled.optional().describe('Path of the part that is the result.'),
    })
    .prefault({})
    .describe('Where in a JSON answer the result lies.'),
  timeout: timeout('30s'),
  max_size: maxSize,
  ...retries,
});

const proxy = z.strictObject({
  type: z.literal('proxy').describe('A workflow, bot or model at a platform.'),
  platform: z.enum(['coze', 'openai', 'anthropic', 'custom']).describe('Whose API it speaks.'),
  config: z
    .strictObject({
      workflow_id: filled.optional().describe('Coze: the workflow to run; arguments are its parameters.'),
      bot_id: filled.optional().describe('Coze: the bot to ask.'),
      api_key: filled.optional().describe('Key of the platform; absent: `customTools.platforms`.'),
      base_url: filled.optional().describe('Address of the API, where it is another one; needed for `custom`.'),
      prompt: filled
        .optional()
        .describe('What is asked, with `{{argument}}`; absent: the argument that is the question.'),
      timeout: timeout('120s'),
      max_size: maxSize,
      ...retries,
      headers: texts.prefault({}).describe('Further headers.'),
      params: object.prefault({}).describe('Fixed parameters, such as `model`; no argument replaces them.'),
    })
    .prefault({})
    .describe('What is asked there.'),
});

const mcp = z.strictObject({
  type: z.literal('mcp').describe('A tool of an upstream under another name.'),
  upstream: filled.optional().describe('The upstream.'),
  tool: filled.optional().describe('Its tool.'),
  config: z
    .strictObject({
      serviceName: filled.describe('The upstream.'),
      toolName: filled.describe('Its tool.'),
    })
    .optional()
    .describe('The same in the words of xiaozhi-client.'),
});

const step = z.strictObject({
  upstream: filled.optional().describe('The upstream; absent: another custom tool.'),
  tool: filled.describe('The tool.'),
  arguments: object.optional().describe('Its arguments, with `{{argument}}`, `{{result}}`, `{{results.0}}` in texts.'),
});

const chain = z.strictObject({
  type: z.literal('chain').describe('Several tools as one.'),
  tools: z
    .array(z.union([filled, step], { error: 'expected the name of a custom tool, or {"upstream", "tool"}' }))
    .min(1)
    .max(32)
    .describe('Its steps: a custom tool by its name, or an object.'),
  mode: z.enum(['sequential', 'parallel']).prefault('sequential').describe('One after the other, or at once.'),
  error_handling: z
    .enum(['stop', 'continue', 'retry'])
    .prefault('stop')
    .describe('After a step that failed: end, leave it out, or try it again and then end.'),
  timeout: timeout('120s'),
  ...retries,
});

const script = z.strictObject({
  type: z.literal('script').describe('A program of this machine, once per call.'),
  script: filled.describe('Path of the file, relative to this one.'),
  interpreter: z
    .enum(['node', 'python', 'bash'])
    .optional()
    .describe('What runs it; absent: by its ending (.js .mjs .cjs, .py, .sh).'),
  timeout: timeout('30s'),
  max_size: maxSize,
  env: texts.prefault({}).describe('Variables beside the few that every child gets.'),
});

const func = z.strictObject({
  type: z.literal('function').describe('A function of an ES module, in a thread of its own per call.'),
  module: filled.describe('Path of the module, relative to this file.'),
  function: filled.prefault('default').describe('Name under which it is exported.'),
  timeout: timeout('30s'),
  max_size: maxSize,
  context: object.prefault({}).describe('Its second argument.'),
});

const HANDLERS = [http, proxy, mcp, chain, script, func] as const;

const tool = z.strictObject({
  name: filled.max(128).describe('Its name.'),
  title: z.string().optional().describe('A name for people.'),
  description: filled.describe('What it does; models choose by this.'),
  inputSchema: z
    .looseObject({
      type: z.literal('object').describe('Arguments are an object.'),
      properties: object.optional().describe('The arguments.'),
      required: z.array(z.string()).optional().describe('Those that must be given.'),
    })
    .meta({ additionalProperties: true })
    .describe('JSON Schema of its arguments.'),
  annotations: object.optional().describe('What it promises, such as `readOnlyHint`.'),
  handler: z
    .discriminatedUnion('type', HANDLERS, {
      error: (issue) =>
        issue.code === 'invalid_union'
          ? `expected a handler; "type" is one of ${HANDLERS.map(({ shape }) => shape.type.value).join(', ')}`
          : undefined,
    })
    .describe('What it does when it is called.'),
});

const platform = z.strictObject({
  token: filled.optional().describe('Key for tools that have none of their own.'),
  base_url: filled.optional().describe('Address of the API for tools that name none.'),
});

/** The key `customTools`. */
export const customToolsSchema = z
  .strictObject({
    allow: z
      .array(z.enum(GUARDED_HANDLERS))
      .prefault([])
      .describe('Handlers that run code on this machine and are switched on; none by default.'),
    platforms: z
      .strictObject({
        coze: platform.optional().describe('Coze.'),
        openai: platform.optional().describe('OpenAI and what speaks its API.'),
        anthropic: platform.optional().describe('Anthropic and what speaks its API.'),
        custom: platform.optional().describe('Any other.'),
      })
      .prefault({})
      .describe('Keys of platforms, for handlers of the type proxy.'),
    tools: z.array(tool).prefault([]).describe('The tools, shown in every view as those of the upstream `custom`.'),
  })
  .prefault({})
  .describe('Tools without a server behind them.');

export type CustomToolsConfig = z.output<typeof customToolsSchema>;
export type CustomTool = CustomToolsConfig['tools'][number];
export type CustomHandler = CustomTool['handler'];
export type HandlerOf<T extends CustomHandler['type']> = Extract<CustomHandler, { type: T }>;
