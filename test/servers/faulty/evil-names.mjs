// F-L3: names that would do harm in a path, a header, a page or an object; one good tool among them.
import { serve } from './scaffold.mjs';

const NAMES = [
  '../../etc/passwd',
  'a\r\nX-Injected: 1',
  'nul\0byte',
  '',
  'x'.repeat(300),
  '__proto__',
  'constructor',
  '<script>alert(1)</script>',
  'two words',
  'slash/inside',
  'perc%2Fent',
  '工具',
  '.',
  '..',
  'good',
];
serve({ tools: () => NAMES.map((name) => ({ name, inputSchema: { type: 'object' } })) });
