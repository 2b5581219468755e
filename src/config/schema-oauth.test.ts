import { describe, expect, it } from 'vitest';
import { parseConfig } from './load.ts';
import { secretsOf } from './secrets.ts';

const parse = (oauth: object, server?: object) =>
  parseConfig(
    { upstreams: { up: { url: 'https://mcp.example/mcp', oauth } }, ...(server !== undefined && { server }) },
    { env: { SECRET: 'the-secret-of-the-client' } },
  );

describe('the settings of OAuth (8.2)', () => {
  it.each(['http://login.example', 'login.example', 'ftp://login.example'])('refuse the issuer %s', (issuer) => {
    for (const result of [parse({ issuer }), parse({}, { oauth: { issuer } })]) {
      expect(result.ok).toBe(false);
      if (!result.ok) expect(result.problems[0]?.message).toContain('https://');
    }
  });

  it('take one of this machine, and are on without being written', () => {
    const result = parse({ issuer: 'http://127.0.0.1:9' });
    expect(result.ok && result.config.upstreams.up?.oauth).toMatchObject({
      enabled: true,
      grant: 'authorization_code',
      storage: 'file',
      allowLoopback: false,
      trustedHosts: [],
    });
  });

  it('hide secrets, written or referred to (X-51)', () => {
    const result = parse({ clientId: 'me', clientSecret: '${env:SECRET}' });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.config.upstreams.up?.oauth.clientSecret).toBe('the-secret-of-the-client');
    expect(secretsOf(result.config)).toContain('the-secret-of-the-client');
    const written = parse({ clientSecret: 'written-in-the-file' });
    expect(written.ok && secretsOf(written.config)).toContain('written-in-the-file');
  });
});
