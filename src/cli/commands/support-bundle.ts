// `holdfast support-bundle`: one archive for a bug report, without secrets; also where the gateway does not run.
import { open } from 'node:fs/promises';
import { isObject, type JsonObject } from '../../core/json.ts';
import { redactValue } from '../../core/redact.ts';
import { callApi, findRemote, type RemoteOptions } from '../client.ts';
import { whyRefused } from '../errno.ts';
import { EXIT } from '../exit.ts';
import { localFacts } from '../local-facts.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface BundleOptions extends RemoteOptions {
  configFormat?: string | undefined;
  output?: string | undefined;
}

const README = `What the holdfast command "support-bundle" put together for a bug report.

program.json         versions, system, names of variables that are set
configuration.json   as the command reads it, every default filled in; values of env and headers left out;
                     whether the program of each stdio upstream is there
data-directory.json  names and sizes of its files
gateway/             what the running gateway says of itself: health, diagnostics, metrics, alerts, the last calls without
                     their arguments, lines of stderr of its upstreams
gateway.txt          why the gateway could not be asked, where it could not
logs/                the last lines of its log and of its calls, without arguments

Secrets of the configuration and whatever looks like one are replaced by ***. Names of servers, tools, files and hosts are
in here: look it through before you give it to others.
`;

/** @throws Refused with exit code 1 where the archive cannot be written */
export async function supportBundle(options: BundleOptions): Promise<number> {
  const facts = await localFacts(options);
  const running = await askGateway({ ...options, dataDir: facts.dataDir });
  const json = (value: unknown): string => `${JSON.stringify(redactValue(value, facts.redact), null, 2)}\n`;
  const lines = (text: string): string => text.split('\n').map(facts.redact).join('\n');
  const files = new Map<string, string>([
    ['README.txt', README],
    ['program.json', json(facts.program)],
    ['configuration.json', json(facts.configuration)],
    ['data-directory.json', json(facts.dataDirectory)],
  ]);
  if (typeof running === 'string') files.set('gateway.txt', `${facts.redact(running)}\n`);
  else for (const [name, part] of Object.entries(running)) files.set(`gateway/${name}.json`, json(part));
  for (const [name, text] of facts.logs) files.set(`logs/${name}`, lines(text));

  const made = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const output = options.output ?? `holdfast-support-${made}.tar.gz`;
  const { createTarGzip } = await import('nanotar');
  const folder = `holdfast-support-${made}`;
  const entries = [...files].map(([name, data]) => ({ name: `${folder}/${name}`, data }));
  const archive = await createTarGzip(entries, { attrs: { mode: '600', uid: 0, gid: 0 } });
  await write(output, archive);
  const about =
    typeof running === 'string' ? t`without the gateway: ${facts.redact(running)}` : t`with what the gateway says`;
  const told = { file: output, bytes: archive.length, gateway: typeof running !== 'string', files: [...files.keys()] };
  if (output === '-') return EXIT.ok;
  process.stdout.write(
    options.json
      ? `${JSON.stringify(told)}\n`
      : `${t`${output}: ${files.size} files, ${about}`}\n${t`Secrets are replaced by ***; look it through before you give it to others.`}\n`,
  );
  return EXIT.ok;
}

/** What the running gateway says of itself, or why it cannot be asked. */
async function askGateway(options: RemoteOptions): Promise<JsonObject | string> {
  try {
    const answer = await callApi(findRemote(options), 'GET', '/support-bundle');
    return isObject(answer) ? answer : t`its answer is no document`;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

async function write(output: string, archive: Uint8Array): Promise<void> {
  if (output === '-') {
    await new Promise<void>((resolve) => process.stdout.write(archive, () => resolve()));
    return;
  }
  try {
    const file = await open(output, 'w', 0o600);
    await file.writeFile(archive).finally(() => file.close());
  } catch (error) {
    throw new Refused(t`${output} cannot be written (${whyRefused(error)})`, EXIT.failure);
  }
}
