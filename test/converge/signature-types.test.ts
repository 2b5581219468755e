// The signatures are read by the real TypeScript compiler: what is valid under the schema is assignable to the type,
// what is not is not, as far as a type can say it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signatureOf } from '../../src/converge/schema-signature.ts';
import { Validator } from '../../src/converge/validate.ts';
import { expressible, literalType, sampleOf } from './schema-samples.ts';

const root = new URL('../..', import.meta.url).pathname;
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdfast-signatures-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** One namespace for each signature: its named types belong to it. */
class Program {
  readonly #lines: string[] = [];
  add(signature: string, checks: { value: unknown; assignable: boolean }[]): void {
    const body = checks.map(
      ({ value, assignable }, index) =>
        `type V${index} = ${literalType(value)}; export const c${index}: [V${index}] extends [T] ? true : false = ${assignable}; // ${signature.replaceAll('\n', ' ')}`,
    );
    this.#lines.push(`namespace N${this.#lines.length} { type T = ${signature}\n${body.join('\n')}
}`);
  }
  errors(name: string): string[] {
    const file = join(dir, `${name}.ts`);
    writeFileSync(file, `${this.#lines.join('\n')}\nexport {};\n`);
    try {
      execFileSync(
        process.execPath,
        [
          tsc,
          '--noEmit',
          '--strict',
          '--exactOptionalPropertyTypes',
          '--target',
          'ES2023',
          '--lib',
          'ES2023',
          '--types',
          '',
          '--ignoreConfig',
          file,
        ],
        { cwd: dir, encoding: 'utf8', maxBuffer: 1 << 26 },
      );
      return [];
    } catch (error) {
      const lines = readFileSync(file, 'utf8').split('\n');
      const { stdout } = error as { stdout: string };
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map(
          (line) =>
            `${line.slice(dir.length)}\n    ${lines[Number(/\((\d+),/.exec(line)?.[1] ?? 1) - 1]?.slice(0, 600)}`,
        );
    }
  }
}

function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

describe('signatures against the TypeScript compiler', () => {
  test('X-13: valid = assignable, both ways, for schemas that a type can express', () => {
    const ajv = new Ajv2020({ strict: false, validateSchema: false, addUsedSchema: false });
    const program = new Program();
    let valid = 0;
    let invalid = 0;
    fc.assert(
      fc.property(expressible, fc.nat(1e6), (schema, seed) => {
        const check = ajv.compile(schema);
        const random = seeded(seed);
        const good = Array.from({ length: 3 }, () => sampleOf(schema, schema, random));
        // The same values with something put in the place of something else.
        const bad = good.map((value) => damage(value, random));
        const checks = [...good, ...bad].map((value) => ({ value, assignable: check(value) as boolean }));
        valid += checks.filter((c) => c.assignable).length;
        invalid += checks.filter((c) => !c.assignable).length;
        program.add(signatureOf(schema, { budget: 1 }), checks);
      }),
      { numRuns: 300, seed: 20261120 },
    );
    expect(valid).toBeGreaterThan(300);
    expect(invalid).toBeGreaterThan(100);
    expect(program.errors('property').slice(0, 3)).toEqual([]);
  });

  test('A-44: every signature of the corpus is TypeScript, and values valid under the schema fit it', async () => {
    const program = new Program();
    const validator = new Validator();
    // The validator accepts what it cannot check in time, as on a busy machine; so a second opinion without a limit.
    const ajv = new Ajv2020({ strict: false, validateSchema: false, addUsedSchema: false, validateFormats: false });
    let tools = 0;
    let values = 0;
    for (const file of readdirSync(join(root, 'test/corpus/servers')).sort()) {
      const { tools: list } = JSON.parse(readFileSync(join(root, 'test/corpus/servers', file), 'utf8'));
      for (const { name, inputSchema } of list) {
        tools++;
        const random = seeded(tools);
        const { $schema: _, ...plain } = inputSchema;
        const fits = ajv.compile(plain);
        const checks: { value: unknown; assignable: boolean }[] = [];
        for (let round = 0; round < 2; round++) {
          const value = sampleOf(inputSchema, inputSchema, random);
          if ((await validator.validate(`${file} ${name}`, inputSchema, value)).length === 0 && fits(value))
            checks.push({ value, assignable: true });
        }
        values += checks.length;
        program.add(signatureOf(inputSchema), checks);
      }
    }
    expect(tools).toBeGreaterThan(100);
    expect(values).toBeGreaterThan(tools);
    expect(program.errors('corpus').slice(0, 3)).toEqual([]);
  }, 240_000);
});

function damage(value: unknown, random: () => number): unknown {
  if (Array.isArray(value) && value.length > 0 && random() < 0.7)
    return value.map((item, index) => (index === 0 ? damage(item, random) : item));
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    if (keys.length > 0 && random() < 0.9) {
      const victim = keys[Math.floor(random() * keys.length)] as string;
      const entries = Object.entries(value);
      if (random() < 0.4) return Object.fromEntries(entries.filter(([key]) => key !== victim));
      return Object.fromEntries(entries.map(([key, inner]) => [key, key === victim ? damage(inner, random) : inner]));
    }
  }
  return random() < 0.5 ? 'something else' : 12345;
}
