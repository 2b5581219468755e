// node bench/profile.mjs FILE.cpuprofile [lines]: where the time of a profile went, by function and by source file,
// mapped back through the source maps of the build. Garbage collection and idle time are shown apart.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

const [file, lines = '45'] = process.argv.slice(2);
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
const byId = new Map(nodes.map((node) => [node.id, node]));
const maps = new Map();

/** Where a frame of a bundle comes from. */
function origin({ functionName, url, lineNumber, columnNumber }) {
  if (!url.startsWith('file:')) return { place: url === '' ? '(native)' : url, name: functionName };
  const path = fileURLToPath(url);
  if (!maps.has(path))
    maps.set(path, existsSync(`${path}.map`) ? new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8'))) : null);
  const entry = maps.get(path)?.findEntry(lineNumber, columnNumber);
  const place = (entry?.originalSource ?? path).replace(/^.*node_modules\//, '').replace(/^.*?(src\/)/, '$1');
  return {
    place: entry?.originalLine === undefined ? place : `${place}:${entry.originalLine + 1}`,
    name: functionName,
  };
}

const self = new Map();
let idle = 0;
let busy = 0;
samples.forEach((id, index) => {
  const { callFrame } = byId.get(id);
  const took = timeDeltas[index];
  if (callFrame.functionName === '(idle)') {
    idle += took;
    return;
  }
  busy += took;
  self.set(id, (self.get(id) ?? 0) + took);
});

const functions = new Map();
const files = new Map();
for (const [id, took] of self) {
  const { place, name } = origin(byId.get(id).callFrame);
  const add = (map, key) => map.set(key, (map.get(key) ?? 0) + took);
  add(functions, `${name || '(anonymous)'}  ${place}`);
  add(files, place.replace(/:\d+$/, ''));
}

// Time in a function and all it called, once per stack.
const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
const inclusive = new Map();
const charged = new Map();
for (const [id, took] of self) {
  const seen = new Set();
  let nearest;
  let root = '';
  for (let at = id; at !== undefined; at = parents.get(at)) {
    const { place, name } = origin(byId.get(at).callFrame);
    if (name !== '(root)') root = `${name || '(anonymous)'}  ${place}`;
    if (!place.startsWith('src/')) continue;
    nearest ??= `${name || '(anonymous)'}  ${place}`;
    const key = `${name || '(anonymous)'}  ${place}`;
    if (seen.has(key)) continue;
    seen.add(key);
    inclusive.set(key, (inclusive.get(key) ?? 0) + took);
  }
  const key = nearest ?? `[${root}]`;
  charged.set(key, (charged.get(key) ?? 0) + took);
}

const show = (title, map) => {
  process.stdout.write(`\n${title}\n`);
  for (const [key, took] of [...map].sort((a, b) => b[1] - a[1]).slice(0, Number(lines))) {
    process.stdout.write(`${((took / busy) * 100).toFixed(1).padStart(5)} %  ${key}\n`);
  }
};
process.stdout.write(`busy ${(busy / 1000).toFixed(0)} ms, idle ${(idle / 1000).toFixed(0)} ms\n`);
show('own time by function', functions);
show('own time by file', files);
show('charged to our nearest function, else to [where Node began]', charged);
show('our functions with all they called', inclusive);
