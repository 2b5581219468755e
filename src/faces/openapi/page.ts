// The interactive page: an HTML shell around static files of ours, made at build time (scripts/build-docs-page.mjs).
// Nothing is loaded from anywhere else, and nothing an upstream says is ever markup here.
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { PAGE_HEADERS, StaticFiles } from '../../http/static-files.ts';

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
    ...PAGE_HEADERS,
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

/** The static files: beside the bundle; and where a build has put them, for a gateway that runs from its sources. */
export function pageFiles(): StaticFiles {
  const places = ['./docs-page/', '../../../dist/docs-page/'];
  return new StaticFiles(places.map((place) => fileURLToPath(new URL(place, import.meta.url))));
}
