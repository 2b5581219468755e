// The dashboard, packed into dist/ui/: its sources are in web/, its libraries are development dependencies, so that
// nothing of them is installed with the product. Names of files hold a hash of what is in them.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const web = join(root, 'web');

/** Writes the files below `dist`, a folder; gives the bundler's output. */
export async function buildUi(dist) {
  const target = join(dist, 'ui');
  mkdirSync(join(target, 'assets'), { recursive: true });
  const bundle = await rolldown({
    cwd: root,
    input: { main: join(web, 'main.tsx') },
    platform: 'browser',
    tsconfig: join(web, 'tsconfig.json'),
  });
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    entryFileNames: '[name]-[hash].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
  for (const { fileName, code } of output) pack(join(target, 'assets', fileName), code);
  const script = output.find(({ isEntry }) => isEntry).fileName;
  const style = styles();
  const styleName = `main-${createHash('sha256').update(style).digest('base64url').slice(0, 8)}.css`;
  pack(join(target, 'assets', styleName), style);
  const page = readFileSync(join(web, 'index.html'), 'utf8')
    .replace('styles.css', `ui/assets/${styleName}`)
    .replace('main.js', `ui/assets/${script}`);
  pack(join(target, 'index.html'), page);
  return output;
}

/** All style sheets as one, without comments and indentation. */
function styles() {
  return readdirSync(join(web, 'styles'))
    .sort()
    .map((name) => readFileSync(join(web, 'styles', name), 'utf8'))
    .join('\n')
    .replace(/\/\*.*?\*\//gs, '')
    .replace(/\s*\n\s*/g, '\n')
    .trim();
}

function pack(path, text) {
  const bytes = Buffer.from(text);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildUi(join(root, 'dist'));
