import { describe, expect, it } from 'vitest';
import { GatewayFault } from '../../core/fault.ts';
import { childEnvironment } from './environment.ts';

const OURS = {
  PATH: '/bin',
  HOME: '/home/u',
  LC_ALL: 'C',
  https_proxy: 'http://p',
  SECRET: 's',
  HOLDFAST_API_KEY: 'k',
};

describe('childEnvironment (10.30, X-51)', () => {
  it('passes the named few, and what env and inheritEnv add', () => {
    const { env, origins } = childEnvironment(
      'u',
      { env: { A: '1', HOME: '/tmp' }, inheritEnv: ['SECRET', 'ABSENT'] },
      {},
      OURS,
    );
    expect(env).toEqual({ PATH: '/bin', HOME: '/tmp', LC_ALL: 'C', https_proxy: 'http://p', SECRET: 's', A: '1' });
    expect(origins).toEqual({
      PATH: 'inherited',
      HOME: 'env',
      LC_ALL: 'inherited',
      https_proxy: 'inherited',
      SECRET: 'inheritEnv',
      A: 'env',
    });
  });

  it('passes everything on "all", but never what configures the gateway', () => {
    const { env } = childEnvironment('u', { inheritEnv: 'all' }, {}, OURS);
    expect(env.SECRET).toBe('s');
    expect(env.HOLDFAST_API_KEY).toBeUndefined();
  });

  it('adds our own last, so that nothing overwrites it', () => {
    expect(childEnvironment('u', { env: { TAG: 'x' } }, { TAG: 'ours' }, OURS).env.TAG).toBe('ours');
  });

  it('C-23 is the same at every start', () => {
    const config = { env: { B: '2' }, inheritEnv: ['SECRET'] };
    expect(childEnvironment('u', config, {}, OURS)).toEqual(childEnvironment('u', config, {}, OURS));
    expect(OURS).toHaveProperty('HOLDFAST_API_KEY');
  });

  it('C-20 F-P13 names every missing or empty variable, and no value', () => {
    const refused = (): unknown =>
      childEnvironment('u', { env: { B: '', C: 'value-c' }, requiredEnv: ['A', 'B', 'C'] }, {}, OURS);
    expect(refused).toThrow(GatewayFault);
    expect(refused).toThrow(/upstream "u" needs variables .*: A, B$/);
    expect(refused).not.toThrow(/value-c/);
  });

  it('says how to pass on a required variable that only the gateway has', () => {
    const refused = (): unknown => childEnvironment('u', { requiredEnv: ['SECRET'] }, {}, OURS);
    expect(refused).toThrow(
      expect.objectContaining({ fault: 'UPSTREAM_START_FAILED', hint: expect.stringContaining('inheritEnv') }),
    );
    expect(childEnvironment('u', { requiredEnv: ['SECRET'], inheritEnv: ['SECRET'] }, {}, OURS).env.SECRET).toBe('s');
  });

  it('gives a child on Windows what no program there starts without', () => {
    expect(childEnvironment('u', {}, {}, { SystemRoot: 'C:\\Windows', X: '1' }, 'win32').env).toEqual({
      SystemRoot: 'C:\\Windows',
    });
  });
});
