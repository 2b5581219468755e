// Checks the arguments of a call against the tool's schema: a custom tool is its own server, and faces that pass
// everything through leave the check to it.
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { CustomTool } from '../config/schema-custom.ts';
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Log } from './run.ts';

/** The compiled schemas of one set of tools; compiled at the first call of each, as ajv takes time to load. */
export class ArgumentChecks {
  readonly #compiled = new Map<string, Promise<ValidateFunction | undefined>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Gives the arguments. @throws GatewayFault ARGUMENTS_INVALID naming up to five mistakes */
  async check(tool: CustomTool, given: unknown): Promise<JsonObject> {
    const args = given ?? {};
    if (!isObject(args)) throw new GatewayFault('ARGUMENTS_INVALID', '"arguments" is not an object');
    let compiled = this.#compiled.get(tool.name);
    if (compiled === undefined) {
      compiled = this.#compile(tool);
      this.#compiled.set(tool.name, compiled);
    }
    const validate = await compiled;
    if (validate === undefined || validate(args)) return args;
    const found = (validate.errors ?? []).slice(0, 5).map(({ instancePath, message }) => {
      const path = instancePath.slice(1).replaceAll('/', '.');
      return path === '' ? (message ?? '') : `${path} ${message}`;
    });
    throw new GatewayFault('ARGUMENTS_INVALID', `Argument validation failed: ${found.join('; ')}`);
  }

  async #compile(tool: CustomTool): Promise<ValidateFunction | undefined> {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    try {
      const { $schema: _, ...schema } = tool.inputSchema as JsonObject;
      return new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false }).compile(schema);
    } catch (error) {
      const text = `the inputSchema of "${tool.name}" cannot be used; its arguments are not checked`;
      this.#log('warn', text, { error: (error as Error).message });
      return undefined;
    }
  }
}
