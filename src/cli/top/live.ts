// The screen of `holdfast top` while it runs: drawn anew when something happens, a key is pressed or the window changes.
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { followEvents, type Remote } from '../client.ts';
import { cut } from '../columns.ts';
import { EXIT } from '../exit.ts';
import { t } from '../words.ts';
import { type Look, lookAt } from './look.ts';
import { draw } from './screen.ts';
import { FIRST_VIEW, type Key, pressed, type View } from './view.ts';

export interface LiveOptions {
  /** The gateway as it is found now; a restarted one may have another address. @throws Refused */
  find(): Remote;
  /** Whether its key may see calls. @throws Refused */
  maySeeCalls(remote: Remote): Promise<boolean>;
  input: ReadStream;
  output: WriteStream;
  colour: boolean;
}

/** Between two looks, however much happens. */
const SHORTEST = 250;
/** After a gateway was lost. */
const AGAIN = 1000;

const ALTERNATE = '\x1b[?1049h\x1b[?25l';
const RESTORED = '\x1b[?25h\x1b[?1049l';

/** Shows the gateway until somebody quits; gives the exit code. A gateway that goes away is waited for. */
export async function showLive({ find, maySeeCalls, input, output, colour }: LiveOptions): Promise<number> {
  let view: View = FIRST_VIEW;
  let look: Look | undefined;
  let lost: string | undefined;
  let page = 1;
  const over = new AbortController();
  let code: number = EXIT.ok;
  const end = (with_: number): void => {
    code = with_;
    over.abort();
  };

  const show = (): void => {
    if (over.signal.aborted) return;
    const { columns = 80, rows = 24 } = output;
    let lines = [cut(lost ?? t`looking …`, columns)];
    if (look !== undefined) {
      // The last column stays free: some terminals would begin another line.
      const drawing = draw(
        look,
        view,
        { columns: columns - 1, rows: rows - (lost === undefined ? 0 : 1), colour },
        true,
      );
      page = drawing.page;
      view = { ...view, above: drawing.above };
      lines = [...(lost === undefined ? [] : lines), ...drawing.lines];
    }
    output.write(`\x1b[H${lines.slice(0, rows).join('\x1b[K\r\n')}\x1b[K\x1b[J`);
  };

  const onKey = (_: string | undefined, key: Key): void => {
    const next = pressed(view, key, page);
    if (next === 'quit') return end(EXIT.ok);
    view = next;
    show();
  };
  const onTerminate = (): void => end(EXIT.killed);

  emitKeypressEvents(input, { escapeCodeTimeout: 50 } as never);
  input.setRawMode(true);
  input.on('keypress', onKey).on('end', onTerminate).resume();
  output.on('resize', show);
  process.on('SIGTERM', onTerminate);
  output.write(ALTERNATE);
  try {
    show();
    while (!over.signal.aborted) {
      try {
        const remote = find();
        const calls = await maySeeCalls(remote);
        await follow(remote, over.signal, async () => {
          look = await lookAt(remote, calls);
          lost = undefined;
          show();
        });
        lost = t`the gateway has ended its events; trying again`;
      } catch (error) {
        lost = t`${(error as Error).message}; trying again`;
      }
      show();
      await pause(AGAIN, over.signal);
    }
  } finally {
    output.write(RESTORED);
    output.off('resize', show);
    process.off('SIGTERM', onTerminate);
    input.off('keypress', onKey).off('end', onTerminate).setRawMode(false);
    input.pause();
  }
  return code;
}

/** Takes a look at once and whenever something happens; ends with the stream of events. @throws Refused */
async function follow(remote: Remote, signal: AbortSignal, look: () => Promise<void>): Promise<void> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  let wanted = true;
  let wake = (): void => undefined;
  const looking = (async () => {
    while (!either.aborted) {
      if (wanted) {
        wanted = false;
        await look();
        await pause(SHORTEST, either);
      } else
        await new Promise<void>((resolve) => {
          wake = resolve;
          either.addEventListener('abort', () => resolve(), { once: true });
        });
    }
  })();
  const happened = (): void => {
    wanted = true;
    wake();
  };
  try {
    await Promise.race([followEvents(remote, either, happened), looking]);
  } finally {
    ended.abort();
    await looking.catch(() => undefined);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
