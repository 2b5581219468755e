// The documentation is held to the product: what is generated is fresh, what it points to exists, what it shows works.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliDocs } from '../scripts/docs/cli.ts';
import { declaredEvents, EVENTS, eventDocs } from '../scripts/docs/events.ts';
import { faultDocs } from '../scripts/docs/faults.ts';
import { createProgram } from '../src/cli/program.ts';
import { parseJson } from '../src/config/document.ts';
import { loadConfig } from '../src/config/load.ts';
import { configSchema } from '../src/config/schema.ts';
import { createGateway, type Gateway } from '../src/index.ts';
import { makeTempDir, removeDir } from './support/temp-dir.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const tree = (folder: string, end: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end) && !/(^|\/)(node_modules|dist)\//.test(name))
    .map((name) => join(folder, name));

const PAGES = [
  ...['README.md', 'README.zh-CN.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...tree('docs', '.md'),
  ...tree('examples', '.md'),
];

/** Blocks of code of one language, as they are written. */
function blocks(page: string, language: string): string[] {
  return [...read(page).matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text as string);
}

describe('generated pages', () => {
  it.each(Object.entries({ ...faultDocs(), ...eventDocs(), ...cliDocs() }))(
    '%s is what `npm run docs` writes',
    (path, text) => {
      expect(read(path)).toBe(text);
    },
  );

  it('has a sentence for every event', () => {
    const events = declaredEvents();
    expect(events.length).toBeGreaterThan(7);
    const silent = events.flatMap(({ names, comment }) => names.filter((name) => (EVENTS[name] ?? comment) === ''));
    expect(silent, 'say above the type in src/core/events.ts when it happens').toEqual([]);
  });
});

describe('requirements', () => {
  const ID = /\b(?:[A-EUX]-\d{2}|F-[A-Z]\d{1,2}|MP\d{1,2}|S0|(?:8|10|12)\.\d{1,2})\b/g;

  it('explains every id that a test carries in its name', () => {
    const known = new Set(
      [...read('docs/explanation/requirements.md').matchAll(/\*\*([^*]+)\*\*/g)].map(([, id]) => id),
    );
    const missing: string[] = [];
    for (const file of [...tree('src', '.test.ts'), ...tree('test', '.test.ts')]) {
      const text = read(file);
      const names = [/\b(?:it|test|describe)(?:\.\w+)*\(\s*(['"`])(.*?)\1/gs, /\)\(\s*(['"`])(.*?)\1/gs];
      for (const [, , name = ''] of names.flatMap((pattern) => [...text.matchAll(pattern)])) {
        for (const id of name.match(ID) ?? []) if (!known.has(id)) missing.push(`${id} (${file})`);
      }
    }
    expect(missing, 'add a line to docs/explanation/requirements.md').toEqual([]);
  });
});

describe('links', () => {
  /** Names of headings as they are linked to. */
  const anchors = (page: string): string[] =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it.each(PAGES)('of %s lead somewhere', (page) => {
    const broken: string[] = [];
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      if (!existsSync(join(root, file))) broken.push(target);
      else if (anchor !== undefined && !anchors(file).includes(anchor)) broken.push(target);
    }
    expect(broken).toEqual([]);
  });

  it('every page can be reached from the README', () => {
    const reached = new Set<string>();
    const follow = (page: string): void => {
      if (reached.has(page) || !page.endsWith('.md') || !existsSync(join(root, page))) return;
      reached.add(page);
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s]+)/g))
        if (!/^[a-z]+:/.test(target)) follow(relative(root, resolve(root, dirname(page), target)));
    };
    follow('README.md');
    expect(
      PAGES.filter((page) => !reached.has(page)),
      'link it in README.md and README.zh-CN.md',
    ).toEqual([]);
  });
});

