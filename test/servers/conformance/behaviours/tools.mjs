// What each tool does, without a word about eras or transports. A tool that asks (elicitation, sampling, roots) must
// do nothing else before its last `call.ask`: in the modern era it runs again from the start for every round.
import { setTimeout as wait } from 'node:timers/promises';
import { ToolError } from '../rpc.mjs';
import {
  audio,
  DEFAULTS,
  ENUMS,
  elicitation,
  image,
  RICH_SCHEMA,
  resource,
  roots,
  sampling,
  text,
} from './content.mjs';

/**
 * @typedef {{ method: string, params: object }} Ask
 * @typedef {object} Call
 * @property {AbortSignal} signal
 * @property {(progress: number, total: number) => void} progress does nothing for a caller without a progress token
 * @property {(level: string, data: unknown) => void} log
 * @property {(requests: Record<string, Ask>, options?: { state?: boolean }) => Promise<Record<string, any>>} ask
 * @property {(method: string) => boolean} canAsk
 * @property {() => void} breakStream closes the stream of this call; the rest comes when the caller reconnects
 * @property {import('../world.mjs').World} world
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} description
 * @property {object} inputSchema
 * @property {(args: any, call: Call) => unknown[] | Promise<unknown[]>} run its content
 */

const NO_ARGUMENTS = { type: 'object', properties: {} };
const PAUSE = 50;

/** @param {Record<string, object>} properties */
const needs = (properties) => ({ type: 'object', properties, required: Object.keys(properties) });

/**
 * @param {string} name
 * @param {string} description
 * @param {Tool['run']} run
 * @param {object} [inputSchema]
 * @returns {Tool}
 */
const tool = (name, description, run, inputSchema = NO_ARGUMENTS) => ({ name, description, inputSchema, run });

const NAME = { name: { type: 'string' } };
const OK = { ok: { type: 'boolean' } };

/** @param {Call} call */
async function threeLogs(call) {
  call.log('info', 'Tool execution started');
  await wait(PAUSE, undefined, { signal: call.signal });
  call.log('info', 'Tool processing data');
  await wait(PAUSE, undefined, { signal: call.signal });
  call.log('info', 'Tool execution completed');
  return [text('Tool with logging executed successfully')];
}

/** @type {Tool[]} */
const PLAIN = [
  tool('test_simple_text', 'Returns one text', () => [text('This is a simple text response for testing.')]),
  tool('test_image_content', 'Returns an image', () => [image]),
  tool('test_audio_content', 'Returns a sound', () => [audio]),
  tool('test_embedded_resource', 'Returns an embedded resource', () => [
    resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ]),
  tool('test_multiple_content_types', 'Returns text, image and resource', () => [
    text('Multiple content types test:'),
    image,
    resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ]),
  tool('test_error_handling', 'Always fails', () => {
    throw new ToolError('This tool intentionally returns an error for testing');
  }),
  tool('test_tool_with_logging', 'Sends three log messages', (_args, call) => threeLogs(call)),
  tool('test_logging_tool', 'Sends log messages to a caller that asked for them', (_args, call) => threeLogs(call)),
  tool('test_tool_with_progress', 'Reports progress three times', async (_args, call) => {
    call.progress(0, 100);
    await wait(PAUSE, undefined, { signal: call.signal });
    call.progress(50, 100);
    await wait(PAUSE, undefined, { signal: call.signal });
    call.progress(100, 100);
    return [text('Tool with progress executed successfully')];
  }),
  tool('test_reconnection', 'Closes its stream in the middle and answers after a reconnection', async (_args, call) => {
    call.breakStream();
    await wait(2 * PAUSE, undefined, { signal: call.signal });
    return [text('Reconnection test completed successfully')];
  }),
  tool('json_schema_2020_12_tool', 'Has a schema with the newer keywords', () => [text('ok')], RICH_SCHEMA),
  tool(
    'test_x_mcp_header',
    'Mirrors an argument into a header',
    ({ region }) => [text(`Region: ${region}`)],
    needs({ region: { type: 'string', description: 'Where', 'x-mcp-header': 'Region' } }),
  ),
  tool('test_trigger_tool_change', 'Changes the list of tools', (_args, { world }) => {
    world.change('tools');
    return [text('Tools changed')];
  }),
  tool('test_trigger_prompt_change', 'Changes the list of prompts', (_args, { world }) => {
    world.change('prompts');
    return [text('Prompts changed')];
  }),
  tool(
    'test_trigger_resource_update',
    'Updates a resource',
    ({ uri }, { world }) => {
      world.touch(uri);
      return [text(`Updated ${uri}`)];
    },
    needs({ uri: { type: 'string' } }),
  ),
];

