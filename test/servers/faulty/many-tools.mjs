// F-L1: `n` (10,000) tools, flat or in pages of `page`.
import { serve } from './scaffold.mjs';

const toolOf = (index) => ({
  name: `tool_${String(index).padStart(5, '0')}`,
  description: `Looks something up in collection ${index} and returns the entries that match.`,
  inputSchema: { type: 'object', properties: { nonce: { type: 'string' }, filter: { type: 'string' } } },
});
serve({
  tools(cursor, { options }) {
    const { n = 10_000, page = n } = options.set;
    const from = Number(cursor ?? 0);
    const to = Math.min(n, from + page);
    const tools = Array.from({ length: to - from }, (_, index) => toolOf(from + index));
    return { tools, ...(to < n && { nextCursor: String(to) }) };
  },
});
