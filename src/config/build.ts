// Layers of settings to one checked, frozen configuration, or to everything that is wrong with them.
import type * as z from 'zod';
import { isObject, type JsonObject } from '../core/json.ts';
import { calledUpstreams, checkCustomTools, withAbsolutePaths } from './custom-rules.ts';
import { type Finding, findingsOf, valueAt } from './issues.ts';
import { type Layer, laidOver, mergeLayers, type Origins, originOf, put } from './layers.ts';
import { didYouMean } from './nearest.ts';
import { UNCOMPILED } from './parsing.ts';
import { type Path, type Problem, writePath } from './problem.ts';
import { type ReferenceSources, Resolver, resolvePath } from './references.ts';
import { isReserved } from './reserved.ts';
import { type Config, configSchema, type UpstreamConfig } from './schema.ts';
import { finishEndpoints } from './schema-endpoint.ts';
import { RESERVED_KEY_NAMES } from './schema-key.ts';
import { upstreamSchema } from './schema-upstream.ts';
import { finishUpstream } from './upstream.ts';

export interface BuildInput {
  file: string;
  /** The strongest last. */
  layers: readonly Layer[];
  /** Parts of the file that stronger layers say something about: what they hide is checked all the same. */
  hidden?: JsonObject | undefined;
  references: ReferenceSources;
  transports: readonly string[];
  /** Per upstream, what a foreign file says wrongly of it. */
  invalid: ReadonlyMap<string, readonly string[]>;
  /** Place of a native path in the file, of its key if `aboutKey`; and its path there, where that is another one. */
  place(path: Path, aboutKey: boolean): { line: number; column: number; path?: string };
}

export type Built =
  | { ok: true; config: Config; origins: Origins; warnings: Problem[] }
  | { ok: false; problems: Problem[] };

/** Parts whose references concern one upstream only, or that are nobody's to read. */
const RESOLVED_LATER: ReadonlySet<string> = new Set(['upstreams', 'defaults', 'extensions']);

/** Checks and finishes a configuration. Nothing is thrown; every problem is told at once. */
export function buildConfig(build: BuildInput): Built {
  const { input, origins } = mergeLayers(build.layers);
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const tell = (list: Problem[], { path, message, hint, aboutKey }: Finding) =>
    list.push({ path: writePath(path), ...placeOf(build, origins, path, aboutKey === true), message, hint });
  const resolver = new Resolver(build.references);
  // What an endpoint lacks concerns that endpoint only (12.1).
  const resolved = resolveTop(input, resolver, (path, names) =>
    tell(path[0] === 'endpoints' ? warnings : problems, { path, message: `${names.join(', ')} has no value` }),
  );
  const { parsed, findings, damaged } = parsePruned(resolved);
  for (const finding of findings) tell(problems, finding);
  problems.push(...hiddenProblems(build, new Set(problems.map(({ path }) => path))));
  const raw = isObject(resolved.upstreams) ? resolved.upstreams : {};
  const upstreams: Record<string, UpstreamConfig> = {};
  const defaults = sub(parsed.input, 'defaults');
  // Without defaults every upstream has been parsed with the whole.
  const done = Object.keys(defaults).length === 0 ? parsed.data.upstreams : {};
  for (const id of Object.keys(raw)) {
    const path = ['upstreams', id];
    if (id === '') tell(problems, { path, message: 'an upstream needs a name', aboutKey: true });
    if (isReserved(id))
      tell(problems, { path, message: 'this id is reserved', hint: `call it "${id}-1", say`, aboutKey: true });
    const merged = Object.hasOwn(done, id)
      ? done[id]
      : upstreamSchema.safeParse(laidOver(defaults, sub(parsed.input, 'upstreams', id)), UNCOMPILED).data;
    if (merged === undefined || !isObject(raw[id])) continue;
    const finished = finishUpstream(merged, {
      references: build.references,
      transports: build.transports,
      invalid: build.invalid.get(id) ?? [],
      damaged: damaged.has(id) || damaged.has(''),
      poolMinGiven: originOf(origins, [...path, 'pool', 'min']).source === 'file',
    });
    for (const finding of finished.findings) tell(problems, { ...finding, path: [...path, ...finding.path] });
    for (const reference of foreignReferences(finished.upstream))
      tell(warnings, {
        path,
        message: `${reference} is taken as it stands`,
        hint: `write \${env:NAME} for a variable`,
      });
    put(upstreams, id, finished.upstream);
  }
  const views = new Map<string, 'passthrough' | 'converged'>([
    ['passthrough', 'passthrough'],
    ['converged', 'converged'],
    ...Object.keys(upstreams).map((name) => [name, 'passthrough'] as const),
    ...(parsed.data.customTools.tools.length > 0 ? [['custom', 'passthrough'] as const] : []),
    ...Object.entries(parsed.data.views).map(([name, { style }]) => [name, style] as const),
  ]);
  const finished = finishEndpoints(parsed.input, views);
  for (const finding of finished.problems) tell(problems, finding);
  for (const finding of finished.warnings) tell(warnings, finding);
  const { $schema: _, defaults: __, endpointDefaults: ___, ...rest } = parsed.data;
  const config: Config = { ...rest, upstreams, endpoints: finished.endpoints, secrets: [...resolver.stored] };
  for (const finding of checkWhole(config)) tell(problems, finding);
  for (const finding of doubtful(config)) tell(warnings, finding);
  if (problems.length > 0) return { ok: false, problems: sorted(problems) };
  return { ok: true, config: freeze(finishPaths(config, build.references.directory)), origins, warnings };
}

