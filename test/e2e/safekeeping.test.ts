// Where values come from, former versions and backups, by the command line: with a gateway and without one.
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { holdfast } from '../support/command.ts';
import { startGateway } from '../support/gateway.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait.ts';

const upstream = (token: string) => ({
  upstreams: { one: { command: 'true', enabled: false, env: { TOKEN: token }, timeouts: { call: '7s' } } },
});

it(
  'config explain, history and rollback; backup while it runs, restore when it does not (8.2, F-K10, C-63)',
  () =>
    withTempDir(async (folder) => {
      const dataDir = join(folder, 'data');
      const gateway = await startGateway({
        config: upstream('planted-first-token'),
        dataDir,
        env: { MCPO_MAX_CONCURRENT: '5' },
      });
      const run = (...args: string[]) =>
        holdfast([...args, '--config', gateway.configPath, '--data-dir', dataDir], {
          env: { MCPO_MAX_CONCURRENT: '5' },
        });
      const explained = (await run('config', 'explain')).stdout;
      expect(explained).toContain(`upstreams.one.timeouts.call = 7000  (file ${gateway.configPath})`);
      expect(explained).toContain('upstreams.one.env.TOKEN = "***"  (file ');
      expect(explained).toContain('upstreams.one.limits.inFlight = 5  (environment MCPO_MAX_CONCURRENT)');
      expect((await run('config', 'explain', 'upstreams.one.timeouts')).stdout).toMatch(
        /timeouts\.dial = \d+ {2}\(default\)/,
      );
      expect((await run('config', 'explain', 'nowhere')).code).toBe(2);

      await gateway.writeConfig(upstream('planted-second-token'));
      await waitFor(async () => (await run('config', 'history')).stdout.includes('the file has changed'), {
        within: 10_000,
      });
      expect((await run('config', 'rollback', '1')).stdout).toMatch(/version 1 is in force again, as version 3/);

      const file = join(folder, 'kept.backup');
      expect((await run('backup', file)).code).toBe(0);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await run('backup', file)).code).toBe(1);
      expect((await run('restore', file)).stderr).toMatch(/runs on .*; stop it first/);
      await gateway.stop();

      const other = join(folder, 'other');
      const restore = (...args: string[]) => holdfast(['restore', ...args, '--data-dir', other]);
      expect((await restore(file, '--dry-run')).stdout).toMatch(/would be written/);
      await expect(stat(other)).rejects.toThrow(/ENOENT/);
      expect((await restore(file)).code).toBe(0);
      const config = join(folder, 'holdfast.json');
      await writeFile(config, '{"upstreams":{}}');
      const again = await holdfast(['config', 'history', '--config', config, '--data-dir', other]);
      expect(again.stdout).toMatch(/back to version 1/);
      expect((await stat(join(other, 'admin-token'))).mode & 0o777).toBe(0o600);
      await writeFile(file, 'no backup');
      expect((await restore(file)).stderr).toMatch(/cannot be read as a backup/);
    }),
  90_000,
);
