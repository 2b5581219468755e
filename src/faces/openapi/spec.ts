// OpenAPI 3.1 documents: one for each upstream, as mcpo makes them (U-04), and one over all of them.
import type { CatalogView, ToolEntry } from '../../core/catalog.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { componentName, operationId, titleCase, UniqueNames } from './names.ts';
import { toolPath } from './paths.ts';
import { Components, put } from './schema.ts';

export interface SpecInfo {
  title: string;
  description: string;
  version: string;
}

/** One tool and where it is shown. */
export interface SpecTool {
  tool: ToolEntry;
  /** Path in the document. */
  path: string;
  /** What operation and models are named after. */
  label: string;
  tag?: string | undefined;
}

export interface SpecInput {
  info: SpecInfo;
  /** Base of all paths; empty: where the document is. */
  server: string;
  tools: readonly SpecTool[];
  /** Whether calls need a key. */
  secured: boolean;
}

/** The tools of one upstream under paths of its own. */
export function toolsOf(view: CatalogView): SpecTool[] {
  return [...view.tools.values()].map((tool) => ({ tool, path: `/${toolPath(tool.exposed)}`, label: tool.exposed }));
}

/** What an upstream says of itself, as mcpo puts it into `info`. */
export function infoOf(view: CatalogView | undefined, id: string, back: string): SpecInfo {
  const identity = view?.members[0]?.identity;
  if (identity === undefined) {
    return { title: id, description: `${id} MCP Server\n\n- [back to tool list](${back})`, version: '1.0' };
  }
  const { name, version } = identity.serverInfo;
  const title = typeof name === 'string' && name !== '' ? name : id;
  return {
    title,
    description: identity.instructions ?? `${title} MCP Server`,
    version: typeof version === 'string' && version !== '' ? version : '1.0',
  };
}

export function buildSpec({ info, server, tools, secured }: SpecInput): JsonObject {
  const components = new Components();
  components.fixed('HTTPValidationError', HTTP_VALIDATION_ERROR);
  components.fixed('ValidationError', VALIDATION_ERROR);
  components.fixed('GatewayError', GATEWAY_ERROR);
  const operations = new UniqueNames();
  const paths: JsonObject = {};
  for (const item of tools) {
    const { tool, path, label, tag } = item;
    const id = operations.take(operationId(label));
    const { definition } = tool;
    const input = isObject(definition.inputSchema) ? definition.inputSchema : {};
    const operation: JsonObject = { summary: titleCase(tool.exposed) };
    if (tag !== undefined) operation.tags = [tag];
    if (typeof definition.description === 'string') operation.description = definition.description;
    operation.operationId = id;
    if (takesArguments(input)) {
      const schema = components.add(`${label}_form_model`, { type: 'object', ...input });
      operation.requestBody = { content: { 'application/json': { schema } }, required: true };
    }
    operation.responses = responses(label, definition.outputSchema, components);
    if (secured) operation.security = [{ HTTPBearer: [] }];
    put(paths, path, { post: operation });
  }
  return {
    openapi: '3.1.0',
    info,
    ...(server !== '' && { servers: [{ url: server }] }),
    paths,
    components: {
      schemas: components.schemas,
      ...(secured && { securitySchemes: { HTTPBearer: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}

/** Whether there is anything to send: mcpo gives a tool without arguments no request body. */
export function takesArguments(input: JsonObject): boolean {
  if (isObject(input.properties) && Object.keys(input.properties).length > 0) return true;
  if (isObject(input.additionalProperties) || input.additionalProperties === true) return true;
  return ['$ref', 'allOf', 'anyOf', 'oneOf', 'patternProperties', 'required'].some((key) => key in input);
}

function responses(label: string, output: unknown, components: Components): JsonObject {
  const title = titleCase(`response_${operationId(label)}`);
  const schema = isObject(output)
    ? { anyOf: [components.add(`${label}_response_model`, output), {}], title }
    : { title };
  return {
    '200': { description: 'Successful Response', content: { 'application/json': { schema } } },
    '422': answerOf('Validation Error', 'HTTPValidationError'),
    '4XX': answerOf('Refused', 'GatewayError'),
    '5XX': answerOf('Failed', 'GatewayError'),
  };
}

function answerOf(description: string, component: string): JsonObject {
  return {
    description,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${componentName(component)}` } } },
  };
}

const VALIDATION_ERROR: JsonObject = {
  properties: {
    loc: { items: { anyOf: [{ type: 'string' }, { type: 'integer' }] }, type: 'array', title: 'Location' },
    msg: { type: 'string', title: 'Message' },
    type: { type: 'string', title: 'Error Type' },
  },
  type: 'object',
  required: ['loc', 'msg', 'type'],
  title: 'ValidationError',
};

const HTTP_VALIDATION_ERROR: JsonObject = {
  properties: {
    detail: { items: { $ref: '#/components/schemas/ValidationError' }, type: 'array', title: 'Detail' },
  },
  type: 'object',
  title: 'HTTPValidationError',
};

/** Faults of the gateway, tools that failed, and refusals (requirements 12.4). */
const GATEWAY_ERROR: JsonObject = {
  properties: {
    detail: {
      anyOf: [
        { type: 'string' },
        {
          type: 'object',
          properties: {
            message: { type: 'string' },
            fault: { type: 'string' },
            upstream: { type: 'string' },
            delivery: { enum: ['not-sent', 'rejected-unprocessed', 'maybe-sent', 'answered'] },
            retryable: { type: 'boolean' },
            retryAfterMs: { type: 'number' },
            correlationId: { type: 'string' },
            hint: { type: 'string' },
          },
          required: ['message'],
        },
      ],
      title: 'Detail',
    },
  },
  type: 'object',
  required: ['detail'],
  title: 'GatewayError',
};
