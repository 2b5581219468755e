// Session ids that hold their session: nobody can forge one, and none outlives its time (requirements 10.18, F-C10).
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { claimed, SESSION_MAX_AGE, SessionIds } from './session-id.ts';
import { type KeptSessions, SessionStates } from './session-states.ts';

const key = randomBytes(32);
const keysOf = (...all: [Buffer, ...Buffer[]]) => ({ signing: all[0], all });
const session = {
  revision: '2025-11-25',
  capabilities: { roots: {} },
  info: { name: 'c', version: '1' },
  principal: 'local',
  view: 'converged',
};

describe('SessionIds (10.18)', () => {
  it('come back as what they were issued for, in another process too', () => {
    const { id, claims } = new SessionIds(keysOf(key)).issue(session);
    expect(claims).toMatchObject(session);
    expect(new SessionIds(keysOf(key)).verify(id)).toEqual(claims);
    expect(new SessionIds(keysOf(key)).verify(id)).toMatchObject(session);
  });

  it('hold at least 128 random bits, in visible ASCII, within 1 KB, whatever the client calls itself', () => {
    const text = fc.oneof(
      fc.constantFrom('\u0001'.repeat(200), '你'.repeat(200)),
      fc.string({ unit: 'binary', maxLength: 300 }),
    );
    // As a client sends them: JSON has no -0.
    const capabilities = fc
      .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true })
      .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, never>);
    fc.assert(
      fc.property(
        text,
        text,
        capabilities,
        fc.constantFrom('local', 'a key of a team', '钥匙'.repeat(20), '\u0002'.repeat(500)),
        (name, version, declared, principal) => {
          const kept = new Map<string, JsonObject>();
          const { id, claims } = new SessionIds(keysOf(key), kept).issue({
            ...session,
            info: { name, version },
            capabilities: declared,
            principal,
          });
          expect(id).toMatch(/^[\x21-\x7e]{1,1024}$/);
          expect(Buffer.from(claims.nonce, 'base64url').length).toBe(16);
          const read = new SessionIds(keysOf(key), kept).verify(id);
          expect(read).toMatchObject({ nonce: claims.nonce, principal: claimed(principal), view: session.view });
          expect(read?.capabilities).toEqual(JSON.parse(JSON.stringify(declared)));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keep capabilities that are too long by their hash, and do without where it is not known', () => {
    const capabilities = { experimental: { text: 'x'.repeat(5_000) } };
    const kept = new Map<string, JsonObject>();
    const { id } = new SessionIds(keysOf(key), kept).issue({ ...session, capabilities });
    expect(id.length).toBeLessThanOrEqual(1024);
    expect([...kept.values()]).toEqual([capabilities]);
    expect(new SessionIds(keysOf(key), kept).verify(id)?.capabilities).toEqual(capabilities);
    expect(new SessionIds(keysOf(key)).verify(id)?.capabilities).toEqual({});
  });

  it('a thousand never repeat', () => {
    const ids = new SessionIds(keysOf(key));
    const nonces = Array.from({ length: 1_000 }, () => ids.issue(session).claims.nonce);
    expect(new Set(nonces).size).toBe(1_000);
  });

  it('are refused when forged, cut, extended or changed in any place', () => {
    const { id } = new SessionIds(keysOf(key)).issue(session);
    const ids = new SessionIds(keysOf(key));
    const forge = (claims: unknown) =>
      `${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${id.split('.')[1]}`;
    const wrong = [
      '',
      '.',
      'x',
      'a.b',
      '..',
      `${id}x`,
      `${id}.`,
      `.${id}`,
      id.slice(1),
      id.slice(0, -1),
      id.split('.')[0] as string,
      id.repeat(5),
    ];
    for (const one of [
      ...wrong,
      forge(['n', 1e12, '2025-11-25', {}, '', '', 'admin', 'converged']),
      forge(null),
      forge(5),
    ]) {
      expect([one, ids.verify(one)]).toEqual([one, undefined]);
    }
    fc.assert(
      fc.property(fc.nat(id.length - 1), fc.constantFrom(...'AZaz09-_.!'.split('')), (at, char) => {
        const changed = id.slice(0, at) + char + id.slice(at + 1);
        // The last character of each part has bits that mean nothing in base64url; the text has to be the same.
        if (changed !== id) expect(ids.verify(changed)).toBeUndefined();
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        expect(ids.verify(any)).toBeUndefined();
      }),
    );
  });

  it('of another gateway are not ours', () => {
    const { id } = new SessionIds(keysOf(randomBytes(32))).issue(session);
    expect(new SessionIds(keysOf(key)).verify(id)).toBeUndefined();
  });

  it('two keys are valid during a rotation; the new one signs', () => {
    const next = randomBytes(32);
    const old = new SessionIds(keysOf(key)).issue(session).id;
    const rotated = new SessionIds(keysOf(next, key));
    expect(rotated.verify(old)).toBeDefined();
    const fresh = rotated.issue(session).id;
    expect(new SessionIds(keysOf(key)).verify(fresh)).toBeUndefined();
    expect(new SessionIds(keysOf(next)).verify(fresh)).toBeDefined();
    expect(new SessionIds(keysOf(next)).verify(old)).toBeUndefined();
  });

  it('end after 30 days, also the ones in use', () => {
    let now = 1_000_000_000_000;
    const ids = new SessionIds(keysOf(key), new Map(), () => now);
    const { id } = ids.issue(session);
    now += SESSION_MAX_AGE * 1000;
    expect(ids.verify(id)).toBeDefined();
    now += 2_000;
    expect(ids.verify(id)).toBeUndefined();
    expect(new SessionIds(keysOf(key), new Map(), () => now).verify(id)).toBeUndefined();
  });

  it('5,000 idle ones are not kept, and the first is still valid (F-C8)', () => {
    const ids = new SessionIds(keysOf(key));
    const issued = ids.issue(session).id;
    for (let index = 0; index < 5_000; index++) ids.issue(session);
    expect(ids.verify(issued)).toMatchObject(session);
  });
});