interface Pruned {
  parsed: { data: z.output<typeof configSchema>; input: JsonObject };
  findings: Finding[];
  /** Upstreams from which something wrong was taken away; the empty name stands for `defaults`. */
  damaged: ReadonlySet<string>;
}

/**
 * Parses, and where that fails parses again without what was wrong, so that the checks behind it can tell their
 * findings too and a person sees all of them at once.
 */
function parsePruned(resolved: JsonObject): Pruned {
  const findings: Finding[] = [];
  const damaged = new Set<string>();
  let input = resolved;
  for (let round = 0; ; round++) {
    const result = configSchema.safeParse(input, UNCOMPILED);
    if (result.success) return { parsed: { data: result.data, input }, findings, damaged };
    const found = findingsOf(result.error, configSchema, input);
    const known = new Set(findings.map(({ path }) => writePath(path)));
    findings.push(...found.filter(({ path }) => !known.has(writePath(path))));
    for (const finding of found) {
      if (hidesTarget(finding)) damaged.add(finding.path[0] === 'upstreams' ? String(finding.path[1]) : '');
      input = without(input, finding.path);
    }
    if (round === MOST_ROUNDS) input = {};
  }
}

/** What is wrong in the file at places where a flag or a variable counts more: the next start may be without that. */
function hiddenProblems(build: BuildInput, known: ReadonlySet<string>): Problem[] {
  if (build.hidden === undefined || Object.keys(build.hidden).length === 0) return [];
  const { findings } = parsePruned(resolveTop(build.hidden, new Resolver(build.references), () => undefined));
  return findings
    .map(({ path, message, hint, aboutKey }) => ({
      path: writePath(path),
      file: build.file,
      ...build.place(path, aboutKey === true),
      message,
      hint,
    }))
    .filter(({ path }) => !known.has(path));
}

/** Every round takes something away; this many are never needed. */
const MOST_ROUNDS = 20;

/** Whether a finding may be the reason that an upstream seems to have neither command nor URL. */
function hidesTarget({ path, aboutKey }: Finding): boolean {
  const key = path[0] === 'defaults' ? path[1] : path[2];
  return (
    (path[0] === 'upstreams' || path[0] === 'defaults') &&
    (key === undefined || key === 'command' || key === 'url' || aboutKey === true)
  );
}

/** A copy without the value at a path; a list goes as a whole, as what is behind a hole would change its place. */
function without(root: JsonObject, path: Path): JsonObject {
  const list = path.findIndex((part) => typeof part === 'number');
  const whole = list === -1 ? path : path.slice(0, list);
  const gone = valueAt(root, whole) === undefined ? whole.slice(0, -1) : whole;
  const copy = (value: JsonObject, depth: number): JsonObject => {
    const result: JsonObject = {};
    for (const name of Object.keys(value)) {
      const inner = value[name];
      if (name !== gone[depth]) put(result, name, inner);
      else if (depth < gone.length - 1 && isObject(inner)) put(result, name, copy(inner, depth + 1));
    }
    return result;
  };
  return copy(root, 0);
}

function sub(root: JsonObject, ...path: string[]): JsonObject {
  const value = valueAt(root, path);
  return isObject(value) ? value : {};
}

function placeOf(build: BuildInput, origins: Origins, path: Path, aboutKey: boolean) {
  const { source, name } = originOf(origins, path);
  if (source === 'environment') return { file: `environment variable ${name}` };
  if (source === 'flag') return { file: name ?? 'command line' };
  if (source === 'overlay') return { file: name ?? 'overlay' };
  return { file: build.file, ...build.place(path, aboutKey) };
}

function sorted(problems: Problem[]): Problem[] {
  const at = ({ line = 0, column = 0 }: Problem) => line * 1e6 + column;
  return problems.sort((a, b) => at(a) - at(b));
}

/** Resolves references outside the upstreams; without a value there is nothing to go on with. */
function resolveTop(input: JsonObject, resolver: Resolver, missing: (path: Path, names: string[]) => void): JsonObject {
  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') {
      const before = resolver.unresolved.size;
      const text = resolver.resolve(value);
      if (resolver.unresolved.size > before) missing(path, [...resolver.unresolved].slice(before));
      return text;
    }
    if (Array.isArray(value)) return value.map((entry, index) => walk(entry, [...path, index]));
    if (!isObject(value)) return value;
    const result: JsonObject = {};
    for (const key of Object.keys(value))
      put(result, key, path.length === 0 && RESOLVED_LATER.has(key) ? value[key] : walk(value[key], [...path, key]));
    return result;
  };
  return walk(input, []) as JsonObject;
}

