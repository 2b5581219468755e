// Every documented variable on a running gateway: `config explain` shows its value and names it, and it does what it says
// (requirements 8.2, 12.2).
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENVIRONMENT } from '../../src/config/environment.ts';
import { startGateway } from '../support/gateway.ts';
import { holdfast } from '../support/holdfast.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';

/** A value for each, and what `config explain` makes of it; where two set one key, the one that counts. */
const VALUES: Record<string, [value: string, path: string, shown: unknown] | undefined> = {
  MCPO_MONITOR_ENABLED: ['false', 'monitor.enabled', false],
  MCPO_MONITOR_INTERVAL: ['7', 'monitor.interval', 7_000],
  MCPO_MONITOR_WINDOW_SIZE: ['321', 'monitor.window', 321],
  MCPO_ERROR_RECOVERY_ENABLED: ['false', 'upstreams.u.recovery.enabled', false],
  MCPO_MAX_RECOVERY_ATTEMPTS: ['3', 'upstreams.u.recovery.call.retries', 2],
  MCPO_TOOL_MAX_RETRIES: ['1', 'upstreams.u.recovery.call.retries', 1],
  MCPO_CACHE_MAX_SIZE: ['77', 'cache.maxEntries', 77],
  MCPO_CACHE_DEFAULT_TTL: ['12', 'cache.ttl', 12_000],
  MCPO_CACHE_STRATEGY: ['lru', 'cache.strategy', 'lru'],
  MCPO_REQUEST_DEDUP_TTL: ['5', 'cache.coalesceWait', 5_000],
  MCPO_POOL_MAX_CONNECTIONS: ['6', 'upstreams.u.pool.max', 6],
  MCPO_POOL_MIN_CONNECTIONS: ['2', 'upstreams.u.pool.min', 2],
  MCPO_POOL_MAX_IDLE_TIME: ['40', 'upstreams.u.pool.idle', 40_000],
  MCPO_MAX_CONCURRENT: ['9', 'upstreams.u.limits.inFlight', 9],
  MCPO_RECONNECT_MAX_ATTEMPTS: ['8', 'upstreams.u.recovery.connect.quickAttempts', 8],
  MCPO_RECONNECT_MIN_INTERVAL: ['30', 'upstreams.u.recovery.connect.minInterval', 30_000],
  MCPO_RECONNECT_ERROR_THRESHOLD: ['3', 'upstreams.u.recovery.breaker.failures', 3],
  MCPO_CONNECTION_TIMEOUT: ['11', 'upstreams.u.timeouts.connect', 11_000],
  MCPO_LOG_LEVEL: ['WARNING', 'log.level', 'warn'],
  CONNECTION_TIMEOUT: ['1500ms', 'upstreams.u.timeouts.connect', 1_500],
  LOG_LEVEL: ['DEBUG', 'log.level', 'debug'],
  MCP_ENDPOINT: ['ws://127.0.0.1:9/?token=planted-endpoint-token', 'endpoints', undefined],
  PORT: ['8123', 'server.port', 8_123],
  HOST: ['127.0.0.1', 'server.host', '127.0.0.1'],
  ALLOWED_ORIGINS: ['https://a.example', 'server.allowedOrigins', ['https://a.example']],
};
/** Of two variables for one setting the second is not used while the first is there. */
const BESIDE = ['MCPO_MAX_RECOVERY_ATTEMPTS', 'MCPO_CONNECTION_TIMEOUT', 'MCPO_LOG_LEVEL'];
/** What names the variable for a value that comes by way of `defaults`. */
const upstreams = { u: faulty('healthy') };

