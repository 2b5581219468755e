import { afterEach, describe, expect, test, vi } from 'vitest';
import { addressOf, ResultStore } from './results.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('10.27: kept results', () => {
  test('pages are cut between characters and lead to the next one', () => {
    const store = new ResultStore();
    const text = '中文🙂a'.repeat(1_000);
    const { id } = store.keep(text, 'me') as { id: string };
    let whole = '';
    let uri: string | undefined = addressOf(id, 0, 100);
    let pages = 0;
    while (uri !== undefined) {
      const page = store.read(uri, 'me', 1_000);
      expect(page.text).not.toContain('\uFFFD');
      whole += page.text;
      pages++;
      uri = page.next;
    }
    expect(whole).toBe(text);
    expect(pages).toBeGreaterThan(10);
    store.close();
  });

  test('odd ranges are put right', () => {
    const store = new ResultStore();
    const { id } = store.keep('0123456789', 'me') as { id: string };
    const read = (query: string) => store.read(`holdfast://result/${id}${query}`, 'me', 100).text;
    expect(read('')).toBe('0123456789');
    expect(read('?from=3&to=5')).toBe('34');
    expect(read('?from=9&to=2')).toBe('');
    expect(read('?from=-5&to=x')).toBe('0123456789');
    expect(read('?from=1e9')).toBe('123456789');
    expect(() => store.read('holdfast://result/../etc', 'me', 100)).toThrow(
      expect.objectContaining({ fault: 'RESOURCE_UNKNOWN' }),
    );
    store.close();
  });

  test('the same principal only, 10 minutes, the oldest out first', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const store = new ResultStore({ total: 100 });
    const uri = (id: string) => addressOf(id, 0, 10);
    const keep = (text: string) => (store.keep(text, 'me') as { id: string }).id;
    const first = keep('a'.repeat(60));
    expect(() => store.read(uri(first), 'you', 100)).toThrow('no result is kept');
    const second = keep('b'.repeat(60));
    expect(() => store.read(uri(first), 'me', 100)).toThrow(
      expect.objectContaining({ fault: 'RESOURCE_UNKNOWN', hint: expect.stringContaining('call the tool again') }),
    );
    expect(store.keep('c'.repeat(101), 'me')).toBeUndefined();
    expect(store.read(uri(second), 'me', 100).total).toBe(60);
    vi.advanceTimersByTime(601_000);
    expect(() => store.read(uri(second), 'me', 100)).toThrow('no result is kept');
    expect(vi.getTimerCount()).toBe(0);
    store.close();
  });
});
