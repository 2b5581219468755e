// Bodies that come compressed although we ask for plain ones. Bytes are handed on as they come out, so whoever counts
// them can stop a bomb early (F-H20).
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

export interface Decoder {
  /** False when it cannot take more at the moment; `drain` is called when it can. */
  push(chunk: Buffer): boolean;
  end(): void;
  close(): void;
}

export interface DecoderEvents {
  data(chunk: Buffer): void;
  end(): void;
  drain(): void;
  failed(error: Error): void;
}

/** A decoder for one `Content-Encoding`; one that fails at once for an encoding we do not know. */
export function decoderFor(encoding: string, events: DecoderEvents): Decoder {
  const stream = streamFor(encoding.trim().toLowerCase());
  if (stream === undefined) {
    queueMicrotask(() => events.failed(new Error('the content encoding is not known')));
    return { push: () => true, end: () => {}, close: () => {} };
  }
  stream.on('data', events.data);
  stream.once('end', events.end);
  stream.on('drain', events.drain);
  stream.once('error', events.failed);
  return {
    push: (chunk) => stream.write(chunk),
    end: () => stream.end(),
    close: () => {
      stream.off('data', events.data);
      stream.destroy();
    },
  };
}

/** Bytes that come out at a time: each piece is a way to a thread and back, and a bomb of 16 KB pieces has 1,600 of them. */
const chunkSize = 64 * 1024;

function streamFor(encoding: string) {
  const flush = { flush: constants.Z_SYNC_FLUSH, chunkSize };
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip(flush);
  if (encoding === 'deflate') return createInflate(flush);
  if (encoding === 'br') return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH, chunkSize });
  return undefined;
}
