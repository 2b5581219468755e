// F-L6: schemas that refer to themselves, through definitions and directly.
import { serve } from './scaffold.mjs';

const node = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } } };
serve({
  tools: () => [
    { name: 'tree', inputSchema: { type: 'object', properties: { root: { $ref: '#/$defs/node' } }, $defs: { node } } },
    { name: 'itself', inputSchema: { type: 'object', properties: { again: { $ref: '#' } } } },
    {
      name: 'circle',
      inputSchema: {
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
      },
    },
  ],
});
