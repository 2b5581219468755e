// Pages of the gateway's own: files that the build has packed, read when somebody asks first, under one strict policy.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { HttpExchange } from './listener.ts';

/** Nothing inline, nothing evaluated, nothing from elsewhere, nothing framed. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
/** What is smaller comes first. */
const ENCODINGS = [
  { name: 'br', end: 'br' },
  { name: 'gzip', end: 'gz' },
] as const;

/** Files of one folder, each there as `<name>.gz`, and as `<name>.br` where the build made one. */
export class StaticFiles {
  readonly #places: readonly string[];
  readonly #read = new Map<string, Buffer | undefined>();
  #folder: string | undefined;

  /** The first of these folders that is there counts. */
  constructor(places: readonly string[]) {
    this.#places = places;
  }

  /** Whether the build has made them. */
  get there(): boolean {
    this.#folder ??= this.#places.find((place) => existsSync(place));
    return this.#folder !== undefined;
  }

  /** Answers with the file of this name; false when there is none. */
  send(name: string, { request, response }: HttpExchange, cache: string): boolean {
    const zipped = this.#file(`${name}.gz`);
    if (zipped === undefined) return false;
    const accepted = String(request.headers['accept-encoding'] ?? '');
    const encoding = ENCODINGS.find(
      (one) =>
        new RegExp(`\\b${one.name}\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$))`).test(accepted) &&
        this.#file(`${name}.${one.end}`),
    );
    const bytes = encoding === undefined ? gunzipSync(zipped) : (this.#file(`${name}.${encoding.end}`) as Buffer);
    response.writeHead(200, {
      ...PAGE_HEADERS,
      'content-type': TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain; charset=utf-8',
      'content-length': bytes.length,
      ...(encoding !== undefined && { 'content-encoding': encoding.name }),
      vary: 'Accept-Encoding',
      'cache-control': cache,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return true;
  }

  #file(name: string): Buffer | undefined {
    if (this.#read.has(name)) return this.#read.get(name);
    // Names are plain, so that no path leads out of the folder; what is not there is not remembered, or anybody could
    // fill the memory with names.
    if (!this.there || !/^[\w-]+(?:\.[\w-]+)*$/.test(name)) return undefined;
    const path = join(this.#folder as string, name);
    if (!existsSync(path)) return undefined;
    const bytes = readFileSync(path);
    this.#read.set(name, bytes);
    return bytes;
  }
}
