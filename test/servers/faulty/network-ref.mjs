// F-L7: a schema that points to `url`, a canary of the test that counts who comes.
import { serve } from './scaffold.mjs';

serve({
  tools: (_, { options }) => [
    {
      name: 'remote',
      inputSchema: { type: 'object', properties: { thing: { $ref: options.set.url ?? 'http://127.0.0.1:9/schema' } } },
    },
    { name: 'good', inputSchema: { type: 'object' } },
  ],
});
