// The upstream reached without anything between, over stdio: one child, any number of callers told apart by id.
import { spawn } from 'node:child_process';

export class StdioLines {
  #child;
  #waiting = new Map();
  #nextId = 1;

  constructor(command, args) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let chunks = [];
    this.#child.stdout.on('data', (chunk) => {
      let from = 0;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
        chunks.push(chunk.subarray(from, at));
        this.#line(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
        chunks = [];
        from = at + 1;
      }
      if (from < chunk.length) chunks.push(chunk.subarray(from));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  nextId() {
    return this.#nextId++;
  }

  send(id, body, done) {
    this.#waiting.set(id, done);
    this.#child.stdin.write(`${body}\n`);
  }

  notify(body) {
    this.#child.stdin.write(`${body}\n`);
  }

  close() {
    return new Promise((resolve) => {
      this.#child.once('exit', resolve);
      this.#child.stdin.end();
    });
  }

  #line(bytes) {
    // The id stands in the first bytes of every answer of the bench's own upstream.
    const id = Number(/"id":(\d+)/.exec(bytes.toString('latin1', 0, 64))?.[1]);
    const done = this.#waiting.get(id);
    this.#waiting.delete(id);
    done?.(200, '', bytes);
  }
}
