import { describe, expect, it } from 'vitest';
import { readChallenge } from './challenge.ts';

describe('WWW-Authenticate (RFC 9110, 6750, 9728)', () => {
  it('is read with quotes, without, and among other schemes', () => {
    const url = 'https://mcp.example/.well-known/oauth-protected-resource';
    expect(readChallenge(`Bearer resource_metadata="${url}", scope="a b  a", error="insufficient_scope"`)).toEqual({
      resourceMetadata: url,
      scopes: ['a', 'b'],
      error: 'insufficient_scope',
    });
    expect(readChallenge('Basic realm="x, Bearer scope=y", bearer error=invalid_token')?.error).toBe('invalid_token');
    expect(readChallenge('Bearer, Basic realm="x"')).toEqual({});
    expect(readChallenge('Bearer')).toEqual({});
    expect(readChallenge('Bearer scope="a \\"b\\""')?.scopes).toEqual(['a', '"b"']);
    expect(readChallenge('DPoP error="x", Bearer scope="z", Bearer scope="later"')?.scopes).toEqual(['z']);
  });

  it('is none where nobody asks for a bearer token', () => {
    for (const header of [undefined, '', 'Basic realm="Bearer"', 'Negotiate abc=='])
      expect(readChallenge(header)).toBeUndefined();
  });

  it('takes no time, however long and broken it is', () => {
    const began = performance.now();
    readChallenge(`Bearer ${'a="'.repeat(5000)}`);
    readChallenge(`Bearer ${'a = '.repeat(5000)}`);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
