// MCP over the gateway's own stdin and stdout. Nothing but messages goes to stdout (reliability F-G12).
import type { Readable, Writable } from 'node:stream';
import type { Principal } from '../../core/context.ts';
import { Channel } from '../../session/channel.ts';
import type { GatewayIdentity } from '../../session/protocol.ts';
import type { Surface } from '../../session/surface.ts';
import { writeError } from '../../wire/envelope.ts';
import { LineSplitter } from '../../wire/stdio-lines.ts';

export interface StdioFaceOptions {
  input: Readable;
  output: Writable;
  surface: Surface;
  principal: Principal;
  identity: GatewayIdentity;
  limits: { body: number; depth: number };
}

/** How long calls under way may go on after the client has closed its side, in milliseconds. */
const LAST_ANSWERS = 1_500;
const NEWLINE = Buffer.from('\n');

/** Serves one client until it closes its side or ours breaks (F-G10). Resolves then, calls under way cancelled. */
export function serveStdio({ input, output, surface, principal, identity, limits }: StdioFaceOptions): Promise<void> {
  return new Promise((resolve) => {
    const write = (message: Buffer) => output.write(Buffer.concat([onOneLine(message), NEWLINE]));
    const channel = new Channel({ face: 'mcp', principal, surface, identity, send: write, depth: limits.depth });
    const tooLong = () =>
      write(
        writeError(null, { code: -32600, message: `the message is larger than ${limits.body} bytes (limits.body)` }),
      );
    const lines = new LineSplitter(limits.body, {
      line: (bytes) => channel.receive(bytes),
      long: ({ ended }) => void (ended && tooLong()),
      endless: () => end(),
    });
    const end = () => {
      input.removeListener('data', push);
      channel.close();
      resolve();
    };
    const push = (chunk: Buffer) => lines.push(chunk);
    // What was asked before the client closed its side is answered, if that takes no longer than it may (F-G10).
    const finish = () => {
      const timer = setTimeout(end, LAST_ANSWERS);
      void channel.idle().then(() => {
        clearTimeout(timer);
        end();
      });
    };
    input.on('data', push);
    input.on('end', finish);
    input.on('close', () => input.readableEnded || end());
    input.on('error', end);
    output.on('error', end);
  });
}

/** A result goes on as its upstream wrote it, and that may be over several lines; in JSON they are only white space. */
function onOneLine(message: Buffer): Buffer {
  if (!message.includes(0x0a)) return message;
  const line = Buffer.from(message);
  for (let at = line.indexOf(0x0a); at !== -1; at = line.indexOf(0x0a, at)) line[at] = 0x20;
  return line;
}
