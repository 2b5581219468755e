import { describe, expect, it } from 'vitest';
import { ENVIRONMENT } from './environment.ts';
import { loadConfig } from './load.ts';
import type { Config } from './schema.ts';

const FILE = '{"upstreams":{"a":{"command":"x"}}}';

async function load(env: Record<string, string>, text = FILE): Promise<Config> {
  const result = await loadConfig({ text, file: 'holdfast.json', env });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const upstream = (read: (upstream: Config['upstreams'][string]) => unknown) => (config: Config) =>
  read(config.upstreams.a as Config['upstreams'][string]);

/** Variable, value, where its effect shows, what it is then. */
const EFFECTS: [string, string, (config: Config) => unknown, unknown][] = [
  ['MCPO_MONITOR_ENABLED', 'false', (config) => config.monitor.enabled, false],
  ['MCPO_MONITOR_INTERVAL', '10', (config) => config.monitor.interval, 10_000],
  ['MCPO_MONITOR_WINDOW_SIZE', '500', (config) => config.monitor.window, 500],
  ['MCPO_ERROR_RECOVERY_ENABLED', 'false', upstream((a) => a.recovery.enabled), false],
  ['MCPO_MAX_RECOVERY_ATTEMPTS', '2', upstream((a) => a.recovery.call.retries), 1],
  ['MCPO_TOOL_MAX_RETRIES', '0', upstream((a) => a.recovery.call.retries), 0],
  ['MCPO_CACHE_MAX_SIZE', '77', (config) => config.cache.maxEntries, 77],
  ['MCPO_CACHE_DEFAULT_TTL', '12', (config) => config.cache.ttl, 12_000],
  ['MCPO_CACHE_STRATEGY', 'lru', (config) => config.cache.strategy, 'lru'],
  ['MCPO_REQUEST_DEDUP_TTL', '5', (config) => config.cache.coalesceWait, 5000],
  ['MCPO_POOL_MAX_CONNECTIONS', '1', upstream((a) => [a.pool.max, a.pool.min]), [1, 1]],
  ['MCPO_POOL_MIN_CONNECTIONS', '3', upstream((a) => a.pool.min), 3],
  ['MCPO_POOL_MAX_IDLE_TIME', '40', upstream((a) => a.pool.idle), 40_000],
  ['MCPO_MAX_CONCURRENT', '6', upstream((a) => a.limits.inFlight), 6],
  ['MCPO_RECONNECT_MAX_ATTEMPTS', '9', upstream((a) => a.recovery.connect.quickAttempts), 9],
  ['MCPO_RECONNECT_MIN_INTERVAL', '30', upstream((a) => a.recovery.connect.minInterval), 30_000],
  ['MCPO_RECONNECT_ERROR_THRESHOLD', '3', upstream((a) => a.recovery.breaker.failures), 3],
  ['MCPO_CONNECTION_TIMEOUT', '11', upstream((a) => a.timeouts.connect), 11_000],
  ['CONNECTION_TIMEOUT', '1500ms', upstream((a) => a.timeouts.connect), 1500],
  ['MCPO_LOG_LEVEL', 'WARNING', (config) => config.log.level, 'warn'],
  ['LOG_LEVEL', 'CRITICAL', (config) => config.log.level, 'fatal'],
  ['HOLDFAST_DATA_DIR', '/var/lib/holdfast', (config) => config.storage.dir, '/var/lib/holdfast'],
  ['PORT', '0', (config) => config.server.port, 0],
  ['HOST', '::1', (config) => config.server.host, '::1'],
  ['MCP_ENDPOINT', 'ws://h/?token=t', (config) => config.endpoints.map(({ url }) => url), ['ws://h/?token=t']],
  ['ALLOWED_ORIGINS', 'https://a.example, https://b.example', (config) => config.server.allowedOrigins.length, 2],
];

describe('environment variables (8.2, 2.7)', () => {
  it.each(EFFECTS)('%s=%s takes effect', async (name, value, read, expected) => {
    expect(read(await load({}))).not.toEqual(expected);
    expect(read(await load({ [name]: value }))).toEqual(expected);
  });

  it('are all of them tested above (X-25)', () => {
    expect(new Set(EFFECTS.map(([name]) => name))).toEqual(new Set(ENVIRONMENT.map(({ name }) => name)));
  });

  it('of mcpo count less than the file, the plain ones more', async () => {
    const text = '{"log":{"level":"debug"},"server":{"port":81},"cache":{"maxEntries":5}}';
    const config = await load({ MCPO_LOG_LEVEL: 'ERROR', MCPO_CACHE_MAX_SIZE: '6', PORT: '82' }, text);
    expect([config.log.level, config.cache.maxEntries, config.server.port]).toEqual(['debug', 5, 82]);
    expect((await load({ LOG_LEVEL: 'ERROR' }, text)).log.level).toBe('error');
  });

  it('take the smaller of two numbers of retries; attempts count the first one', async () => {
    const both = { MCPO_MAX_RECOVERY_ATTEMPTS: '3', MCPO_TOOL_MAX_RETRIES: '1' };
    expect((await load(both)).upstreams.a?.recovery.call.retries).toBe(1);
  });

  it('that make no sense are ignored and told', async () => {
    const result = await loadConfig({ text: FILE, file: 'f', env: { PORT: 'tcp://10.0.0.1:80', LOG_LEVEL: '' } });
    expect(result).toMatchObject({
      ok: true,
      config: { server: { port: 8000 } },
      warnings: [{ file: 'environment variable PORT' }],
    });
  });
});
