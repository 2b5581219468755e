// Names that somebody may have meant in a configuration, for hints.
import { nearest } from '../core/nearest.ts';

/** `did you mean "a" or "b"?`, or nothing. */
export function didYouMean(word: string, names: Iterable<string>): string | undefined {
  const found = nearest(word, names).map((name) => `"${name}"`);
  return found.length === 0 ? undefined : `did you mean ${found.join(' or ')}?`;
}
