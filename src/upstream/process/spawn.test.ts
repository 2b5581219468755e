import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GatewayFault } from '../../core/fault.ts';
import { checkDescriptors, freeDescriptors } from './descriptors.ts';
import { launch, planSpawn, spawnFailure } from './spawn.ts';

const silent = (): void => undefined;
const plan = (args: string[]) => planSpawn('u', { command: 'true', args }, 'tag', silent);
const fault = async (promise: Promise<unknown>): Promise<GatewayFault> => {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GatewayFault);
  return thrown as GatewayFault;
};

describe('spawn', () => {
  it('F-P12 tries again what the system refuses for the moment, and only that', () => {
    const of = (code: string): unknown =>
      spawnFailure({ upstream: 'u', file: '/bin/x' }, Object.assign(new Error(`spawn ${code}`), { code })).data;
    for (const errno of ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'])
      expect(of(errno)).toMatchObject({ errno, permanent: false });
    for (const errno of ['ENOENT', 'EACCES', 'E2BIG', 'ENOEXEC'])
      expect(of(errno)).toMatchObject({ errno, permanent: true });
  });

  it('tells arguments that are too long or cannot be passed', async () => {
    const long = await fault(launch(await plan(['x'.repeat(3_000_000)]), silent));
    expect(long.data).toMatchObject({ errno: 'E2BIG', permanent: true });
    const zero = await fault(launch(await plan(['a\0b']), silent));
    expect([zero.fault, zero.data?.permanent]).toEqual(['UPSTREAM_START_FAILED', true]);
  });

  it.runIf(existsSync('/usr/bin/prlimit'))('puts the child under the limits that are set', async () => {
    const supervisor = { limits: { openFiles: 77, addressSpace: 500_000_000 } };
    const config = { command: 'sh', args: ['-c', 'ulimit -n; ulimit -v; echo $$'], supervisor };
    const child = await launch(await planSpawn('u', config, 'tag', silent), silent);
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(child, 'close');
    // Launchers become the child: its pid is the one we know.
    expect(said.split('\n')).toEqual(['77', String(Math.floor(500_000_000 / 1024)), String(child.pid), '']);
  });

  it('starts nothing when the last descriptors would go', () => {
    expect(freeDescriptors()).toBeGreaterThan(0);
    expect(() => checkDescriptors('u', 64)).not.toThrow();
    expect(() => checkDescriptors('u', undefined)).not.toThrow();
    expect(() => checkDescriptors('u', 63)).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ permanent: false }) }),
    );
  });
});
