// `holdfast serve`: binds the port, says so, then starts the upstreams and follows the file (requirements 12.1).
import { readFileSync } from 'node:fs';
import { secretsOf } from '../../config/secrets.ts';
import { EventStream } from '../../core/events.ts';
import { Gateway } from '../../gateway.ts';
import { type Key, keyOf } from '../../http/keys.ts';
import { ListenFailed } from '../../http/listener.ts';
import { management } from '../../manage.ts';
import { createRedactor, type LogLevel, writeLog, writeLogFile } from '../../operations/log.ts';
import { SetupRefused } from '../../setup.ts';
import { EXIT } from '../exit.ts';
import { watchHeap } from '../heap-room.ts';
import { label } from '../label.ts';
import { openBrowser } from '../open-browser.ts';
import { toOwnLog } from '../own-log.ts';
import { portHolder } from '../port-holder.ts';
import { showStart } from '../progress.ts';
import { Refused } from '../refused.ts';
import { openApiSetup } from '../serving-flags.ts';
import { readSource, type SourceOptions } from '../source.ts';
import { tidyHeap } from '../tidy-heap.ts';
import { surviveUnexpected } from '../unexpected.ts';
import { t } from '../words.ts';

export interface ServeOptions extends SourceOptions {
  host?: string;
  port?: string;
  view?: string;
  apiKey?: string;
  apiKeyFile?: string;
  adminKey?: string;
  insecure?: boolean;
  watch: boolean;
  json?: boolean;
  /** The file that stderr goes to, where this is a gateway in the background. */
  logTo?: string;
  /** Ports that are tried, the next one each, where one is taken; 100 for the default port. */
  portTries?: number;
  /** Opens the dashboard in the browser of whoever sits here. */
  openDashboard?: boolean;
}

export async function serve(words: readonly string[], options: ServeOptions): Promise<number> {
  const source = await readSource(words, options);
  const events = new EventStream();
  const write =
    options.logTo === undefined ? (text: string) => void process.stderr.write(text) : toOwnLog(options.logTo);
  const say = (text: string) => write(`${text}\n`);
  const { config } = source;
  let running = () => config;
  const first = secretsOf(config);
  let secrets: () => readonly string[] = () => first;
  const redact = createRedactor(() => secrets());
  // Changed while it runs by an operator, or by the file.
  let asked: LogLevel | undefined;
  const level = (): LogLevel => asked ?? running().log.level;
  writeLog({ events, level, redact, write });
  const { file } = config.log;
  const warn = (text: string) => say(`holdfast: ${redact(text)}`);
  const logFile = file === undefined ? undefined : writeLogFile({ events, level, redact, path: file, warn });

  let gateway: Gateway;
  let signalled: Promise<number>;
  try {
    gateway = new Gateway({
      config,
      events,
      dataDir: source.dataDir,
      host: options.host,
      port: portOf(options.port),
      portTries:
        options.portTries ??
        (options.port === undefined && process.env.PORT === undefined && config.server.port === 8000 ? 100 : 0),
      view: options.view,
      single: source.single,
      keys: readKeys(options, say),
      insecure: options.insecure,
      manage: management({
        source: source.live,
        watch: options.watch,
        log: {
          level,
          setLevel: (next) => {
            asked = next as LogLevel;
          },
        },
      }),
      ...openApiSetup(options),
    });
    // Nobody could find it again to stop it.
    if (options.logTo !== undefined && !gateway.dataDir.writable)
      throw new Refused(`holdfast: ${gateway.dataDir.notes.join('; ')}`, EXIT.failure);
    if (options.view !== undefined && gateway.surface(options.view) === undefined) {
      throw new Refused(t`there is no view ${JSON.stringify(options.view)}; there are ${gateway.views().join(', ')}`);
    }
    // Before the ready line: who reads it may end the gateway at once.
    signalled = untilSignal(gateway, events, say);
    const url = await gateway.listen();
    const wanted = portOf(options.port) ?? config.server.port;
    if (wanted !== 0 && !url.endsWith(`:${wanted}`))
      say(`holdfast: ${t`port ${wanted} is taken, listening on ${url} instead`}`);
    process.stdout.write(
      options.json ? `${JSON.stringify({ event: 'ready', url, pid: process.pid })}\n` : `holdfast ready ${url}\n`,
    );
  } catch (error) {
    if (error instanceof SetupRefused) throw new Refused(`holdfast: ${error.message}`);
    if (error instanceof ListenFailed) {
      const holder = error.code === 'EADDRINUSE' ? portHolder(error.port) : undefined;
      const by = holder === undefined ? '' : ` by ${holder.program} (pid ${holder.pid})`;
      const next = error.code === 'EADDRINUSE' ? '; --port names another one, --port 0 takes any' : '';
      throw new Refused(`holdfast: ${error.message}${by}${next}`, EXIT.failure);
    }
    throw error;
  }

  running = () => gateway.config;
  secrets = () => gateway.secrets();
  for (const note of source.notes) say(`holdfast: ${note}`);
  if (process.getuid?.() === 0)
    say(`holdfast: ${t`started as root, and so are the servers it starts; a user of its own is safer`}`);
  // Only a person at the terminal is shown it: whoever has the link is an admin.
  if (process.stderr.isTTY) say(`  ${label(t`dashboard`)} ${gateway.dashboardLink()}`);
  const link = gateway.dashboardLink();
  if (options.openDashboard === true && link !== undefined && !(await openBrowser(link)))
    say(`holdfast: ${t`no browser can be opened here; the dashboard is at ${link}`}`);
  const stopShowing = showStart(gateway, source, (text) => say(redact(text)));
  gateway.start();
  tidyHeap(events, () => gateway.inFlight === 0);
  watchHeap();
  const code = await signalled;
  await logFile?.close();
  stopShowing();
  return code;
}

