// F-I25: asks the client something in the middle of a call and answers with what it was told.
// `method`: roots/list | sampling/createMessage | elicitation/create.
import { serve } from './scaffold.mjs';

const PARAMS = {
  'roots/list': {},
  'sampling/createMessage': {
    messages: [{ role: 'user', content: { type: 'text', text: 'Say hello' } }],
    maxTokens: 10,
  },
  'elicitation/create': {
    message: 'Your name?',
    requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
  },
};

serve({
  async call({ execute, ask, server, args }) {
    execute();
    const method = server.options.set.method ?? 'roots/list';
    const { result, error } = await ask(method, PARAMS[method]);
    return { content: [{ type: 'text', text: `${args.nonce} ${JSON.stringify(result ?? { error })}` }] };
  },
});
