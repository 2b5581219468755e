import { readFileSync } from 'node:fs';
import { isObject, type JsonObject } from '../../core/json.ts';
import { findRemote, type RemoteOptions, request } from '../client.ts';
import { EXIT } from '../exit.ts';
import { Refused } from '../refused.ts';
import { said, t } from '../words.ts';

/** `holdfast call <server> <tool> [arguments]`: 0 answered, 3 the tool says isError, 4 a fault on the way. */
export async function call(
  server: string,
  tool: string,
  given: string | undefined,
  options: RemoteOptions & { args?: string | undefined; timeout: string },
): Promise<number> {
  if (given !== undefined && options.args !== undefined) {
    throw new Refused(t`the arguments are given twice: behind the tool and by --args`);
  }
  const args = readArguments(given ?? options.args ?? '{}');
  const answer = await request(
    findRemote(options),
    server,
    'tools/call',
    { name: tool, arguments: args },
    Number(options.timeout) * 1000,
  );
  if (options.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
  if ('error' in answer) {
    if (!options.json) {
      const data = isObject(answer.error.data) ? answer.error.data : {};
      process.stderr.write(`${said(answer.error.message)}\n`);
      if (typeof data.hint === 'string') process.stderr.write(`${said(data.hint)}\n`);
    }
    return EXIT.fault;
  }
  if (!options.json) process.stdout.write(`${textOf(answer.result)}\n`);
  return answer.result.isError === true ? EXIT.toolError : EXIT.ok;
}

function readArguments(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text === '-' ? readFileSync(0, 'utf8') : text);
  } catch (error) {
    throw new Refused(t`the arguments are not JSON: ${(error as Error).message}; a shell wants quotes: '{"path":"."}'`);
  }
  if (!isObject(value)) throw new Refused(t`the arguments must be a JSON object, such as {"path":"."}`);
  return value;
}

/** A result as text: what is text as it is, the rest as JSON. */
function textOf(result: JsonObject): string {
  const content = Array.isArray(result.content) ? (result.content as unknown[]) : [];
  return content
    .map((item) => (isObject(item) && typeof item.text === 'string' ? item.text : JSON.stringify(item)))
    .join('\n');
}
