// `holdfast config explain | history | rollback`: of the running gateway, or of the files where none runs.
import type { ConfigExplained, ConfigVersionInfo } from '../../core/ports.ts';
import { openAtRest } from '../at-rest.ts';
import { runningGateway } from '../change.ts';
import { callApi, type Remote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

type AtRestConfig = Awaited<ReturnType<typeof openAtRest>>['config'];

/** Asks whoever has the configuration now. */
export async function either<T>(
  options: RemoteOptions,
  running: (remote: Remote) => Promise<T>,
  resting: (config: AtRestConfig) => Promise<T>,
): Promise<T> {
  const remote = runningGateway(options);
  if (remote !== undefined) return await running(remote);
  const rest = await openAtRest(options);
  try {
    return await resting(rest.config);
  } finally {
    rest.close();
  }
}

function print(options: RemoteOptions, answer: unknown, text: string): number {
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : text);
  return EXIT.ok;
}

/** With a path also what is default there. @throws Refused where there is nothing at the path */
export async function explain(path: string | undefined, options: RemoteOptions): Promise<number> {
  const where = path ?? '';
  const all = await either<readonly ConfigExplained[]>(
    options,
    async (remote) => {
      const answer = await callApi(remote, 'GET', `/config/explain?path=${encodeURIComponent(where)}`);
      return answer.values as unknown as ConfigExplained[];
    },
    (config) => config.explain(where),
  );
  if (all.length === 0) throw new Refused(t`there is no value at ${where}; holdfast config explain shows all`);
  const values = path === undefined ? all.filter(({ source }) => source !== 'default') : all;
  const lines = values.map(
    ({ path: at, value, source, name }) =>
      `${at} = ${JSON.stringify(value)}  (${name === undefined ? source : `${source} ${name}`})\n`,
  );
  return print(options, { values }, lines.join('') || `${t`nothing but defaults; give a path to see them`}\n`);
}

export async function history(options: RemoteOptions): Promise<number> {
  const versions = await either<readonly ConfigVersionInfo[]>(
    options,
    async (remote) => (await callApi(remote, 'GET', '/config/versions')).versions as unknown as ConfigVersionInfo[],
    async (config) => config.versions(),
  );
  const lines = versions.map(
    ({ version, at, by, reason }) =>
      `${String(version).padStart(4)}  ${new Date(at).toISOString()}  ${by}: ${reason}\n`,
  );
  return print(options, { versions }, lines.join('') || `${t`no versions are kept`}\n`);
}

/** @throws Refused where it is no number, is not kept, or does not fit any more */
export async function rollback(wanted: string, options: RemoteOptions): Promise<number> {
  const version = Number(wanted);
  if (!/^\d{1,9}$/.test(wanted)) throw new Refused(t`versions are numbers, not ${JSON.stringify(wanted)}`);
  const done = await either<{ version: unknown; plan: unknown }>(
    options,
    async (remote) => (await callApi(remote, 'POST', `/config/versions/${version}/rollback`)) as never,
    async (config) => {
      const outcome = await config.rollback(version, { by: 'command line', reason: `back to version ${version}` });
      if (outcome.ok) return outcome;
      throw new Refused(outcome.problems.map(({ message }) => message).join('\n'), EXIT.failure);
    },
  );
  return print(
    options,
    { version: done.version, plan: done.plan },
    `${t`version ${wanted} is in force again, as version ${done.version}`}\n`,
  );
}
