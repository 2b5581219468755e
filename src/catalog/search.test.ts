import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type SearchDocument, ToolSearch } from './search.ts';

const tool = (
  server: string,
  name: string,
  description: string,
  properties: Record<string, unknown> = {},
): SearchDocument => ({
  id: `${server}/${name}`,
  server,
  name,
  definition: { name, description, inputSchema: { type: 'object', properties } },
});
const some = [
  tool('github', 'create_pull_request', 'Create a new pull request in a repository', { base: { type: 'string' } }),
  tool('github', 'list_issues', 'List issues of a repository'),
  tool('filesystem', 'read_text_file', 'Read the complete contents of a file', {
    path: { description: 'where it lies' },
  }),
  tool('browser', 'takeScreenshot', 'Captures the page as a picture'),
  tool('amap', 'maps_weather', '根据城市名称查询指定城市的天气'),
  tool('mail', 'send', 'Sends an email', { recipient: { type: 'string' } }),
];
const index = (documents: SearchDocument[] = some) => {
  const search = new ToolSearch();
  search.update(documents);
  return search;
};
const first = (question: string, search = index()) => search.search(question)[0]?.id;

describe('questions', () => {
  test.each([
    ['github create pull request', 'github/create_pull_request'],
    ['gihub creat pul reqest', 'github/create_pull_request'],
    ['take a screenshot', 'browser/takeScreenshot'],
    ['read files', 'filesystem/read_text_file'],
    ['recipient', 'mail/send'],
    ['城市天气', 'amap/maps_weather'],
    ['明天会下雨吗', 'amap/maps_weather'],
    ['发邮件', 'mail/send'],
    ['WEATHER', 'amap/maps_weather'],
  ])('%s → %s', (question, id) => {
    expect(first(question)).toBe(id);
  });

  test('only unknown words are corrected', () => {
    const search = index([tool('a', 'cat', 'shows a cat'), tool('b', 'car', 'drives a car')]);
    expect(search.search('car').map(({ id }) => id)).toEqual(['b/car']);
  });

  test('questions of nothing, of everything and of noise', () => {
    for (const question of ['', '   ', '???', '的', 'zzzzqqqq']) expect(index().search(question)).toEqual([]);
    expect(index([]).search('anything')).toEqual([]);
    expect(index().search('x '.repeat(100_000) + '天'.repeat(5_000))).toBeInstanceOf(Array);
  });
});

describe('kept current', () => {
  test('what is added, changed and removed is found, found anew, and gone', () => {
    const search = index();
    const changed = some
      .map((document) => (document.server === 'mail' ? tool('mail', 'send', 'Posts a parcel') : document))
      .slice(1);
    search.update([...changed, tool('x', 'frobnicate', 'Frobnicates')]);
    expect(first('frobnicate', search)).toBe('x/frobnicate');
    expect(first('parcel', search)).toBe('mail/send');
    expect(search.search('pull').some(({ id }) => id.includes('pull'))).toBe(false);
    search.update([]);
    expect(search.size).toBe(0);
    expect(search.search('parcel')).toEqual([]);
  });

  test('strange names and definitions', () => {
    const odd: SearchDocument[] = [
      { id: '1', server: 'a.b/c', name: `${'n'.repeat(300)}`, definition: { inputSchema: null, description: 7 } },
      {
        id: '2',
        server: '服务',
        name: 'inspect',
        definition: { inputSchema: { properties: { __proto__x: null, constructor: {} } }, title: '标题' },
      },
    ];
    expect(index(odd).search('constructor')[0]?.id).toBe('2');
    expect(index(odd).search('标题')[0]?.id).toBe('2');
  });
});

const corpus = new URL('../../test/corpus/', import.meta.url).pathname;
describe.runIf(existsSync(`${corpus}questions.json`))('the corpus', () => {
  const documents: SearchDocument[] = readdirSync(`${corpus}servers`).flatMap((file) => {
    const { server, tools, instructions } = JSON.parse(readFileSync(`${corpus}servers/${file}`, 'utf8'));
    return tools.map((definition: { name: string }) => ({
      id: `${server}/${definition.name}`,
      server,
      name: definition.name,
      definition,
      instructions,
    }));
  });
  const search = index(documents);
  const questions: { text: string; kind: string; expect: string[] }[] = JSON.parse(
    readFileSync(`${corpus}questions.json`, 'utf8'),
  );

  test.each([
    ['phrase', 0.9],
    ['typo', 0.9],
    ['phrase-zh', 0.8],
    ['raw', 0.6],
    ['raw-zh', 0.6],
  ])('recall@5 of %s questions is at least %f', (kind, least) => {
    const asked = questions.filter((question) => question.kind === kind);
    const found = asked.filter((question) =>
      search.search(question.text, 5).some(({ id }) => question.expect.includes(id)),
    );
    expect(found.length / asked.length).toBeGreaterThanOrEqual(least);
  });

  test('a question takes less than 5 ms', () => {
    const times = questions.map(({ text }) => {
      const start = performance.now();
      search.search(text);
      return performance.now() - start;
    });
    times.sort((a, b) => a - b);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(5);
  });
});
