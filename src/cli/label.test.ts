import { expect, it } from 'vitest';
import { padded } from './columns.ts';
import { label } from './label.ts';
import { ZH } from './words-zh.ts';

it('labels of a start are as wide as columns.ts makes them, in both languages (10.33)', () => {
  for (const word of ['MCP', 'one server', 'OpenAPI', 'health', 'state', 'dashboard'])
    for (const text of [word, ZH[word] ?? word]) expect(label(text)).toBe(padded(text, 10));
});
