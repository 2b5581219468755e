// One caller of the load generator: a bare socket that sends a request and reads its whole answer. Anything fancier
// would cost more than what is measured.
import { connect } from 'node:net';

export class HttpCaller {
  #socket;
  #url;
  #head;
  #chunks = [];
  #size = 0;
  /** How many bytes the answer has with its head; -1 while the head is not whole, -2 for chunked. */
  #expected = -1;
  #headEnd = 0;
  #status = 0;
  #text = '';
  #done;
  #failed;

  constructor(url, headers = {}) {
    this.#url = new URL(url);
    this.headers(headers);
  }

  /** Replaces what every request says besides its length. */
  headers(headers) {
    const lines = Object.entries({
      host: this.#url.host,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head = `${this.#url.pathname}${this.#url.search} HTTP/1.1\r\n${lines.join('')}`;
  }

  open() {
    return new Promise((resolve, reject) => {
      this.#socket = connect({ port: Number(this.#url.port), host: this.#url.hostname, noDelay: true });
      this.#socket.once('connect', resolve);
      this.#socket.on('error', (error) => {
        reject(error);
        this.#fail(error);
      });
      this.#socket.on('close', () => this.#fail(new Error('connection closed')));
      this.#socket.on('data', (chunk) => this.#data(chunk));
    });
  }

  get broken() {
    return this.#socket === undefined || this.#socket.destroyed;
  }

  /** Dials again where the server has closed a connection that was idle. */
  async ready() {
    if (this.broken) await this.open();
  }

  close() {
    this.#done = undefined;
    this.#failed = undefined;
    this.#socket?.destroy();
  }

  /** Sends `body`; `done(status, head, body)` with the head's text and the body's bytes, SSE and chunks undone. */
  send(body, done, failed, extra = '') {
    this.#done = done;
    this.#failed = failed;
    this.#socket.write(`POST ${this.#head}${extra}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  get(done, failed) {
    this.#done = done;
    this.#failed = failed;
    this.#socket.write(`GET ${this.#head}\r\n`);
  }

  #fail(error) {
    const failed = this.#failed;
    this.#done = undefined;
    this.#failed = undefined;
    this.#chunks = [];
    this.#size = 0;
    this.#expected = -1;
    failed?.(error);
  }

  #data(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#expected === -1) {
      const first = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      const end = first.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.#chunks = [first];
      this.#headEnd = end + 4;
      this.#text = first.latin1Slice(0, end);
      this.#status = Number(this.#text.slice(9, 12));
      const length = /\ncontent-length: *(\d+)/i.exec(this.#text);
      if (length !== null) this.#expected = this.#headEnd + Number(length[1]);
      else this.#expected = /\ntransfer-encoding: *chunked/i.test(this.#text) ? -2 : this.#headEnd;
    }
    if (this.#expected === -2 ? !this.#chunkedEnd() : this.#size < this.#expected) return;
    const whole = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    let body = whole.subarray(this.#headEnd);
    if (this.#expected === -2) body = dechunk(body);
    if (this.#text.includes('text/event-stream')) body = lastEvent(body);
    this.#chunks = [];
    this.#size = 0;
    this.#expected = -1;
    const done = this.#done;
    this.#done = undefined;
    this.#failed = undefined;
    done?.(this.#status, this.#text, body);
  }

  /** One answer at a time, so the last chunk ends what has come. */
  #chunkedEnd() {
    const last = this.#chunks.at(-1);
    if (last.length < 5 && this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks.at(-1).subarray(-5).toString('latin1') === '0\r\n\r\n';
  }
}

function dechunk(bytes) {
  const parts = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.latin1Slice(at, line), 16);
    if (size === 0) return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 4 + size;
  }
}

/** The data of the last event of a stream: the answer, whatever came before it. */
function lastEvent(bytes) {
  const at = bytes.lastIndexOf('data:');
  return bytes.subarray(at + 5, bytes.indexOf('\n', at)).subarray(bytes[at + 5] === 0x20 ? 1 : 0);
}
