// Which short cuts are taken on the way of a message. None may change what a client sees: the conformance suite runs
// with all of them forced and with none (`HOLDFAST_FAST_PATHS=always` or `never`; CONTRIBUTING.md). Nobody else sets it.
const asked = process.env.HOLDFAST_FAST_PATHS;

/** Up to so many bytes a message of an upstream is proved to be JSON; above, one structural pass over it has to do. */
export const PARSE_LIMIT = asked === 'never' ? Number.POSITIVE_INFINITY : asked === 'always' ? 0 : 64 * 1024;

/** Whether a small answer in the plain shape is looked at in its parts. */
export const PLAIN_FIRST = asked !== 'never';

/** From so many bytes on a small answer in the plain shape is checked to be JSON in place of being parsed. */
export const CHECK_FROM = 512;

/** From so many bytes on a message stays in the pieces in which it came. */
export const PIECES_FROM = PARSE_LIMIT;

/** Whether the pieces of a short HTTP message are written as one. */
export const WRITES_AS_ONE = asked !== 'never';
