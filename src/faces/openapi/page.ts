// The interactive page: an HTML shell around static files of ours, made at build time (scripts/build-docs-page.mjs).
// Nothing is loaded from anywhere else, and nothing an upstream says is ever markup here.
import { existsSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { HttpExchange } from '../../http/listener.ts';

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

const SAFE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

export interface PageLink {
  name: string;
  href: string;
}

export interface PageInput {
  title: string;
  /** Where the document is, seen from the page. */
  spec: string;
  /** Where the static files are, seen from the page, with a slash at the end. */
  assets: string;
  links: readonly PageLink[];
  /** Whether calls need a key: then there is a field for one. */
  secured: boolean;
}

export function sendPage(response: ServerResponse, input: PageInput): void {
  const bytes = Buffer.from(html(input));
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-cache',
  });
  response.end(bytes);
}

function html({ title, spec, assets, links, secured }: PageInput): string {
  const key = `<form id="key-form"><label for="key">Key</label> <input id="key" type="password" autocomplete="off" placeholder="API key" spellcheck="false"> <button type="submit">Use</button> <span id="key-state" role="status"></span></form>`;
  const list = links.map(({ name, href }) => `<li><a href="${escaped(href)}">${escaped(name)}</a></li>`).join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${escaped(assets)}swagger-ui.css">
<link rel="stylesheet" href="${escaped(assets)}page.css">
</head>
<body>
<header><strong>${escaped(title)}</strong>${list === '' ? '' : `<nav aria-label="Upstreams"><ul>${list}</ul></nav>`}${secured ? key : ''}</header>
<main id="docs" data-spec="${escaped(spec)}"></main>
<noscript><p>This page needs JavaScript. The document itself: <a href="${escaped(spec)}">${escaped(spec)}</a></p></noscript>
<script src="${escaped(assets)}swagger-ui.js"></script>
<script src="${escaped(assets)}page.js"></script>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);
}

const TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  LICENSE: 'text/plain; charset=utf-8',
};

/** The static files, read from disk when somebody opens the page first. */
export class PageAssets {
  readonly #read = new Map<string, Buffer>();

  /** Answers with the file of this name; false when there is none. */
  send(name: string, { request, response }: HttpExchange): boolean {
    const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    const zipped = type === undefined ? undefined : this.#file(name);
    if (type === undefined || zipped === undefined) return false;
    const zip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const bytes = zip ? zipped : gunzipSync(zipped);
    response.writeHead(200, {
      ...SAFE_HEADERS,
      'content-type': type,
      'content-length': bytes.length,
      ...(zip && { 'content-encoding': 'gzip' }),
      vary: 'Accept-Encoding',
      'cache-control': 'public, max-age=3600',
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return true;
  }

  #file(name: string): Buffer | undefined {
    let bytes = this.#read.get(name);
    if (bytes !== undefined) return bytes;
    const folder = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) =>
      existsSync(join(path, `${name}.gz`)),
    );
    if (folder === undefined) return undefined;
    bytes = readFileSync(join(folder, `${name}.gz`));
    this.#read.set(name, bytes);
    return bytes;
  }
}

/** Beside the bundle; and where a build has put them, for a gateway that runs from its sources. */
const PLACES = ['./docs-page/', '../../../dist/docs-page/'] as const;
