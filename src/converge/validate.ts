// Checks the arguments of a call against the tool's schema before anything is sent (X-08, requirements 10.19). Schemas
// come from strangers: whatever they hold, one check never holds the event loop for long, and nothing is fetched.
import { LRUCache } from 'lru-cache';
import { isObject, type JsonObject } from '../core/json.ts';
import { FORMATS } from './formats.ts';
import { surveySchema, toRegExp } from './schema-survey.ts';
import { isTimeout, TimeLimit } from './time-limit.ts';
import { checkNames, describe, type SchemaError, type Violation, violationsOf } from './violations.ts';

/** Milliseconds that compiling a schema, and one check, may take; what takes longer is only checked for names. */
const COMPILE_LIMIT = 60;
const CHECK_LIMIT = 40;
/** A schema that ran into a limit so often is not tried again. */
const MAX_TIMEOUTS = 3;
const CACHED = 500;

/** The first compilation of all takes as long as the limit allows, whatever the schema: this one bears it. */
const PLAIN = {
  type: 'object',
  properties: { a: { type: 'array', items: { anyOf: [{ type: 'string', minLength: 1 }, { enum: [1] }] } } },
  required: ['a'],
  additionalProperties: false,
};

interface Check {
  (value: unknown): boolean;
  errors?: SchemaError[] | null;
}
interface Compiled {
  /** Undefined where the schema is too large, too slow, or nothing that can be compiled. */
  check: Check | undefined;
  /** Run under a time limit. */
  guarded: boolean;
  timeouts: number;
  /** Compiling it ran into the limit: it may have been the machine, so it is tried again. */
  unfinished?: boolean;
}

/** Compiled checks of tools, kept by hash; one for each gateway. */
export class Validator {
  readonly #compiled = new LRUCache<string, Compiled>({ max: CACHED });
  readonly #limit = new TimeLimit();
  #isWarm = false;

  /**
   * What is wrong with `value` under `schema` (2020-12, or draft-07 where it says so); empty when nothing is.
   * @param hash identifies the schema, so that it is compiled once
   */
  async validate(hash: string, schema: unknown, value: unknown): Promise<Violation[]> {
    if (schema === false) return [{ path: '', expected: 'no arguments at all', got: describe(value) }];
    if (!isObject(schema)) return [];
    let compiled = this.#compiled.get(hash);
    if (compiled === undefined || (compiled.unfinished === true && compiled.timeouts < MAX_TIMEOUTS)) {
      compiled = await this.#compile(schema, compiled?.timeouts ?? 0);
      this.#compiled.set(hash, compiled);
    }
    const { check } = compiled;
    if (check === undefined) return checkNames(schema, value);
    let valid: boolean;
    try {
      const guarded = compiled.guarded || isLarge(value);
      valid = guarded ? this.#limit.run(() => check(value), CHECK_LIMIT) : check(value);
    } catch {
      // Too slow, or recursion without end: what can be said in time is said.
      if (++compiled.timeouts >= MAX_TIMEOUTS) compiled.check = undefined;
      return checkNames(schema, value);
    }
    return valid ? [] : violationsOf(check.errors ?? [], value);
  }

  async #compile(schema: JsonObject, timeouts: number): Promise<Compiled> {
    const survey = surveySchema(schema);
    if (survey === undefined) return { check: undefined, guarded: false, timeouts: 0 };
    const isOld = typeof schema.$schema === 'string' && /draft-0[3467]/.test(schema.$schema);
    const options = {
      strict: false,
      allErrors: true,
      verbose: true,
      meta: false,
      validateSchema: false,
      addUsedSchema: false,
      logger: false as const,
      formats: FORMATS,
      // Steps like 0.01 are never exact in binary.
      multipleOfPrecision: 9,
      code: { regExp: Object.assign((pattern: string) => toRegExp(pattern) ?? /(?:)/, { code: 'new RegExp' }) },
    };
    try {
      const ajv = isOld
        ? new (await import('ajv')).Ajv(options)
        : new (await import('ajv/dist/2020.js')).Ajv2020(options);
      ajv.removeKeyword('uniqueItems');
      ajv.addKeyword({
        keyword: 'uniqueItems',
        type: 'array',
        schemaType: 'boolean',
        validate: allDiffer,
        errors: false,
      });
      if (!this.#isWarm) ajv.compile(PLAIN);
      this.#isWarm = true;
      const check = this.#limit.run(() => ajv.compile(survey.schema), COMPILE_LIMIT) as Check;
      return { check, guarded: survey.slow, timeouts };
    } catch (error) {
      return { check: undefined, guarded: false, timeouts: timeouts + 1, unfinished: isTimeout(error) };
    }
  }
}

/** `uniqueItems` in time proportional to the items; ajv compares every pair. */
function allDiffer(wanted: boolean, items: unknown[]): boolean {
  if (!wanted) return true;
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonical(item);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

/** Equal for equal JSON values, whatever the order of their keys. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}

/** Whether a value is large enough for its check to be worth a time limit. */
function isLarge(value: unknown): boolean {
  let seen = 0;
  const open: unknown[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string' && next.length > 100_000) return true;
    if (typeof next !== 'object' || next === null) continue;
    for (const inner of Object.values(next)) {
      if (++seen > 2_000) return true;
      if (inner !== null && inner !== undefined) open.push(inner);
    }
  }
  return false;
}
