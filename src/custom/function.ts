// The handler `function`: a function of an ES module, in a worker thread of its own for every call, so that an endless
// loop ends at its timeout and an edited file is read anew (D-40, X-71).
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import type { HandlerOf } from '../config/schema-custom.ts';
import { GatewayFault } from '../core/fault.ts';
import { isObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import { asToolResult, excerpt, failure, textResult, valueResult } from './results.ts';
import type { Handler, Run } from './run.ts';

/** What runs in the thread; a text, because the program is one file when it is installed. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
async function run({ url, name, args, context }) {
  let loaded;
  try {
    loaded = await import(url);
  } catch (error) {
    return { kind: 'unloadable', message: String(error?.message ?? error) };
  }
  const found = loaded[name] ?? loaded.default?.[name];
  if (typeof found !== 'function') return { kind: 'missing' };
  const value = await found(args, context);
  return { kind: 'value', json: JSON.stringify(value) };
}
run(workerData).catch((error) => ({ kind: 'thrown', message: String(error?.message ?? error) }))
  .then((message) => parentPort.postMessage(message));
`;

/** Megabytes of heap; more ends the thread and nothing else. */
const MEMORY = 256;
/** The few variables that programs need to find their way; the gateway's own are no business of a tool. */
const ENVIRONMENT = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'USER', 'TMPDIR', 'TEMP', 'SystemRoot'];

export function functionHandler(handler: HandlerOf<'function'>, file: string): Handler {
  return async (run) => {
    // Only here: reading it is a hundredth of a start.
    const { Worker } = await import('node:worker_threads');
    run.signal.throwIfAborted();
    const worker = new Worker(THREAD, {
      eval: true,
      workerData: { url: pathToFileURL(file).href, name: handler.function, args: run.args, context: handler.context },
      env: Object.fromEntries(
        ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      execArgv: [],
      // What it prints must not get between the messages of a gateway that speaks on stdout.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY },
    });
    run.delivery = 'maybe-sent';
    for (const stream of [worker.stdout, worker.stderr])
      stream.on('data', (chunk: Buffer) =>
        run.log('debug', `"${run.tool.name}" prints: ${excerpt(chunk.toString('utf8'))}`),
      );
    try {
      return resultOf(handler, run, await messageOf(worker, run.signal));
    } finally {
      await worker.terminate();
    }
  };
}

/** The one message of the thread; rejects with the reason of the signal. */
function messageOf(worker: Worker, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    const settle = (message: unknown): void => {
      signal.removeEventListener('abort', aborted);
      resolve(message);
    };
    signal.addEventListener('abort', aborted, { once: true });
    worker.once('message', settle);
    worker.once('error', (error: Error) => settle({ kind: 'thrown', message: error.message }));
    worker.once('exit', (code) => settle({ kind: 'thrown', message: `the thread ended with code ${code}` }));
  });
}

function resultOf(handler: HandlerOf<'function'>, run: Run, message: unknown): Payload {
  const { kind, json, message: told } = isObject(message) ? message : {};
  if (kind === 'missing')
    throw new GatewayFault('UPSTREAM_START_FAILED', `the module of "${run.tool.name}" exports no such function`, {
      hint: `Export a function called ${JSON.stringify(handler.function)}.`,
    });
  if (kind === 'unloadable') {
    run.log('warn', `the module of "${run.tool.name}" cannot be loaded`, { error: String(told) });
    throw new GatewayFault('UPSTREAM_START_FAILED', `the module of "${run.tool.name}" cannot be loaded`, {
      hint: 'The log of the gateway says why.',
    });
  }
  if (kind !== 'value') return failure(excerpt(String(told)));
  if (typeof json !== 'string') return textResult('');
  if (Buffer.byteLength(json) > handler.max_size)
    throw new GatewayFault(
      'RESULT_TOO_LARGE',
      `the function gives more than the ${handler.max_size} bytes of max_size`,
      {
        delivery: 'answered',
        hint: 'Give less, or raise max_size of the tool.',
      },
    );
  const value = JSON.parse(json) as unknown;
  const own = asToolResult(value);
  return own === undefined ? valueResult(value) : Payload.of(own);
}
