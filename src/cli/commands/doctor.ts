// `holdfast doctor`: what a maintainer would ask first, with the step to take beside each finding.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigFormat } from '../../config/import/formats.ts';
import type { Config } from '../../config/schema.ts';
import { secretsOf } from '../../config/secrets.ts';
import type { JsonObject } from '../../core/json.ts';
import { createRedactor } from '../../core/redact.ts';
import { Gateway } from '../../gateway.ts';
import { readLive } from '../../live-source.ts';
import { holderOf } from '../../store/data-dir.ts';
import { callApi, findRemote, getJson, type Remote, type RemoteOptions } from '../client.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkDataDir, checkFileMode, checkPort, checkVersions } from '../doctor/machine.ts';
import { checkUpstream } from '../doctor/upstream.ts';
import { EXIT } from '../exit.ts';
import { placeOf } from '../place.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { said, t } from '../words.ts';

export interface DoctorOptions extends RemoteOptions {
  configFormat?: string;
  timeout: string;
  start: boolean;
}

/** Exit code 1 where something is broken. @throws Refused where the options are wrong */
export async function doctor(options: DoctorOptions): Promise<number> {
  const within = Number(options.timeout) * 1000;
  if (!(within > 0)) throw new Refused(t`--timeout wants a number of seconds, not ${JSON.stringify(options.timeout)}`);
  const place = placeOf(options);
  const holder = holderOf(place.dataDir);
  const remote = holder?.url === undefined && options.url === undefined ? undefined : findRemote(options);
  const health = remote === undefined ? undefined : await healthOf(remote);
  const findings: Finding[] = checkVersions(typeof health?.version === 'string' ? health.version : undefined);

  const { config, told } = await readConfig(place.file, place.by, place.dataDir, options);
  findings.push(...told);
  if (config !== undefined && place.file !== undefined) findings.push(...(await checkFileMode(place.file, config)));
  findings.push(...(await checkDataDir(place.dataDir)));
  if (config !== undefined) findings.push(...(await checkPort(config.server, holder)));
  if (health !== undefined) findings.push(...gatewayFindings(health));
  if (config !== undefined) {
    const each = await Promise.all(
      Object.entries(config.upstreams).map(async ([name, one]) => ({ name, found: await checkUpstream(name, one) })),
    );
    const sound = each.filter(({ found }) => found.every(({ level }) => level === 'ok' || level === 'warning'));
    const names = sound.map(({ name }) => name);
    const answers =
      remote === undefined
        ? options.start
          ? await startThem(config, names, within)
          : []
        : await askThem(remote, names);
    for (const { name, found } of each) findings.push(...found, ...answers.filter(({ upstream }) => upstream === name));
  }
  const redact = createRedactor(() => (config === undefined ? [] : secretsOf(config)));
  return print(options, findings, redact);
}

async function readConfig(
  file: string | undefined,
  by: string | undefined,
  dataDir: string,
  { configFormat }: DoctorOptions,
): Promise<{ config?: Config; told: Finding[] }> {
  if (file === undefined)
    return {
      told: [
        {
          check: 'config',
          level: 'note',
          message: t`no configuration is found: the demo would be served`,
          fix: t`holdfast init, or holdfast import`,
        },
      ],
    };
  const { result } = await readLive(
    { file, format: configFormat as ConfigFormat | undefined, env: process.env },
    dataDir,
  );
  if (!result.ok)
    return {
      told: result.problems.map((problem) => ({
        check: 'config',
        level: 'error',
        message: saidProblem({ ...problem, hint: undefined }),
        fix: problem.hint ?? t`repair the file; holdfast config schema tells editors what may stand there`,
      })),
    };
  const { config, format, warnings } = result;
  const named = by === 'search' ? '' : t`, named by ${by}`;
  return {
    config,
    told: [
      {
        check: 'config',
        level: 'ok',
        message: t`${file} (${format}${named}, ${Object.keys(config.upstreams).length} upstreams)`,
      },
      ...warnings.map(
        (warning): Finding => ({
          check: 'config',
          level: 'warning',
          message: saidProblem({ ...warning, hint: undefined }),
          fix: warning.hint,
        }),
      ),
    ],
  };
}

async function healthOf(remote: Remote): Promise<JsonObject | undefined> {
  return getJson(remote, '/health').catch(() => undefined);
}

function gatewayFindings(health: JsonObject): Finding[] {
  const { rejected } = (health.config ?? {}) as { rejected?: { at: string; problems: string[] } };
  if (rejected === undefined)
    return [{ check: 'gateway', level: 'ok', message: t`${health.status}, up ${health.uptime} s` }];
  return rejected.problems.map((text) => ({
    check: 'gateway',
    level: 'error',
    message: t`the configuration was refused at ${rejected.at}, an older one is served: ${text}`,
    fix: t`repair the file; it is read again by itself`,
  }));
}

const WORKING = new Set(['ready', 'degraded', 'stopped']);

