// The files of the OpenAPI page, packed into dist/docs-page/: Swagger UI comes from the development dependencies, so
// that nothing of it is installed with the product.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const own = join(root, 'src/faces/openapi/page');

const files = {
  'swagger-ui.js': [join(swagger, 'swagger-ui-bundle.js')],
  'swagger-ui.css': [join(swagger, 'swagger-ui.css')],
  'page.js': [join(own, 'page.js')],
  'page.css': [join(own, 'page.css')],
  LICENSE: ['NOTICE', 'LICENSE', 'swagger-ui-bundle.js.LICENSE.txt'].map((name) => join(swagger, name)),
};

/** Writes the files below `dist`, a folder. */
export function buildDocsPage(dist) {
  const target = join(dist, 'docs-page');
  mkdirSync(target, { recursive: true });
  for (const [name, sources] of Object.entries(files)) {
    const text = sources
      .map((file) => readFileSync(file, 'utf8').replace(/\n?\/[/*]# sourceMappingURL=[^\n]*/, ''))
      .join('\n');
    writeFileSync(join(target, `${name}.gz`), gzipSync(text, { level: 9 }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildDocsPage(join(root, 'dist'));