describe('variables on a running gateway (8.2)', () => {
  it.each([
    ['all that count', (name: string) => !BESIDE.includes(name)],
    ['those that count less than another one, without it', (name: string) => BESIDE.includes(name)],
  ])('are named by `config explain`, with their values: %s', async (_which, wanted) => {
    const mine = Object.entries(VALUES).filter(([name]) => wanted(name));
    const env = Object.fromEntries(mine.map(([name, given]) => [name, given?.[0] as string]));
    await using gateway = await startGateway({ config: { upstreams }, env });
    await gateway.upstreamsIn();
    const home = gateway.dataDir;
    const explained = await holdfast(['config', 'explain', '--json', '--data-dir', gateway.dataDir], { home });
    expect(explained).toMatchObject({ code: 0, err: '' });
    const { values } = JSON.parse(explained.out) as {
      values: { path: string; value: unknown; source: string; name?: string }[];
    };
    for (const [name, given] of mine) {
      const [, path, shown] = given as [string, string, unknown];
      const found = values.find((one) => one.path === path);
      // The port of the command line, 0 in tests, counts more than that of a variable.
      if (name === 'PORT') expect([name, found?.source]).toEqual([name, 'flag']);
      else expect([name, found]).toEqual([name, expect.objectContaining({ source: 'environment', name })]);
      if (shown !== undefined && name !== 'PORT') expect([name, found?.value]).toEqual([name, shown]);
    }
    expect(explained.out).not.toContain('planted-endpoint-token');
  });

  it('are all of them tested here', () => {
    const elsewhere = ['HOLDFAST_DATA_DIR'];
    expect(new Set([...Object.keys(VALUES), ...elsewhere])).toEqual(new Set(ENVIRONMENT.map(({ name }) => name)));
  });

  it('HOLDFAST_CONFIG, HOLDFAST_DATA_DIR, HOLDFAST_API_KEY and HOLDFAST_SECRET_KEY_FILE do what they say (12.2, 10.14)', () =>
    withTempDir(async (home) => {
      const [file, dataDir, keyFile] = [join(home, 'mine.json'), join(home, 'state'), join(home, 'sealing.key')];
      await writeFile(file, JSON.stringify({ upstreams: { u: { ...faulty('healthy'), env: { T: '${secret:t}' } } } }));
      await writeFile(keyFile, 'a key that is mounted from somewhere else');
      const variables = { HOLDFAST_CONFIG: file, HOLDFAST_DATA_DIR: dataDir, HOLDFAST_SECRET_KEY_FILE: keyFile };
      const run = (args: string[], env: Record<string, string> = variables, stdin = '') =>
        holdfast(args, { home, env, stdin });
      expect(JSON.parse((await run(['config', 'path', '--json'])).out)).toMatchObject({
        file,
        by: 'HOLDFAST_CONFIG',
      });
      expect(await run(['secret', 'set', 't'], variables, 'value')).toMatchObject({ code: 0 });
      expect(JSON.parse((await run(['secret', 'list', '--json'])).out)).toMatchObject({ key: 'elsewhere' });
      await expect(stat(join(dataDir, 'secret-key'))).rejects.toThrow();
      await mkdir(join(home, 'other'));
      // No --config and no --data-dir: the port is all it is told.
      const { Program } = await import('../support/program.ts');
      const { MAIN } = await import('../support/holdfast.ts');
      await using program = new Program(process.execPath, {
        args: [MAIN, 'serve', '--port', '0'],
        cwd: join(home, 'other'),
        env: { PATH: process.env.PATH, HOME: home, ...variables, HOLDFAST_API_KEY: 'a-key-of-many-letters' },
      });
      const [, url = ''] = await program.line(/^holdfast ready (http\S+)/);
      expect((await fetch(`${url}/metrics`)).status).toBe(401);
      const headers = { authorization: 'Bearer a-key-of-many-letters' };
      await using client = new ModernHttpClient(`${url}/mcp/u`, { headers });
      expect(textOf(await client.call('write', { nonce: 'n' }))).toBe('n');
      expect(await readFile(join(dataDir, 'gateway.lock'), 'utf8')).toContain(url);
      const shown = await run(['config', 'explain', 'storage.dir']);
      expect(shown.out).toBe(`storage.dir = ${JSON.stringify(dataDir)}  (environment HOLDFAST_DATA_DIR)`);
      expect((await run(['call', 'u', 'write', '--args', '{"nonce":"m"}'])).out).toContain('m');
    }));
});