/**
 * Serves until a signal, drains, and gives the exit code; a second signal ends it at once (X-86). A mistake of our own
 * after which nobody knows the state of the process ends it in the same way, as a failure (F-G9).
 */
function untilSignal(gateway: Gateway, events: EventStream, say: (text: string) => void): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (why: string, again: number, code: number) => {
      if (stopping) process.exit(again);
      stopping = true;
      say(`holdfast: ${t`${why}, answering what was accepted (again to stop at once)`}`);
      gateway.stop().then(
        () => resolve(code),
        (error: unknown) => {
          say(`holdfast: stopping failed: ${String(error)}`);
          resolve(EXIT.failure);
        },
      );
    };
    process.on('SIGTERM', () => stop('SIGTERM', EXIT.killed, EXIT.ok));
    process.on('SIGINT', () => stop('SIGINT', EXIT.interrupted, EXIT.ok));
    surviveUnexpected(events, () => stop(t`an unexpected exception`, EXIT.failure, EXIT.failure));
  });
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new Refused(t`--port must be a number from 0 to 65535, not ${JSON.stringify(text)}`);
  return port;
}

function readKeys({ apiKey, apiKeyFile, adminKey }: ServeOptions, say: (text: string) => void): Key[] {
  const keys: Key[] = [];
  const add = (name: string, secret: string | undefined, roles: Key['roles']) => {
    if (secret === undefined) return;
    if (secret === '') throw new Refused(t`the key ${name} is empty`);
    keys.push(keyOf(name, secret, roles));
  };
  if (apiKey !== undefined)
    say(
      `holdfast: ${t`a key on the command line can be seen by other users for a moment; better HOLDFAST_API_KEY or --api-key-file`}`,
    );
  add('api-key', apiKey ?? process.env.HOLDFAST_API_KEY, ['read', 'call']);
  if (apiKeyFile !== undefined) {
    try {
      add('api-key-file', readFileSync(apiKeyFile, 'utf8').trim(), ['read', 'call']);
    } catch (error) {
      throw new Refused(t`--api-key-file ${apiKeyFile} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  add('admin-key', adminKey, ['read', 'call', 'admin']);
  return keys;
}
