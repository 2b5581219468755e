// F-L5: input schemas that are none; one good tool among them.
import { serve } from './scaffold.mjs';

serve({
  tools: () => [
    { name: 'null-schema', inputSchema: null },
    { name: 'array-schema', inputSchema: [] },
    { name: 'no-schema' },
    { name: 'text-schema', inputSchema: 'object' },
    { name: 'invalid-type', inputSchema: { type: 'nothing-known' } },
    { name: 'invalid-keyword', inputSchema: { type: 'object', properties: 7, required: 'all' } },
    { inputSchema: { type: 'object' } },
    { name: 42, inputSchema: { type: 'object' } },
    null,
    { name: 'good', inputSchema: { type: 'object' } },
  ],
});