/** `${NAME}` in a native file is most likely a reference in the notation of another program. */
function foreignReferences(upstream: UpstreamConfig): string[] {
  const texts = [upstream.command ?? '', ...upstream.args, ...Object.values(upstream.env), upstream.url ?? ''];
  const found = [...texts, ...Object.values(upstream.headers)].flatMap((text) => text.match(/\$\{\w+\}/g) ?? []);
  return [...new Set(found)];
}

/** Mistakes that no single key shows. */
function checkWhole(config: Config): Finding[] {
  const findings: Finding[] = [];
  const names = new Map<string, string>(Object.keys(config.upstreams).map((id) => [id, `the upstream "${id}"`]));
  for (const [id, { alias }] of Object.entries(config.upstreams)) {
    if (alias === undefined || alias === id) continue;
    const path = ['upstreams', id, 'alias'];
    const owner = names.get(alias);
    if (owner !== undefined) findings.push({ path, message: `this name is taken by ${owner}` });
    else if (isReserved(alias)) findings.push({ path, message: 'this name is reserved' });
    else names.set(alias, `the alias of "${id}"`);
  }
  for (const name of Object.keys(config.views)) {
    const owner = names.get(name);
    const path = ['views', name];
    if (owner !== undefined) findings.push({ path, message: `this name is taken by ${owner}`, aboutKey: true });
    if (isReserved(name)) findings.push({ path, message: 'this name is reserved', aboutKey: true });
  }
  const { defaultView } = config;
  if (defaultView !== undefined) {
    const known = ['passthrough', 'converged', ...Object.keys(config.views), ...names.keys(), ...upstreamIds(config)];
    if (!known.includes(defaultView))
      findings.push({
        path: ['defaultView'],
        message: 'there is no view of this name',
        hint: didYouMean(defaultView, known),
      });
  }
  const keyNames = new Set<string>();
  config.keys.forEach(({ name, key, hash, roles, upstreams, tools, views }, index) => {
    const tell = (message: string, ...path: string[]) => findings.push({ path: ['keys', index, ...path], message });
    if ((key === undefined) === (hash === undefined)) tell('expected either "key" or "hash"');
    if (key === '') tell('must not be empty', 'key');
    if (keyNames.has(name)) tell('this name is used twice', 'name');
    if (RESERVED_KEY_NAMES.includes(name)) tell('this name is reserved', 'name');
    if (roles.includes('admin') && (upstreams ?? tools ?? views) !== undefined)
      tell('a key that may administrate reaches everything: give it no upstreams, tools or views', 'roles');
    keyNames.add(name);
  });
  findings.push(...checkCustomTools(config.customTools));
  return findings;
}

/** All that a view may name: custom tools are an upstream too, if there are any. */
function upstreamIds({ upstreams, customTools }: Config): string[] {
  return [...Object.keys(upstreams), ...(customTools.tools.length > 0 ? ['custom'] : [])];
}

/** What works but is hardly meant. */
function doubtful(config: Config): Finding[] {
  const findings: Finding[] = [];
  const ids = upstreamIds(config);
  for (const [name, view] of Object.entries(config.views))
    view.upstreams?.forEach((id, index) => {
      if (ids.includes(id)) return;
      const path = ['views', name, 'upstreams', index];
      findings.push({ path, message: 'there is no upstream of this name; ignored', hint: didYouMean(id, ids) });
    });
  config.customTools.tools.forEach(({ handler }, index) => {
    for (const { upstream, path } of calledUpstreams(handler))
      if (upstream !== 'custom' && !ids.includes(upstream))
        findings.push({
          path: ['customTools', 'tools', index, 'handler', ...path],
          message: 'there is no upstream of this name; this tool cannot work yet',
          hint: didYouMean(upstream, ids),
        });
  });
  config.keys.forEach(({ key, views }, index) => {
    if (key !== undefined && key.length < 16)
      findings.push({ path: ['keys', index, 'key'], message: 'this key is short enough to be guessed' });
    views?.forEach((name, at) => {
      if (Object.hasOwn(config.views, name)) return;
      const hint = didYouMean(name, Object.keys(config.views));
      findings.push({ path: ['keys', index, 'views', at], message: 'there is no view of this name; ignored', hint });
    });
  });
  return findings;
}

function finishPaths(config: Config, directory: string): Config {
  const { server, log, storage } = config;
  const prefix = `/${server.pathPrefix.split('/').filter(Boolean).join('/')}/`;
  const root = server.rootPath.split('/').filter(Boolean).join('/');
  return {
    ...config,
    customTools: withAbsolutePaths(config.customTools, directory),
    server: {
      ...server,
      pathPrefix: prefix === '//' ? '/' : prefix,
      rootPath: root === '' ? '' : `/${root}`,
      ...(server.tls !== undefined && {
        tls: { cert: resolvePath(server.tls.cert, directory), key: resolvePath(server.tls.key, directory) },
      }),
    },
    log: { ...log, ...(log.file !== undefined && { file: resolvePath(log.file, directory) }) },
    storage: { ...storage, ...(storage.dir !== undefined && { dir: resolvePath(storage.dir, directory) }) },
  };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
