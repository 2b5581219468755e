// One caller of the load generator over HTTP+SSE (2024-11-05): a stream whose first event names where to POST, requests
// by POST, and their answers over the stream. Bare sockets, as http-caller.mjs.
import { connect } from 'node:net';
import { HttpCaller } from './http-caller.mjs';

export class SseCaller {
  #url;
  #socket;
  #poster;
  /** Whether the head of the stream's response is behind us. */
  #headed = false;
  /** Bytes that are not a whole chunk, and text that is not a whole event yet. */
  #bytes;
  #text;
  #endpoint;
  #accepted = false;
  #answer;
  #done;
  #failed;

  constructor(url) {
    this.#url = new URL(url);
  }

  /** Opens the stream, and the connection for what is posted. */
  async open() {
    const path = await new Promise((resolve, reject) => {
      this.#endpoint = resolve;
      this.#failed = reject;
      this.#socket = connect({ port: Number(this.#url.port), host: this.#url.hostname, noDelay: true });
      this.#socket.on('error', (error) => this.#fail(error));
      this.#socket.on('close', () => this.#fail(new Error('the stream was closed')));
      this.#socket.on('data', (chunk) => this.#data(chunk));
      const { pathname, search, host } = this.#url;
      this.#socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`);
    });
    this.#endpoint = undefined;
    this.#failed = undefined;
    this.#poster = new HttpCaller(new URL(path, this.#url).href);
    await this.#poster.open();
  }

  /** As that of HttpCaller, for what is posted; the stream stays open. */
  async ready() {
    await this.#poster.ready();
  }

  /** Sends a request; `done(200, '', body)` once it was accepted and its answer has come: the next may not overtake. */
  send(body, done, failed) {
    this.#accepted = false;
    this.#answer = undefined;
    this.#done = done;
    this.#failed = failed;
    this.#poster.send(body, this.#onAccepted, this.#onFailed);
  }

  /** Sends a message that has no answer. */
  notify(body) {
    return new Promise((resolve, reject) => this.#poster.send(body, resolve, reject));
  }

  close() {
    this.#done = undefined;
    this.#failed = undefined;
    this.#poster?.close();
    this.#socket?.destroy();
  }

  #onAccepted = (status, _head, body) => {
    if (status >= 300) return this.#fail(new Error(`HTTP ${status}: ${body.toString('utf8', 0, 300)}`));
    this.#accepted = true;
    this.#finish();
  };

  #onFailed = (error) => this.#fail(error);

  #finish() {
    if (!this.#accepted || this.#answer === undefined) return;
    const done = this.#done;
    this.#done = undefined;
    this.#failed = undefined;
    done?.(200, '', this.#answer);
  }

  #fail(error) {
    const failed = this.#failed;
    this.#done = undefined;
    this.#failed = undefined;
    failed?.(error);
  }

  #data(chunk) {
    let bytes = this.#bytes === undefined ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = undefined;
    if (!this.#headed) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#bytes = bytes;
        return;
      }
      const head = bytes.latin1Slice(0, end);
      if (!head.startsWith('HTTP/1.1 200') || !/\ntransfer-encoding: *chunked/i.test(head)) {
        return this.#fail(new Error(`no stream: ${head.slice(0, 300)}`));
      }
      this.#headed = true;
      bytes = bytes.subarray(end + 4);
    }
    while (bytes.length > 0) {
      const line = bytes.indexOf('\r\n');
      const size = line === -1 ? -1 : Number.parseInt(bytes.latin1Slice(0, line), 16);
      if (size === 0) return this.#fail(new Error('the stream was closed'));
      if (line === -1 || bytes.length < line + 4 + size) {
        this.#bytes = bytes;
        return;
      }
      this.#events(bytes.subarray(line + 2, line + 2 + size));
      bytes = bytes.subarray(line + 4 + size);
    }
  }

  /** Takes the events out of the text of the stream; an empty line ends each. */
  #events(piece) {
    const text = this.#text === undefined ? piece : Buffer.concat([this.#text, piece]);
    let from = 0;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', from)) {
      this.#event(text.subarray(from, end));
      from = end + 2;
    }
    this.#text = from === text.length ? undefined : text.subarray(from);
  }

  #event(event) {
    const at = event.indexOf('data:');
    if (at === -1) return;
    const data = event.subarray(event[at + 5] === 0x20 ? at + 6 : at + 5);
    if (this.#endpoint !== undefined) return this.#endpoint(data.toString());
    // What a server says of itself in between (a list has changed, a ping) is nobody's answer.
    if (data.toString('latin1', 0, 60).includes('"method"')) return;
    this.#answer = data;
    this.#finish();
  }
}
