// JSON Schema → a short TypeScript signature, which a model reads for a third of the tokens (A-40 … ).
import { isObject } from '../core/json.ts';
import { typeOfSchema } from './schema-type.ts';
import { type Detail, writeType } from './signature-text.ts';

export interface SignatureOptions {
  /** Longest description of a property in a comment, in characters. */
  maxDescription?: number | undefined;
  /** Comments are added while the signature stays below this part of the JSON it replaces; 1 = as much as there is. */
  budget?: number | undefined;
  /** The signature is made coarser until it is no longer than this; names of required parameters are always told. */
  maxLength?: number | undefined;
}

/** Above this much JSON nobody reads the comments, and they would cost time. */
const NO_COMMENTS_ABOVE = 200_000;
const CUTS = [300, 160, 100, 70, 50, 36];

const COARSER: Detail[] = [
  { description: 0, facts: false, literals: 8 },
  { description: 0, facts: false, literals: 5, depth: 1 },
  { description: 0, facts: false, literals: 5, depth: 1, optional: 'named' },
  { description: 0, facts: false, literals: 3, depth: 0, optional: 'named' },
  { description: 0, facts: false, literals: 3, depth: 0, optional: 'counted' },
  { description: 0, facts: false, tight: true, bare: true, optional: 'counted' },
];

/**
 * The signature of a schema of JSON Schema 2020-12 or draft-07. Never throws, and never loses a required parameter;
 * bounded in time for any input. Not longer than the schema as compact JSON, but for the word `unknown`.
 */
export function signatureOf(schema: unknown, options: SignatureOptions = {}): string {
  if (!isObject(schema) || Object.keys(schema).length === 0) return schema === false ? 'never' : 'unknown';
  const json = textOf(schema);
  const type = typeOfSchema(schema);
  const { maxDescription = 300, budget = 0.4, maxLength = Number.POSITIVE_INFINITY } = options;
  const size = json?.length ?? Number.POSITIVE_INFINITY;
  const limit = Math.min(size, maxLength);
  const room = Math.min(limit, size * budget);

  if (size <= NO_COMMENTS_ABOVE) {
    const cuts = CUTS.filter((cut) => cut < maxDescription);
    for (const description of [maxDescription, ...cuts, 0]) {
      const text = writeType(type, { description, facts: true });
      if (text.length <= room) return text;
    }
  }
  const plain = writeType(type, { description: 0, facts: false });
  if (plain.length <= limit) return plain;
  if (maxLength < plain.length) {
    for (const detail of COARSER) {
      const text = writeType(type, detail);
      if (text.length <= limit) return text;
    }
    return writeType(type, COARSER.at(-1) as Detail);
  }
  const tight = writeType(type, { description: 0, facts: false, tight: true });
  return json === undefined || tight.length <= size || size < 16 ? tight : json;
}

/** Undefined for a schema nested so deep that its own text cannot be written. */
function textOf(schema: object): string | undefined {
  try {
    return JSON.stringify(schema);
  } catch {
    return undefined;
  }
}
