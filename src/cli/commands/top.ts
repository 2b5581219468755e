// `holdfast top`: the gateway at a glance in a terminal, live; once, or as JSON, for pipes.
import { ReadStream, WriteStream } from 'node:tty';
import { findRemote, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { showLive } from '../top/live.ts';
import { lookAt, maySeeCalls } from '../top/look.ts';
import { draw } from '../top/screen.ts';
import { FIRST_VIEW } from '../top/view.ts';

export interface TopOptions extends RemoteOptions {
  once?: boolean | undefined;
}

/** Wide enough for whatever a line holds, where no terminal says how wide it is. */
const UNBOUND = 1_000_000;

/** @throws Refused with exit code 5 where no gateway answers at the start; later ones are waited for */
export async function top(options: TopOptions): Promise<number> {
  const remote = findRemote(options);
  const calls = await maySeeCalls(remote);
  const { stdin, stdout, env } = process;
  const terminal = stdout instanceof WriteStream && env.TERM !== 'dumb';
  const colour = terminal && (env.NO_COLOR ?? '') === '';
  if (options.json) {
    const { overview, upstreams, alerts, calls: failed } = await lookAt(remote, calls);
    stdout.write(`${JSON.stringify({ overview, upstreams, alerts, calls: failed })}\n`);
    return EXIT.ok;
  }
  if (options.once || !terminal || !(stdin instanceof ReadStream)) {
    const columns = stdout.columns ?? UNBOUND;
    const { lines } = draw(await lookAt(remote, calls), FIRST_VIEW, { columns, rows: UNBOUND, colour }, false);
    stdout.write(lines.map((line) => `${line}\n`).join(''));
    return EXIT.ok;
  }
  return await showLive({ find: () => findRemote(options), maySeeCalls, input: stdin, output: stdout, colour });
}
