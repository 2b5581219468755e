// The handler `script`: a program of the operator, once per call, through no shell, and nothing of it left behind
// (D-40, X-71; reliability §4, Processes).
import { access, constants } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { HandlerOf } from '../config/schema-custom.ts';
import { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import { asToolResult, excerpt, failure, parsed, textResult } from './results.ts';
import type { Handler, Log, Run } from './run.ts';

/** A started child that leads its own process group; what the upstream's processes are made of. */
export interface ScriptChild {
  readonly pid: number;
  readonly stdin: NodeJS.WritableStream | null;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly stderr: { lines(count?: number): string[] };
  /** After the exit: everything it wrote has been read. */
  drained(): Promise<void>;
  /** Ends the whole group within `grace` milliseconds. */
  end(grace?: number): Promise<unknown>;
  /** The child itself has gone: ends what it left in its group. */
  clear(): Promise<unknown>;
}

export interface ScriptStart {
  upstream: string;
  config: { command: string; args: readonly string[]; cwd: string; env: Readonly<Record<string, string>> };
  log: Log;
  output(chunk: Buffer): void;
}

/** Starts a child with a minimal environment and `env` on top. @throws GatewayFault UPSTREAM_START_FAILED */
export type StartChild = (start: ScriptStart) => Promise<ScriptChild>;

export interface ScriptDeps {
  start: StartChild;
  /** Absolute path of the script. */
  file: string;
  /** Children whose end is still going on; a stop waits for them. */
  ending: Set<Promise<unknown>>;
}

/** Milliseconds that the group gets to end: half for SIGTERM, the rest for SIGKILL. */
const GRACE = 1_500;
/** One variable holds at most 128 KB on Linux. */
const LONGEST_VARIABLE = 64 * 1024;

const BY_ENDING: Readonly<Record<string, Interpreter>> = {
  '.js': 'node',
  '.mjs': 'node',
  '.cjs': 'node',
  '.py': 'python',
  '.sh': 'bash',
};
type Interpreter = NonNullable<HandlerOf<'script'>['interpreter']>;

export function scriptHandler(handler: HandlerOf<'script'>, { start, file, ending }: ScriptDeps): Handler {
  const interpreter = handler.interpreter ?? BY_ENDING[extname(file)] ?? 'bash';
  return async (run) => {
    await readable(file, run);
    run.signal.throwIfAborted();
    const chunks: Buffer[] = [];
    let size = 0;
    let tooLarge = (): void => undefined;
    const grown = new Promise<'grown'>((resolve) => {
      tooLarge = () => resolve('grown');
    });
    const child = await start({
      upstream: 'custom',
      config: {
        command: commandOf(interpreter),
        args: [file],
        cwd: dirname(file),
        env: { ...handler.env, ...variables(run.tool.name, run.args) },
      },
      log: run.log,
      output: (chunk) => {
        size += chunk.length;
        if (size > handler.max_size) tooLarge();
        else chunks.push(chunk);
      },
    });
    run.delivery = 'maybe-sent';
    child.stdin?.end(JSON.stringify(run.args));
    const aborted = abortOf(run.signal);
    const won = await Promise.race([child.exited, grown, aborted.promise]);
    aborted.forget();
    if (typeof won === 'string') {
      track(ending, child.end(GRACE));
      if (won === 'aborted') throw run.signal.reason;
      throw new GatewayFault(
        'RESULT_TOO_LARGE',
        `the script wrote more than the ${handler.max_size} bytes of max_size`,
        {
          delivery: 'answered',
          hint: 'Write less, or raise max_size of the tool.',
        },
      );
    }
    await child.drained();
    track(ending, child.clear());
    if (size > handler.max_size)
      throw new GatewayFault(
        'RESULT_TOO_LARGE',
        `the script wrote more than the ${handler.max_size} bytes of max_size`,
        {
          delivery: 'answered',
        },
      );
    return resultOf(run, won, Buffer.concat(chunks).toString('utf8'), child.stderr.lines(20));
  };
}

/** Its output is the result, unless it exits with a failure. What it wrote to stderr is for the operator. */
function resultOf(
  run: Run,
  { code, signal }: { code: number | null; signal: string | null },
  output: string,
  stderr: string[],
): Payload {
  const { name } = run.tool;
  if (code !== 0) {
    const how = signal === null ? `code ${code}` : `signal ${signal}`;
    run.log('warn', `the script of "${name}" ended with ${how}`, { stderr });
    const text = excerpt(output);
    return failure(text === '' ? `the script ended with ${how}` : text);
  }
  const own = asToolResult(parsed(output));
  return own === undefined ? textResult(output.replace(/\r?\n$/, '')) : Payload.of(own);
}

async function readable(file: string, { tool }: Run): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new GatewayFault('UPSTREAM_START_FAILED', `the script of "${tool.name}" cannot be read (${errno})`, {
      hint: `Put the file where handler.script of "${tool.name}" says.`,
      cause: error,
    });
  }
}

function commandOf(interpreter: Interpreter): string {
  if (interpreter === 'node') return process.execPath;
  if (interpreter === 'python') return process.platform === 'win32' ? 'python' : 'python3';
  return 'bash';
}

/** The arguments once more, for programs that read no JSON: never a name that a program takes for its own. */
function variables(tool: string, args: JsonObject): Record<string, string> {
  const env: Record<string, string> = { HOLDFAST_TOOL: tool };
  const set = (name: string, text: string): void => {
    if (text.length <= LONGEST_VARIABLE && !text.includes('\0')) env[name] = text;
  };
  set('HOLDFAST_ARGUMENTS', JSON.stringify(args));
  for (const [name, value] of Object.entries(args)) {
    const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (scalar && /^[A-Za-z_]\w{0,63}$/.test(name)) set(`HOLDFAST_ARG_${name}`, String(value));
  }
  return env;
}

function abortOf(signal: AbortSignal): { promise: Promise<'aborted'>; forget(): void } {
  let tell = (): void => undefined;
  const promise = new Promise<'aborted'>((resolve) => {
    tell = () => resolve('aborted');
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
  return { promise, forget: () => signal.removeEventListener('abort', tell) };
}

function track(ending: Set<Promise<unknown>>, end: Promise<unknown>): void {
  const done = end.catch(() => undefined).finally(() => ending.delete(done));
  ending.add(done);
}
