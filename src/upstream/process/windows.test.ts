import { describe, expect, it } from 'vitest';
import { isShim, quoteForCmd, shimCommand } from './windows.ts';

describe('Windows shims (10.32)', () => {
  it('quotes for the program, then escapes for cmd', () => {
    expect(quoteForCmd('plain', false)).toBe('^"plain^"');
    expect(quoteForCmd('a "b" c', false)).toBe('^"a^ \\^"b\\^"^ c^"');
    expect(quoteForCmd('C:\\dir\\', false)).toBe('^"C:\\dir\\\\^"');
    expect(quoteForCmd('50% & more', false)).toBe('^"50^%^ ^&^ more^"');
    expect(quoteForCmd('&', true)).toBe('^^^"^^^&^^^"');
  });

  it('runs a shim through cmd.exe and nothing else', () => {
    expect(isShim('C:\\x\\npx.CMD')).toBe(true);
    expect(isShim('C:\\x\\node.exe')).toBe(false);
    expect(shimCommand('C:\\x\\npx.cmd', ['-y', 'a b'], 'cmd.exe')).toEqual({
      file: 'cmd.exe',
      args: ['/d', '/s', '/c', '"C:\\x\\npx.cmd ^"-y^" ^"a^ b^""'],
    });
  });
});
