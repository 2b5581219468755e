import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Payload } from '../../core/payload.ts';
import { messagesOf } from './messages.ts';
import { withinLimit } from './result-limit.ts';

const en = messagesOf('en');
const text = (value: string) => ({ type: 'text', text: value });

describe('results within a limit (F-X11)', () => {
  it('what fits goes as it came, the very same', () => {
    const result = Payload.raw(Buffer.from('{"content":[{"type":"text","text":"1.0"}],"n":1.0}'));
    expect(withinLimit(result, 1000, en)).toBe(result);
  });

  it('structured content goes first, where the text says the same', () => {
    const result = Payload.of({ content: [text('short')], structuredContent: { a: 'x'.repeat(500) } });
    expect(withinLimit(result, 300, en).value).toEqual({ content: [text('short')] });
  });

  it('structured content alone becomes text', () => {
    const cut = withinLimit(Payload.of({ content: [], structuredContent: { a: 'x'.repeat(500) } }), 300, en).value;
    expect(JSON.stringify(cut)).toContain('{\\"a\\":\\"xxx');
  });

  it('large images are left out with a note, small ones and texts stay', () => {
    const image = (size: number) => ({ type: 'image', mimeType: 'image/png', data: 'A'.repeat(size) });
    const { content } = withinLimit(Payload.of({ content: [image(5000), image(50), text('hi')] }), 600, en).value;
    expect(content).toEqual([text('(image: too large for this device, left out)'), image(50), text('hi')]);
  });

  it('keeps isError when nothing else can be kept', () => {
    const result = Payload.of({ content: [text('x')], _meta: { huge: 'x'.repeat(5000) }, isError: true });
    const cut = withinLimit(result, 400, en).value;
    expect(cut).toMatchObject({ isError: true, content: [{ type: 'text' }] });
    expect(Object.keys(cut)).toEqual(['content', 'isError']);
  });

  it('never exceeds the limit, never cuts a character', () => {
    const content = fc.array(
      fc.record({ type: fc.constant('text'), text: fc.string({ unit: 'grapheme', maxLength: 400 }) }),
    );
    fc.assert(
      fc.property(content, fc.integer({ min: 200, max: 2000 }), (blocks, limit) => {
        const cut = withinLimit(Payload.of({ content: blocks }), limit, messagesOf('zh'));
        expect(cut.size).toBeLessThanOrEqual(limit);
        if (!JSON.stringify(blocks).includes('\ufffd')) expect(cut.bytes.toString()).not.toContain('\ufffd');
      }),
    );
  });
});