/** Asks the running gateway: state, then a ping. Nothing is called. */
async function askThem(remote: Remote, names: readonly string[]): Promise<Finding[]> {
  const { upstreams } = (await callApi(remote, 'GET', '/upstreams')) as { upstreams: JsonObject[] };
  return Promise.all(
    names.map(async (upstream): Promise<Finding> => {
      const state = upstreams.find((one) => one.name === upstream);
      if (state === undefined)
        return {
          check: 'handshake',
          upstream,
          level: 'warning',
          message: t`the running gateway does not have it`,
          fix: t`see what was refused above, or holdfast restart`,
        };
      if (!WORKING.has(String(state.state)))
        return {
          check: 'handshake',
          upstream,
          level: 'error',
          message: `${state.state}: ${state.reason === undefined ? t`no reason is known` : said(String(state.reason))}`,
          fix: fixOf(String(state.state), upstream, state.hint),
        };
      const tools = t`${state.tools} tools`;
      if (state.state === 'stopped')
        return { check: 'handshake', upstream, level: 'ok', message: t`stopped until it is called, ${tools}` };
      const answer = await callApi(remote, 'POST', `/upstreams/${encodeURIComponent(upstream)}/check`);
      return answer.healthy === true
        ? {
            check: 'ping',
            upstream,
            level: 'ok',
            message: t`${state.state}, ${tools}, answers in ${Math.round(Number(answer.ms))} ms`,
          }
        : {
            check: 'ping',
            upstream,
            level: 'error',
            message: t`does not answer: ${said(String(answer.detail))}`,
            fix: `holdfast logs ${upstream}; holdfast restart ${upstream} --force`,
          };
    }),
  );
}

function fixOf(state: string, upstream: string, hint: unknown): string {
  if (state === 'needs_auth') return t`log in: holdfast login ${upstream}`;
  return typeof hint === 'string' ? said(hint) : `holdfast logs ${upstream}`;
}

/** Starts them for a moment, with a data directory of their own, and reads their lists. */
async function startThem(config: Config, names: readonly string[], within: number): Promise<Finding[]> {
  if (names.length === 0) return [];
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
  const upstreams = Object.fromEntries(names.map((name) => [name, { ...config.upstreams[name], start: 'eager' }]));
  const { shared: _, ...storage } = config.storage as Config['storage'] & { shared?: unknown };
  const small = {
    ...config,
    upstreams,
    views: {},
    endpoints: [],
    customTools: { ...config.customTools, tools: [] },
    storage,
    defaultView: 'passthrough',
  } as Config;
  const gateway = new Gateway({ config: small, dataDir: folder, host: '127.0.0.1', port: 0 });
  try {
    gateway.start();
    return await Promise.all(names.map((name) => settled(gateway, name, within)));
  } finally {
    await gateway.stop(0, 3_000);
    await rm(folder, { recursive: true, force: true });
  }
}

function settled(gateway: Gateway, name: string, within: number): Promise<Finding> {
  const upstream = gateway.fleet.get(name);
  return new Promise((resolve) => {
    const began = performance.now();
    const look = (late = false) => {
      const { state = { state: 'failed', cause: 'it is not there' } } = upstream ?? {};
      const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
      const end = (finding: Omit<Finding, 'upstream'>) => {
        clearTimeout(timer);
        stop?.();
        resolve({ ...finding, upstream: name });
      };
      if (state.state === 'ready' || state.state === 'degraded')
        return end({
          check: 'handshake',
          level: 'ok',
          message: t`ready in ${seconds}, ${t`${upstream?.lists.tools.length} tools`}`,
        });
      const cause = 'cause' in state ? state.cause : undefined;
      if (cause !== undefined) {
        const [message, hint] = typeof cause === 'string' ? [cause, undefined] : [cause.message, cause.hint];
        const stderr = upstream?.facts().stderr.slice(-3) ?? [];
        const wrote = stderr.length === 0 ? '' : t`; it wrote: ${stderr.join(' | ')}`;
        return end({
          check: 'handshake',
          level: 'error',
          message: said(message) + wrote,
          fix: fixOf(state.state, name, hint),
        });
      }
      if (late)
        end({
          check: 'handshake',
          level: 'error',
          message: t`is not ready after ${seconds}`,
          fix: t`a first start may download much: try again, or give --timeout`,
        });
    };
    const timer = setTimeout(() => look(true), within);
    const stop = upstream?.onChange(() => look());
    look();
  });
}

const MARKS = { ok: '✓', note: '·', warning: '!', error: '✗' } as const;

function print({ json }: DoctorOptions, findings: readonly Finding[], redact: (text: string) => string): number {
  const clean = findings.map((one) => ({
    ...one,
    message: redact(one.message),
    ...(one.fix !== undefined && { fix: redact(one.fix) }),
  }));
  const broken = clean.filter(({ level }) => level === 'error').length;
  if (json) process.stdout.write(`${JSON.stringify({ ok: broken === 0, findings: clean })}\n`);
  else {
    for (const { check, upstream, level, message, fix } of clean) {
      const about = upstream === undefined ? check : `${upstream}: ${check}`;
      process.stdout.write(`${MARKS[level]} ${about}  ${message}\n`);
      if (fix !== undefined) process.stdout.write(`    → ${fix}\n`);
    }
    const warnings = clean.filter(({ level }) => level === 'warning').length;
    process.stdout.write(
      `\n${broken === 0 ? t`nothing is broken` : t`${broken} to repair`}${warnings === 0 ? '' : t`, ${warnings} to look at`}\n`,
    );
  }
  return broken === 0 ? EXIT.ok : EXIT.failure;
}
