// The prompts of the scenarios, and what completes their arguments.
import { elicitation, image, resource, text } from './content.mjs';

/** @param {unknown} content */
const user = (content) => ({ role: 'user', content });

const PROMPTS = [
  {
    name: 'test_simple_prompt',
    description: 'Has no arguments',
    get: () => [user(text('This is a simple prompt for testing.'))],
  },
  {
    name: 'test_prompt_with_arguments',
    description: 'Has two arguments',
    arguments: [
      { name: 'arg1', description: 'First test argument', required: true },
      { name: 'arg2', description: 'Second test argument', required: true },
    ],
    get: (/** @type {any} */ args) => [user(text(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`))],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'Embeds a resource',
    arguments: [{ name: 'resourceUri', description: 'URI of the resource to embed', required: true }],
    get: (/** @type {any} */ args) => [
      user(resource(args.resourceUri, 'text/plain', 'Embedded resource content for testing.')),
      user(text('Please process the embedded resource above.')),
    ],
  },
  {
    name: 'test_prompt_with_image',
    description: 'Holds an image',
    get: () => [user(image), user(text('Please analyze the image above.'))],
  },
  {
    name: 'test_input_required_result_prompt',
    description: 'Asks the user before it answers',
    /** @param {any} _args @param {import('./tools.mjs').Call} call */
    get: async (_args, call) => {
      const { user_context } = await call.ask({
        user_context: elicitation('What context should the prompt use?', { context: { type: 'string' } }),
      });
      return [user(text(`Context: ${user_context.content?.context}`))];
    },
  },
];

/** @param {import('../world.mjs').World} world */
export const prompts = (world) => [
  ...PROMPTS,
  {
    name: 'test_changing_prompt',
    description: `Changed ${world.changes.prompts} times`,
    get: () => [user(text('unchanged'))],
  },
];

const WORDS = ['paris', 'park', 'party', 'test', 'testing'];

/** @param {string} value what the user typed so far */
export function complete(value) {
  const values = WORDS.filter((word) => word.startsWith(value));
  return { values, total: values.length, hasMore: false };
}