describe('the READMEs', () => {
  it('begin with one sentence and the two commands', () => {
    for (const page of ['README.md', 'README.zh-CN.md']) {
      const [title, sentence, commands] = read(page).split('\n\n');
      expect(title).toBe('# Holdfast');
      expect(sentence?.split('\n')).toHaveLength(1);
      expect(commands).toMatch(/^```sh\nnpm install && npm start .*\nnpm install && npm test .*\n```$/);
    }
  });

  it('say the same in both languages: commands, code, links, rows', () => {
    const shape = (page: string) => {
      const text = read(page);
      return {
        code: [...text.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, code = '']) => code.replace(/ +# .*$/gm, '')),
        links: [...text.matchAll(/\]\(([^)\s]+)\)/g)]
          .map(([, link]) => link?.replace('.zh-CN', ''))
          .filter((link) => link !== 'README.md'),
        rows: text.split('\n').filter((line) => line.startsWith('|')).length,
        headings: [...text.matchAll(/^(#+) /gm)].map(([, level]) => level),
      };
    };
    const sorted = ({ links, ...rest }: ReturnType<typeof shape>) => ({ ...rest, links: [...links].sort() });
    expect(sorted(shape('README.zh-CN.md'))).toEqual(sorted(shape('README.md')));
  });
});

const COMPATIBLE = ['mcpo', 'mcpx', 'mcpx-sse', 'mcpx-toolkit', 'xiaozhi'];

/** What only a configuration has at its top. */
const CONFIGURATION = [...Object.keys(configSchema.shape), 'mcpServers', 'servers'];

describe('what is shown', () => {
  const json = PAGES.flatMap((page) =>
    [...blocks(page, 'json'), ...blocks(page, 'jsonc')].map((text) => ({ page, text })),
  );

  it.each(json)('the JSON in $page is JSON, and read where it is a configuration: $text', async ({ page, text }) => {
    const env = Object.fromEntries(
      [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => [name, 'https://x.example']),
    );
    const parsed = parseJson(text, page);
    expect(parsed.ok).toBe(true);
    const keys = parsed.ok ? Object.keys(parsed.document.value as object) : [];
    if (!keys.some((key) => CONFIGURATION.includes(key))) return;
    const result = await loadConfig({ text, file: join(root, page), env });
    expect(result.ok ? [] : result.problems).toEqual([]);
  });

  it('every command and option that a page names exists', () => {
    const { commands } = createProgram();
    const wrong: string[] = [];
    for (const page of PAGES.filter((name) => name !== 'docs/reference/cli.md')) {
      const shell = [...blocks(page, 'sh'), ...blocks(page, 'ini')].join('\n').replace(/\\\n/g, ' ');
      const inline = [...read(page).matchAll(/`(holdfast [^`]+)`/g)].map(([, text]) => text).join('\n');
      const line = /^(?:\w+=\S+ |ExecStart=\S*\/)*(?:holdfast|node dist\/main\.js) ([\w-]+)(.*)/gm;
      for (const [, name = '', rest = ''] of `${shell}\n${inline}`.matchAll(line)) {
        const outer = commands.find((one) => one.name() === name || one.aliases().includes(name));
        const inner = /^ ([\w-]+)/.exec(rest)?.[1];
        const command = outer?.commands.find((one) => one.name() === inner) ?? outer;
        if (command === undefined) wrong.push(`${page}: ${name}`);
        // A command that stands in for another program reads its options itself.
        if (command === undefined || COMPATIBLE.includes(name)) continue;
        const options = rest.split(' -- ')[0]?.match(/(?<= )--?[a-z][a-z-]*/g) ?? [];
        for (const option of options)
          if (!command.options.some(({ short, long }) => option === short || option === long))
            wrong.push(`${page}: ${name} ${option}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('every npm script that a page names exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name]) => name),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => scripts[name as string] === undefined)).toEqual([]);
  });
});

describe('docs/reference/routes.md', () => {
  let folder: string;
  let gateway: Gateway;
  let url: string;

  beforeAll(async () => {
    folder = await makeTempDir('docs');
    const demo = join(root, 'test/servers/plain/stdio.mjs');
    const config = {
      upstreams: { demo: { command: process.execPath, args: [demo], start: 'on-demand' as const } },
      views: { small: { upstreams: ['demo'] } },
    };
    gateway = createGateway({ config, port: 0, dataDir: folder });
    url = await gateway.listen();
  });

  afterAll(async () => {
    await gateway.stop(0);
    await removeDir(folder);
  });

  const rows = read('docs/reference/routes.md')
    .split('\n')
    .filter((line) => line.startsWith('| `/'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |[`|]/g, '').trim()))
    .map(([route = '', methods = '', served = '']) => ({ route, method: methods.split(', ')[0] as string, served }));

  it.each([
    ['/docs', 'OpenAPI (REST) face'],
    ['/metrics', 'Metrics, diagnostics'],
    ['/api/v1/upstreams', 'Metrics, diagnostics'],
    ['/ui', 'Dashboard'],
  ])('says of %s the same as the README does (%s)', (path, part) => {
    const [, state = ''] =
      read('README.md')
        .split('\n')
        .find((line) => line.startsWith(`| ${part}`))
        ?.split(' | ') ?? [];
    expect(state).not.toBe('');
    const served = rows.find(({ route }) => route === path)?.served;
    expect(served).toBe(/^(not there|written and tested, not yet)/.test(state) ? 'not yet' : 'yes');
  });

  it.each(rows)('$method $route: $served', async ({ route, method, served }) => {
    const tool = route === '/{upstream}/{tool}';
    const path = route.replace('{upstream}', 'demo').replace('{view}', 'small').replace('{tool}', 'echo');
    const stop = new AbortController();
    const post = {
      body: tool ? '{}' : '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      headers: { 'content-type': 'application/json' },
    };
    const answer = await fetch(url + path, {
      method,
      redirect: 'manual',
      signal: stop.signal,
      ...(method === 'POST' && post),
    });
    // A stream has no end; whatever else it is, a route that is not there says so.
    const streams = answer.headers.get('content-type')?.includes('event-stream') === true;
    const text = streams ? '' : await answer.text();
    stop.abort();
    const missing = answer.status === 404 && text.includes('nothing is served at');
    expect(served, `${answer.status} ${text.slice(0, 200)}`).toBe(missing ? 'not yet' : 'yes');
  });
});
