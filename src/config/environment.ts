// Environment variables that set something (requirements 8.2). Those of mcpo count less than the file, as they were
// written for another program; the plain ones count more, as they are given for this very start.
import { resolve } from 'node:path';
import type { JsonObject } from '../core/json.ts';
import type { Layer } from './layers.ts';
import type { Problem } from './problem.ts';
import { LONGEST_DURATION, parseDuration } from './units.ts';

export interface EnvironmentLayers {
  /** Laid under the file. */
  below: Layer[];
  /** Laid over the file. */
  above: Layer[];
  /** Variables whose values could not be used; they are ignored. */
  warnings: Problem[];
}

interface Variable {
  name: string;
  /** The native key it sets. */
  key: string;
  /** Gives native keys, or undefined if the value makes no sense. */
  read(value: string): JsonObject | undefined;
  above?: true;
}

const truth = (value: string): boolean | undefined => {
  if (/^(?:true|1|yes|on)$/i.test(value)) return true;
  return /^(?:false|0|no|off)$/i.test(value) ? false : undefined;
};
const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (value: string) => {
    const number = /^\d+$/.test(value) ? Number(value) : undefined;
    return number !== undefined && number >= least && number <= most ? number : undefined;
  };
/** Seconds, as these variables always were; a unit may be given. `least` is in milliseconds. */
const time = (least: number) => (value: string) => {
  const ms = parseDuration(/^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value);
  return ms !== undefined && ms >= least && ms <= LONGEST_DURATION ? `${ms}ms` : undefined;
};
const LEVELS: Readonly<Record<string, string>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
  fatal: 'fatal',
  silent: 'silent',
};
const level = (value: string) => LEVELS[value.toLowerCase()];
const strategy = (value: string) => (['lru', 'ttl', 'lru_ttl'].includes(value) ? value : undefined);

/** A variable that sets one key. */
function sets<T>(name: string, path: string, read: (value: string) => T | undefined, above?: true): Variable {
  return {
    name,
    key: path,
    read: (value) => {
      const result = read(value);
      if (result === undefined) return undefined;
      return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), result) as JsonObject;
    },
    ...(above && { above }),
  };
}

const VARIABLES: readonly Variable[] = [
  sets('MCPO_MONITOR_ENABLED', 'monitor.enabled', truth),
  sets('MCPO_MONITOR_INTERVAL', 'monitor.interval', time(1)),
  sets('MCPO_MONITOR_WINDOW_SIZE', 'monitor.window', whole(10, 100_000)),
  sets('MCPO_ERROR_RECOVERY_ENABLED', 'defaults.recovery.enabled', truth),
  sets('MCPO_CACHE_MAX_SIZE', 'cache.maxEntries', whole(1)),
  sets('MCPO_CACHE_DEFAULT_TTL', 'cache.ttl', time(1)),
  sets('MCPO_CACHE_STRATEGY', 'cache.strategy', strategy),
  sets('MCPO_REQUEST_DEDUP_TTL', 'cache.coalesceWait', time(1)),
  sets('MCPO_POOL_MAX_CONNECTIONS', 'defaults.pool.max', whole(1)),
  sets('MCPO_POOL_MIN_CONNECTIONS', 'defaults.pool.min', whole(0)),
  sets('MCPO_POOL_MAX_IDLE_TIME', 'defaults.pool.idle', time(1)),
  sets('MCPO_MAX_CONCURRENT', 'defaults.limits.inFlight', whole(1)),
  sets('MCPO_RECONNECT_MAX_ATTEMPTS', 'defaults.recovery.connect.quickAttempts', whole(0)),
  sets('MCPO_RECONNECT_MIN_INTERVAL', 'defaults.recovery.connect.minInterval', time(0)),
  sets('MCPO_RECONNECT_ERROR_THRESHOLD', 'defaults.recovery.breaker.failures', whole(1)),
  sets('MCPO_CONNECTION_TIMEOUT', 'defaults.timeouts.connect', time(1)),
  sets('MCPO_LOG_LEVEL', 'log.level', level),
  sets('CONNECTION_TIMEOUT', 'defaults.timeouts.connect', time(1), true),
  sets('LOG_LEVEL', 'log.level', level, true),
  sets('MCP_ENDPOINT', 'endpoints', (value) => [value], true),
  sets('PORT', 'server.port', whole(0, 65_535), true),
  sets('HOST', 'server.host', (value) => value, true),
  // A path in a variable belongs to whoever set it, not to the folder of the file.
  sets('HOLDFAST_DATA_DIR', 'storage.dir', (value) => resolve(value), true),
  sets(
    'ALLOWED_ORIGINS',
    'server.allowedOrigins',
    (value) => value.split(/[\s,]+/).filter((origin) => origin !== ''),
    true,
  ),
];

/** All variables read here, for `config explain` and the reference; `above`: they count more than the file. */
export const ENVIRONMENT: readonly { name: string; key: string; above: boolean }[] = [
  ...VARIABLES.map(({ name, key, above }) => ({ name, key, above: above === true })),
  { name: 'MCPO_MAX_RECOVERY_ATTEMPTS', key: 'defaults.recovery.call.retries', above: false },
  { name: 'MCPO_TOOL_MAX_RETRIES', key: 'defaults.recovery.call.retries', above: false },
];

/** The settings that the environment makes, as layers. Empty variables count as unset. */
export function applyEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentLayers {
  const result: EnvironmentLayers = { below: [], above: [], warnings: [] };
  const given = (name: string) => {
    const value = env[name]?.trim();
    return value === '' ? undefined : value;
  };
  const ignored = (name: string) =>
    result.warnings.push({
      file: `environment variable ${name}`,
      path: '',
      message: 'this value makes no sense; ignored',
    });
  for (const { name, read, above } of VARIABLES) {
    const value = given(name);
    if (value === undefined) continue;
    const input = read(value);
    if (input === undefined) ignored(name);
    else (above ? result.above : result.below).push({ origin: { source: 'environment', name }, input });
  }
  const retries = fewestRetries(given, ignored);
  if (retries !== undefined) result.below.push(retries);
  return result;
}

/** Two variables for one setting, one of them counting attempts: the smaller number of retries wins. */
function fewestRetries(
  given: (name: string) => string | undefined,
  ignored: (name: string) => void,
): Layer | undefined {
  const choices: { name: string; retries: number }[] = [];
  const choose = (name: string, least: number, offset: number) => {
    const value = given(name);
    if (value === undefined) return;
    const number = whole(least)(value);
    if (number === undefined) ignored(name);
    else choices.push({ name, retries: Math.min(number - offset, 10) });
  };
  choose('MCPO_MAX_RECOVERY_ATTEMPTS', 1, 1);
  choose('MCPO_TOOL_MAX_RETRIES', 0, 0);
  const [fewest] = choices.sort((a, b) => a.retries - b.retries);
  if (fewest === undefined) return undefined;
  const input = { defaults: { recovery: { call: { retries: fewest.retries } } } };
  return { origin: { source: 'environment', name: fewest.name }, input };
}
