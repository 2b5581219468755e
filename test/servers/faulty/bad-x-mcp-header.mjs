// F-L14: `x-mcp-header` as 2026-07-28 forbids it: empty, illegal, twice, on an object; one good tool with a right one.
import { serve } from './scaffold.mjs';

const tool = (name, properties) => ({ name, inputSchema: { type: 'object', properties } });
serve({
  tools: () => [
    tool('empty', { region: { type: 'string', 'x-mcp-header': '' } }),
    tool('illegal', { region: { type: 'string', 'x-mcp-header': 'Bad Name:' } }),
    tool('newline', { region: { type: 'string', 'x-mcp-header': 'A\r\nB' } }),
    tool('double', {
      a: { type: 'string', 'x-mcp-header': 'Region' },
      b: { type: 'string', 'x-mcp-header': 'region' },
    }),
    tool('object', { region: { type: 'object', 'x-mcp-header': 'Region' } }),
    tool('good', { region: { type: 'string', 'x-mcp-header': 'Region' } }),
  ],
});
