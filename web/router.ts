// Where the reader is: the part of the address behind `#/`, so that one file serves every page.
import { signal } from '@preact/signals';

export interface Place {
  /** First part of the path. */
  page: string;
  /** The other parts, decoded. */
  rest: readonly string[];
  query: URLSearchParams;
}

function read(): Place {
  const [path = '', words = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [page = '', ...rest] = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return {
    page: page === '' ? 'overview' : page,
    rest: rest.filter((part) => part !== ''),
    query: new URLSearchParams(words),
  };
}

export const place = signal<Place>(read());
addEventListener('hashchange', () => {
  place.value = read();
});

/** An address of the dashboard, for links. */
export function to(page: string, rest: readonly string[] = [], query: Record<string, string | undefined> = {}): string {
  const words = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '',
  );
  const asked = words.length === 0 ? '' : `?${new URLSearchParams(words)}`;
  return `#/${[page, ...rest].map(encodeURIComponent).join('/')}${asked}`;
}

export function go(address: string): void {
  location.hash = address;
}

/** Another address without a step in the history. */
export function replace(address: string): void {
  history.replaceState(null, '', address);
  place.value = read();
}

/** Changes parts of this page's search; the others stay as they are now. */
export function changeQuery(part: Record<string, string | undefined>): void {
  // From the address itself: who has just followed a link is there already, before `place` hears of it.
  const { page, rest, query } = read();
  replace(to(page, rest, { ...Object.fromEntries(query), ...part }));
}
