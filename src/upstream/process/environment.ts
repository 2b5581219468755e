// What a child gets to see of our environment: little, named, and the same at every start (requirements 10.30, C-20 … C-23, X-51).
import { GatewayFault } from '../../core/fault.ts';

const INHERITED = [
  ...['PATH', 'HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'TMPDIR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
];
/** Without these no program starts on Windows. */
const INHERITED_ON_WINDOWS = [
  ...['SystemRoot', 'SystemDrive', 'windir', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE', 'USERNAME'],
  ...['HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'ProgramFiles', 'ProgramFiles(x86)'],
];

export interface EnvironmentConfig {
  env?: Readonly<Record<string, string>> | undefined;
  inheritEnv?: readonly string[] | 'all' | undefined;
  requiredEnv?: readonly string[] | undefined;
}

export type Environment = Record<string, string>;
/** Where a variable of the child came from. */
export type Origin = 'inherited' | 'inheritEnv' | 'env' | 'holdfast';

export interface ChildEnvironment {
  env: Environment;
  /** Names and origins, for the log; values never appear there. */
  origins: Record<string, Origin>;
}

/**
 * The whole environment of a child; `own` is added last and cannot be overwritten.
 * @throws GatewayFault UPSTREAM_START_FAILED naming the required variables that are missing or empty (F-P13)
 */
export function childEnvironment(
  upstream: string,
  config: EnvironmentConfig,
  own: Environment = {},
  source: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): ChildEnvironment {
  const env: Environment = {};
  const origins: Record<string, Origin> = {};
  const set = (name: string, value: string | undefined, origin: Origin): void => {
    if (value === undefined) return;
    env[name] = value;
    origins[name] = origin;
  };
  for (const name of INHERITED) set(name, source[name], 'inherited');
  if (platform === 'win32') for (const name of INHERITED_ON_WINDOWS) set(name, source[name], 'inherited');
  // "all" still leaves out what configures the gateway itself: its keys are no business of a child (reliability §4).
  const inherited =
    config.inheritEnv === 'all'
      ? Object.keys(source).filter((name) => !(name in env) && !/^(HOLDFAST|MCPO)_/i.test(name))
      : (config.inheritEnv ?? []);
  for (const name of inherited) set(name, source[name], 'inheritEnv');
  for (const [name, value] of Object.entries(config.env ?? {})) set(name, value, 'env');
  requireVariables(upstream, config.requiredEnv ?? [], env, source);
  for (const [name, value] of Object.entries(own)) set(name, value, 'holdfast');
  return { env, origins };
}

function requireVariables(
  upstream: string,
  required: readonly string[],
  env: Environment,
  source: NodeJS.ProcessEnv,
): void {
  const missing = required.filter((name) => (env[name] ?? '') === '');
  if (missing.length === 0) return;
  const ours = missing.filter((name) => (source[name] ?? '') !== '' && env[name] === undefined);
  const names = missing.join(', ');
  throw new GatewayFault(
    'UPSTREAM_START_FAILED',
    `upstream "${upstream}" needs ${missing.length === 1 ? 'a variable that is' : 'variables that are'} missing or empty: ${names}`,
    {
      upstream,
      delivery: 'not-sent',
      data: { permanent: true, missingEnv: missing },
      hint:
        ours.length > 0
          ? `The gateway itself has ${ours.join(', ')}: name it in inheritEnv of the upstream, or set it in env.`
          : `Set ${names} in env of the upstream.`,
    },
  );
}
