// Reads requests from stdin for the one-behaviour servers beside this file.
import { createInterface } from 'node:readline';

/** Calls `handle` with each request of stdin; the answer goes to stdout where it returns a result. */
export function serve(handle) {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const request = JSON.parse(line);
    const result = handle(request);
    if (result !== undefined && request.id !== undefined) process.stdout.write(answer(request.id, result));
  });
}

export function answer(id, result) {
  return `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;
}