/** @type {Tool[]} */
const ASKING = [
  tool(
    'test_sampling',
    'Asks the model of the client',
    async ({ prompt }, call) => {
      const { answer } = await call.ask({ answer: sampling(prompt) });
      return [text(`LLM response: ${answer.content?.text ?? JSON.stringify(answer.content)}`)];
    },
    needs({ prompt: { type: 'string', description: 'The prompt to send' } }),
  ),
  tool(
    'test_elicitation',
    'Asks the user',
    async ({ message }, call) => {
      const { answer } = await call.ask({
        answer: elicitation(message, {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        }),
      });
      return [text(`User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)];
    },
    needs({ message: { type: 'string', description: 'The message to show' } }),
  ),
  tool('test_elicitation_sep1034_defaults', 'Asks with defaults of every type', async (_args, call) => {
    const { answer } = await call.ask({ answer: elicitation('Please review and update the form', DEFAULTS, []) });
    return [text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)];
  }),
  tool('test_elicitation_sep1330_enums', 'Asks with every kind of enum', async (_args, call) => {
    const { answer } = await call.ask({ answer: elicitation('Please select options', ENUMS, []) });
    return [text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)];
  }),
  tool('test_streaming_elicitation', 'Asks from within a stream', async (_args, call) => {
    call.progress(1, 2);
    const { answer } = await call.ask({ answer: elicitation('Please confirm', OK) });
    return [text(`Answered: ${answer.action}`)];
  }),
  tool('test_missing_capability', 'Needs a client that can sample', async (_args, call) => {
    const { answer } = await call.ask({ answer: sampling('Say something') });
    return [text(`LLM response: ${answer.content?.text}`)];
  }),
  tool('test_input_required_result_elicitation', 'Asks for a name', async (_args, call) => {
    const { user_name } = await call.ask({ user_name: elicitation('What is your name?', NAME) });
    return [text(`Hello, ${user_name.content?.name ?? 'nobody'}!`)];
  }),
  tool('test_input_required_result_sampling', 'Asks a question of the model', async (_args, call) => {
    const { capital_question } = await call.ask({ capital_question: sampling('What is the capital of France?') });
    return [text(`LLM response: ${capital_question.content?.text}`)];
  }),
  tool('test_input_required_result_list_roots', 'Asks for the roots', async (_args, call) => {
    const { client_roots } = await call.ask({ client_roots: roots });
    return [text(`Roots: ${client_roots.roots.map((/** @type {any} */ root) => root.uri).join(', ')}`)];
  }),
  tool('test_input_required_result_request_state', 'Asks and keeps its state with the caller', async (_args, call) => {
    await call.ask({ confirm: elicitation('Please confirm', OK) }, { state: true });
    return [text('state-ok')];
  }),
  tool('test_input_required_result_tampered_state', 'Asks and guards its state', async (_args, call) => {
    await call.ask({ confirm: elicitation('Please confirm', OK) }, { state: true });
    return [text('state-ok')];
  }),
  tool('test_input_required_result_multiple_inputs', 'Asks three things at once', async (_args, call) => {
    const answers = await call.ask(
      {
        user_name: elicitation('What is your name?', NAME),
        greeting: sampling('Generate a greeting', 50),
        client_roots: roots,
      },
      { state: true },
    );
    return [text(`${answers.greeting.content?.text} (${answers.user_name.content?.name})`)];
  }),
  tool('test_input_required_result_multi_round', 'Asks twice, one after the other', async (_args, call) => {
    const { step1 } = await call.ask({ step1: elicitation('Step 1: What is your name?', NAME) }, { state: true });
    const { step2 } = await call.ask(
      { step2: elicitation('Step 2: What is your favorite color?', { color: { type: 'string' } }) },
      { state: true },
    );
    return [text(`${step1.content?.name} likes ${step2.content?.color}`)];
  }),
  tool('test_input_required_result_capabilities', 'Asks only what the client can answer', async (_args, call) => {
    const wanted = { question: sampling('Say something'), confirm: elicitation('Please confirm', OK) };
    const possible = Object.fromEntries(Object.entries(wanted).filter(([, request]) => call.canAsk(request.method)));
    const answers = await call.ask(possible);
    return [text(`Answered: ${Object.keys(answers).join(', ')}`)];
  }),
];

/** Its description tells how often the list changed: a changed list has other bytes. @param {number} changes */
const changing = (changes) => tool('test_changing_tool', `Changed ${changes} times`, () => [text('unchanged')]);

/** @param {import('../world.mjs').World} world */
export const tools = (world) => [...PLAIN, ...ASKING, changing(world.changes.tools)];
