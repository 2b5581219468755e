// F-L8: a pattern that takes for ever on the right text: `aaaa…a!`.
import { serve } from './scaffold.mjs';

serve({
  tools: () => [
    {
      name: 'slow-pattern',
      inputSchema: { type: 'object', properties: { text: { type: 'string', pattern: '^(a+)+$' } } },
    },
    { name: 'good', inputSchema: { type: 'object' } },
  ],
});
