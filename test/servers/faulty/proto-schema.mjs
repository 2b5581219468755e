// F-L13: `__proto__` as a property in a schema; as text, since an object literal would lose it.
import { serve } from './scaffold.mjs';

const schema = JSON.parse(
  '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"object"}},"__proto__":{"polluted":true}}',
);
serve({
  tools: () => [
    { name: 'polluter', inputSchema: schema },
    { name: 'good', inputSchema: { type: 'object' } },
  ],
});