describe('SessionStates (10.18)', () => {
  const store = (kept?: KeptSessions) => {
    let last = kept;
    return {
      load: () => last,
      save: (read: () => KeptSessions) => {
        last = JSON.parse(JSON.stringify(read())) as KeptSessions;
      },
      get kept() {
        return last;
      },
    };
  };

  it('keep nothing of a session that has set nothing', () => {
    const file = store();
    const states = new SessionStates(file);
    expect([states.of('n').logLevel, [...states.of('n').subscriptions]]).toEqual([undefined, []]);
    expect(file.kept).toBeUndefined();
    states.of('n').addSubscription('x://1');
    states.of('n').removeSubscription('x://1');
    expect(file.kept?.states).toEqual({});
  });

  it('keep level and subscriptions over a restart, until 30 days are over', () => {
    const file = store();
    const before = new SessionStates(file);
    before.of('n').setLogLevel('warning');
    before.of('n').addSubscription('x://1');
    const after = new SessionStates(file);
    expect(after.of('n').logLevel).toBe('warning');
    expect([...after.of('n').subscriptions]).toEqual(['x://1']);
    for (const state of Object.values(file.kept?.states ?? {})) state.expires = Date.now() / 1000 - 1;
    expect(new SessionStates(file).of('n').logLevel).toBeUndefined();
  });

  it('keep a revocation over a restart, until 30 days are over', () => {
    const file = store();
    const states = new SessionStates(file);
    states.of('n').addSubscription('x://1');
    expect(states.revoke('n')).toEqual(['x://1']);
    expect(new SessionStates(file).isRevoked('n')).toBe(true);
    expect(new SessionStates(file).of('n').subscriptions.size).toBe(0);
    for (const nonce of Object.keys(file.kept?.revoked ?? {}))
      (file.kept as KeptSessions).revoked[nonce] = Date.now() / 1000 - 1;
    expect(new SessionStates(file).isRevoked('n')).toBe(false);
  });

  it('keep long capabilities over a restart although the session sets nothing else', () => {
    const file = store();
    const states = new SessionStates(file);
    const capabilities = { experimental: { text: 'x'.repeat(5_000) } };
    const { id } = new SessionIds(keysOf(key), states.capabilities).issue({ ...session, capabilities });
    const after = new SessionStates(file);
    expect(new SessionIds(keysOf(key), after.capabilities).verify(id)?.capabilities).toEqual(capabilities);
  });

  it('bound the long capabilities that are kept: a client cannot fill the disk', () => {
    // Nothing is written: the whole of it each time would be what takes the time.
    const states = new SessionStates({ load: () => undefined, save: () => undefined });
    const ids = new SessionIds(keysOf(key), states.capabilities);
    for (let index = 0; index < 1_100; index++)
      ids.issue({ ...session, capabilities: { [`x${index}`]: 'x'.repeat(1_000) } });
    expect([...states.capabilities.keys()].length).toBeLessThanOrEqual(1_000);
  });
});
