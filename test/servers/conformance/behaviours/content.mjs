// Pieces of content that several tools and prompts return, and the schemas they ask the user with.

/** A 1×1 PNG, base64. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** A WAV file with a header and no samples, base64. */
export const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';

/** @param {string} value */
export const text = (value) => ({ type: 'text', text: value });

export const image = { type: 'image', data: PNG, mimeType: 'image/png' };

export const audio = { type: 'audio', data: WAV, mimeType: 'audio/wav' };

/** @param {string} uri @param {string} mimeType @param {string} value */
export const resource = (uri, mimeType, value) => ({ type: 'resource', resource: { uri, mimeType, text: value } });

/** @param {string} message @param {Record<string, object>} properties @param {string[]} [required] */
export const elicitation = (message, properties, required = Object.keys(properties)) => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties, required } },
});

/** @param {string} prompt @param {number} [maxTokens] */
export const sampling = (prompt, maxTokens = 100) => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens },
});

export const roots = { method: 'roots/list', params: {} };

/** SEP-1034: one property of each primitive type, each with a default. */
export const DEFAULTS = {
  name: { type: 'string', description: 'User name', default: 'John Doe' },
  age: { type: 'integer', description: 'User age', default: 30 },
  score: { type: 'number', description: 'User score', default: 95.5 },
  status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', description: 'Verification status', default: true },
};

/** @param {string} noun @param {string[]} ordinals */
const titled = (noun, ordinals) =>
  ordinals.map((word, index) => ({ const: `value${index + 1}`, title: `${word} ${noun}` }));

/** SEP-1330: the five ways to write an enum. */
export const ENUMS = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: titled('Option', ['First', 'Second', 'Third']) },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', items: { anyOf: titled('Choice', ['First', 'Second', 'Third']) } },
};

/** SEP-1613 and SEP-2106: a schema with the keywords that a careless relay strips. */
export const RICH_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: `then` is the JSON Schema keyword under test
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};
