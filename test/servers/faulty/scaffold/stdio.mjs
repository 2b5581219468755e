// Lines of JSON on stdin and stdout. The process ends when stdin ends, as the protocol says.
import { turns, written } from './written.mjs';

export function listen(server) {
  const { behaviour, protocol } = server;
  const turn = turns();
  const port = {
    kind: 'stdio',
    raw: (bytes) => process.stdout.write(bytes),
    noise: (text) => process.stdout.write(`${text}\n`),
    pieces: (parts) =>
      turn.long(async () => {
        for await (const part of parts) await written(process.stdout, part);
        process.stdout.write('\n');
      }),
    send: (message) => {
      if (behaviour.answer && message.id !== undefined && message.method === undefined) behaviour.answer(message, port);
      else turn.now(() => process.stdout.write(`${JSON.stringify(message)}\n`));
    },
  };
  server.port = port;
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line.trim() !== '') void protocol.handle(JSON.parse(line), port);
  });
  process.stdin.on('end', () => {
    if (behaviour.onEnd) behaviour.onEnd();
    else process.exit(0);
  });
  behaviour.ready?.(server);
}
