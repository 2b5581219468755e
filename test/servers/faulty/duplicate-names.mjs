// F-L4: the same name twice, with different definitions.
import { serve } from './scaffold.mjs';

const tool = (description) => ({ name: 'twice', description, inputSchema: { type: 'object' } });
serve({ tools: () => [tool('the first'), tool('the second'), { name: 'once', inputSchema: { type: 'object' } }] });
