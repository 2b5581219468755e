// `holdfast stdio`: one client on stdin and stdout. It joins the gateway that runs on the same data directory, and
// starts one in its own process only where none runs (requirements 10.25).
import { secretsOf } from '../../config/secrets.ts';
import { EventStream } from '../../core/events.ts';
import { serveStdio } from '../../faces/mcp/stdio.ts';
import { Gateway, IDENTITY } from '../../gateway.ts';
import { createRedactor, writeLog } from '../../operations/log.ts';
import { findGateway } from '../../store/data-dir.ts';
import { adminToken } from '../client.ts';
import { EXIT } from '../exit.ts';
import { pipe } from '../pipe.ts';
import { Refused } from '../refused.ts';
import { readSource, type SourceOptions } from '../source.ts';
import { surviveUnexpected } from '../unexpected.ts';
import { t } from '../words.ts';

/** What the servers get to end by themselves, in milliseconds: all is over within 5 s of the client's end (F-G10). */
const CHILD_GRACE = 3_000;

export interface StdioOptions extends SourceOptions {
  view?: string;
  standalone?: boolean;
  apiKey?: string;
}

export async function stdio(words: readonly string[], options: StdioOptions): Promise<number> {
  const source = await readSource(words, options);
  const running = options.standalone === true || words.length > 0 ? undefined : findGateway(source.dataDir);
  if (running !== undefined) {
    const key = options.apiKey ?? process.env.HOLDFAST_API_KEY ?? adminToken(source.dataDir);
    process.stderr.write(`holdfast: ${t`joined the gateway at ${running.url} (pid ${running.pid})`}\n`);
    const path = options.view === undefined ? '/mcp' : `/mcp/${encodeURIComponent(options.view)}`;
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const code = await pipe({
      remote: { url: running.url, headers },
      path,
      input: process.stdin,
      output: process.stdout,
    });
    return code === 0 ? EXIT.ok : EXIT.noGateway;
  }
  const { config } = source;
  const events = new EventStream();
  const redact = createRedactor(() => secretsOf(config));
  writeLog({ events, level: config.log.level, redact, write: (line) => void process.stderr.write(line) });
  const gateway = new Gateway({
    config,
    events,
    dataDir: source.dataDir,
    host: '127.0.0.1',
    view: options.view,
    single: source.single,
  });
  const surface = gateway.surface(gateway.defaultView);
  if (surface === undefined) {
    throw new Refused(
      t`there is no view ${JSON.stringify(gateway.defaultView)}; there are ${gateway.views().join(', ')}`,
    );
  }
  gateway.start();
  let code: number = EXIT.ok;
  const signalled = new Promise<void>((resolve) => {
    surviveUnexpected(events, () => {
      code = EXIT.failure;
      resolve();
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(signal === 'SIGTERM' ? EXIT.killed : EXIT.interrupted));
        resolve();
      });
    }
  });
  const { body, depth } = config.limits;
  await Promise.race([
    signalled,
    serveStdio({
      input: process.stdin,
      output: process.stdout,
      surface,
      principal: { id: 'local', roles: ['read', 'call'] },
      identity: IDENTITY,
      limits: { body, depth },
    }),
  ]);
  process.stdin.destroy();
  await gateway.stop(0, CHILD_GRACE);
  return code;
}
