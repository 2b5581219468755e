// What is wrong with the arguments of a call, told over REST as FastAPI tells it (requirements 12.4, X-08).

/** A place that does not fit its schema; `path` is a JSON pointer. */
export interface Violation {
  path: string;
  expected: string;
  got: string;
}

/** One thing that is wrong with a body, in FastAPI's words. */
export interface ValidationDetail {
  loc: (string | number)[];
  msg: string;
  type: string;
}

/** `/a/0/b` → `[...root, "a", 0, "b"]`; what is missing is told as FastAPI does. `root`: where the arguments stand. */
export function validationDetails(
  violations: readonly Violation[],
  root: readonly string[] = ['body'],
): ValidationDetail[] {
  return violations.map(({ path, expected, got }) => {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const loc = [...root, ...steps.map((step) => (/^(?:0|[1-9]\d{0,8})$/.test(step) ? Number(step) : step))];
    if (got === 'nothing') return { loc, msg: 'Field required', type: 'missing' };
    return { loc, msg: `expected ${expected}, got ${got}`, type: typeOf(expected) };
  });
}

function typeOf(expected: string): string {
  if (expected === 'no such property') return 'extra_forbidden';
  const [first = ''] = expected.split(/[\s,]/, 1);
  return ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'].includes(first)
    ? `${first}_type`
    : 'value_error';
}
